/** How many single jobs a second are acknowledged when a hundred callers add at once. */

import { addEachFor, timed } from '../../harness/load.mjs';
import { BOTH, PEERS, rateRows } from '../../harness/redis/rows.mjs';

export const question = {
  peers: PEERS,
  variants: BOTH,
  runs: 5,
  size: { seconds: 3, warmUpSeconds: 1, inFlight: 100 },
  quick: { seconds: 1, warmUpSeconds: 1, inFlight: 100 },
  rows: () => rateRows('`add`, 100 in flight', 3),
  async measure({ open, size: { seconds, warmUpSeconds, inFlight } }) {
    const queue = await open();
    await addEachFor(queue, warmUpSeconds * 1000, inFlight);
    const figures = await timed(queue, null, () => addEachFor(queue, seconds * 1000, inFlight));
    await queue.close();
    return figures;
  },
};
