/** What passes between the process and Redis for a job on its whole way: added by bulks, drained, completed. */

import { addBulks, drain } from '../../harness/load.mjs';
import { PEERS } from '../../harness/redis/rows.mjs';

const ROWS = {
  commands: ['commands per job, those that scripts call included', 'a job'],
  scripts: ['scripts called per job', 'a job'],
  bytesIn: ['bytes to Redis per job', 'B'],
  bytesOut: ['bytes from Redis per job', 'B'],
};

export const question = {
  peers: PEERS,
  runs: 3,
  size: { jobs: 40_000, warmUp: 4000 },
  quick: { jobs: 4000, warmUp: 1000 },
  rows: () =>
    Object.entries(ROWS).map(([key, [what, unit]]) => ({
      ...{ key, title: `${what}, added by 500 and drained at 100`, unit },
    })),
  async measure({ open, size: { jobs, warmUp } }) {
    const queue = await open();
    await addBulks(queue, warmUp);
    await (await drain(queue, warmUp, 100)).close();
    const before = await queue.counts();
    await addBulks(queue, jobs);
    await drain(queue, jobs, 100);
    const after = await queue.counts();
    await queue.close();
    return Object.fromEntries(Object.keys(ROWS).map((key) => [key, (after[key] - before[key]) / jobs]));
  },
};
