/** How many jobs a second are acknowledged when one caller adds 500 at a time and waits for each bulk. */

import { addBulks, timed } from '../../harness/load.mjs';
import { ADDERS, costRows } from '../../harness/postgres/rows.mjs';

const WORK = '`addBulk` of 500';

export const question = {
  peers: ADDERS,
  runs: 5,
  size: { jobs: 60_000, warmUp: 5000 },
  quick: { jobs: 10_000, warmUp: 2000 },
  rows: () => [
    {
      key: 'perSecond',
      title: WORK,
      unit: 'jobs/s',
      goals: ['graphile', 'pgboss', 'bullmq'].map((beside) => ({ beside, atLeast: 1.5 })),
    },
    ...costRows(WORK),
  ],
  async measure({ open, size: { jobs, warmUp } }) {
    const queue = await open();
    await addBulks(queue, warmUp);
    const figures = await timed(queue, jobs, () => addBulks(queue, jobs));
    await queue.close();
    return figures;
  },
};
