/** What a job costs the server on its whole way: added by bulks, worked on at concurrency 100, completed. */

import { addBulks, drain, timed } from '../../harness/load.mjs';
import { countText } from '../../harness/words.mjs';

/** In a run of its own, because what counts takes time. */
const COUNTED = 'counted';
const PEERS = ['millrace', 'graphile-best', 'pgboss'];

async function pass(queue, jobs) {
  await addBulks(queue, jobs);
  await drain(queue, jobs, 100);
}

function tripsIn(before, after, jobs) {
  const perJob = (name) => (after[name] - before[name]) / jobs;
  return { statements: perJob('statements'), roundTrips: perJob('roundTrips') };
}

export const question = {
  peers: PEERS,
  variants: Object.fromEntries(PEERS.map((peer) => [peer, [null, COUNTED]])),
  runs: 5,
  timeoutMs: 300_000,
  size: { jobs: 40_000, warmUp: 4000 },
  quick: { jobs: 4000, warmUp: 1000 },
  rows: ({ jobs }) => [
    {
      key: 'serverCpu',
      title: `CPU of the server per 10,000 of ${countText(jobs)} jobs added by 500 and drained`,
      unit: 's',
      goals: [{ beside: 'graphile-best', atMost: 0.8 }],
    },
    {
      key: 'wal',
      title: `WAL per job, ${countText(jobs)} added by 500 and drained`,
      unit: 'B',
      goals: [{ beside: 'graphile-best', atMost: 0.6 }],
    },
    { key: 'cpu', title: 'CPU of the process per 10,000 jobs, added by 500 and drained', unit: 's' },
    {
      key: 'statements',
      title: 'statements per job, added by 500 and drained',
      unit: 'a job',
      variant: COUNTED,
    },
    {
      key: 'roundTrips',
      title: 'round trips per job, added by 500 and drained',
      unit: 'a job',
      variant: COUNTED,
    },
  ],
  async measure({ open, variant, size: { jobs, warmUp } }) {
    const queue = await open({ counted: variant === COUNTED });
    await addBulks(queue, warmUp);
    await (await drain(queue, warmUp, 100)).close();
    const before = queue.trips?.();
    const figures = await timed(queue, jobs, () => pass(queue, jobs));
    const after = queue.trips?.();
    await queue.close();
    return before === undefined ? figures : tripsIn(before, after, jobs);
  },
};
