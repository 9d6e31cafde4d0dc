/** How many jobs a second one caller adds that waits for each: the time of one acknowledged write, turned over. */

import { addEach, timed } from '../harness/load.mjs';

export const question = {
  peers: ['millrace', 'bullmq', 'bunqueue'],
  runs: 5,
  size: { jobs: 4000, warmUp: 1000 },
  quick: { jobs: 1000, warmUp: 200 },
  rows: () => [{ key: 'perSecond', title: '`add`, one after the other', unit: 'jobs/s' }],
  async measure({ open, size: { jobs, warmUp } }) {
    const queue = await open();
    await addEach(queue, warmUp, 1);
    const figures = await timed(queue, jobs, () => addEach(queue, jobs, 1));
    await queue.close();
    return figures;
  },
};
