/** How long a job waits when nothing else is to do: from the call of `add` to the first line of the processor. */

import { delaysOf, nowMs, Starts } from '../harness/latency.mjs';

export const question = {
  peers: ['millrace', 'bullmq', 'bunqueue'],
  runs: 5,
  fewerRuns: { bunqueue: 3 },
  size: { jobs: 300, warmUp: 50 },
  quick: { jobs: 100, warmUp: 20 },
  rows: () => [
    {
      key: 'p50',
      title: 'add to start, idle, same process, p50',
      unit: 'ms',
      goals: [{ atMost: 1 }, { beside: 'bullmq', atMost: 2 }],
    },
    {
      key: 'p99',
      title: 'add to start, idle, same process, p99',
      unit: 'ms',
      goals: [{ atMost: 5 }, { beside: 'bullmq', atMost: 2 }],
    },
  ],
  async measure({ open, size }) {
    const queue = await open();
    const starts = new Starts();
    const processor = async (job) => starts.tell(job.data.number, nowMs());
    queue.work(10, processor, () => {});
    const figures = await delaysOf(queue, size, (number) => starts.wait(number));
    await queue.close();
    return figures;
  },
};
