/** How many jobs a second are acknowledged when one caller adds 500 at a time and waits for each bulk. */

import { cpuRows } from '../harness/cpu-rows.mjs';
import { addBulks, timed } from '../harness/load.mjs';

export const question = {
  peers: ['millrace', 'bullmq', 'bunqueue', 'sqlite'],
  runs: 5,
  size: { jobs: 100_000, warmUp: 10_000 },
  quick: { jobs: 20_000, warmUp: 5000 },
  rows: () => [
    {
      key: 'perSecond',
      title: '`addBulk` of 500',
      unit: 'jobs/s',
      goals: [{ beside: 'bullmq', atLeast: 6 }, { beside: 'sqlite' }],
    },
    ...cpuRows('`addBulk` of 500'),
  ],
  async measure({ open, size: { jobs, warmUp } }) {
    const queue = await open();
    await addBulks(queue, warmUp);
    const figures = await timed(queue, jobs, () => addBulks(queue, jobs));
    await queue.close();
    return figures;
  },
};
