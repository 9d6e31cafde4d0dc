/** How long a job waits when nothing else is to do: from the call of `add` to the first line of the processor. */

import { delaysOf, nowMs, Starts } from '../../harness/latency.mjs';

export const question = {
  peers: ['millrace', 'graphile', 'pgboss', 'bullmq'],
  runs: 5,
  size: { jobs: 200, warmUp: 30 },
  quick: { jobs: 60, warmUp: 10 },
  rows: () => [
    { key: 'p50', title: 'add to start, idle, p50', unit: 'ms', goals: [{ atMost: 3 }] },
    { key: 'p99', title: 'add to start, idle, p99', unit: 'ms', goals: [{ atMost: 15 }] },
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
