/** How many single jobs a second are acknowledged when a hundred callers add at once. */

import { cpuRows } from '../harness/cpu-rows.mjs';
import { addEach, timed } from '../harness/load.mjs';

export const question = {
  peers: ['millrace', 'bullmq', 'bunqueue'],
  runs: 5,
  size: { jobs: 40_000, warmUp: 5000, inFlight: 100 },
  quick: { jobs: 10_000, warmUp: 2000, inFlight: 100 },
  rows: () => [
    {
      key: 'perSecond',
      title: '`add`, 100 in flight',
      unit: 'jobs/s',
      goals: [{ beside: 'bullmq', atLeast: 4 }],
    },
    ...cpuRows('`add`, 100 in flight'),
  ],
  async measure({ open, size: { jobs, warmUp, inFlight } }) {
    const queue = await open();
    await addEach(queue, warmUp, inFlight);
    const figures = await timed(queue, jobs, () => addEach(queue, jobs, inFlight));
    await queue.close();
    return figures;
  },
};
