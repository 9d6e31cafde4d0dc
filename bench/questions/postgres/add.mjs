/** How many single jobs a second are acknowledged when a hundred callers add at once. */

import { addEachFor, timed } from '../../harness/load.mjs';
import { ADDERS, costRows } from '../../harness/postgres/rows.mjs';

const WORK = '`add`, 100 in flight';

export const question = {
  peers: ADDERS,
  runs: 5,
  size: { seconds: 5, warmUpSeconds: 1, inFlight: 100 },
  quick: { seconds: 2, warmUpSeconds: 1, inFlight: 100 },
  rows: () => [
    {
      key: 'perSecond',
      title: WORK,
      unit: 'jobs/s',
      goals: [
        { beside: 'graphile', atLeast: 10 },
        { beside: 'bullmq', atLeast: 10 },
        { beside: 'pgboss', atLeast: 8 },
      ],
    },
    ...costRows(WORK),
  ],
  async measure({ open, size: { seconds, warmUpSeconds, inFlight } }) {
    const queue = await open();
    await addEachFor(queue, warmUpSeconds * 1000, inFlight);
    const figures = await timed(queue, null, () => addEachFor(queue, seconds * 1000, inFlight));
    await queue.close();
    return figures;
  },
};
