/** How long a job waits when nothing else is to do: from the call of `add` to the first line of the processor. */

import { delaysOf, nowMs, Starts } from '../../harness/latency.mjs';
import { PEERS } from '../../harness/redis/rows.mjs';

export const question = {
  peers: PEERS,
  runs: 5,
  size: { jobs: 200, warmUp: 30 },
  quick: { jobs: 60, warmUp: 10 },
  rows: () =>
    ['p50', 'p99'].map((key) => ({
      key,
      title: `add to start, idle, ${key}`,
      unit: 'ms',
      goals: [{ beside: 'bullmq', atMost: 1 }],
    })),
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
