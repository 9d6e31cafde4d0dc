/** How many jobs a second are acknowledged when one caller adds 500 at a time and waits for each bulk. */

import { addBulks, timed } from '../../harness/load.mjs';
import { BOTH, PEERS, rateRows } from '../../harness/redis/rows.mjs';

export const question = {
  peers: PEERS,
  variants: BOTH,
  runs: 5,
  size: { jobs: 60_000, warmUp: 5000 },
  quick: { jobs: 10_000, warmUp: 2000 },
  rows: () => rateRows('`addBulk` of 500', 5),
  async measure({ open, size: { jobs, warmUp } }) {
    const queue = await open();
    await addBulks(queue, warmUp);
    const figures = await timed(queue, jobs, () => addBulks(queue, jobs));
    await queue.close();
    return figures;
  },
};
