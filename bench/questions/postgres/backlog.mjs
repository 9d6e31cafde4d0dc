/** Whether a million waiting jobs slow a worker down. */

import { drainSteadily, fill } from '../../harness/load.mjs';
import { countText } from '../../harness/words.mjs';

const FEW = 'few';
const MANY = 'many';
const PEERS = ['millrace', 'graphile-best'];

/** What is left when the last run is over is the backlog that is named: it is never smaller while it is measured. */
const jobsFor = (variant, { few, many, total }, runs) =>
  variant === MANY ? many + total * runs : few + total;

async function fillIn(open, folder, count) {
  const queue = await open({ folder });
  await fill(queue, count);
  await queue.close();
}

export const question = {
  peers: PEERS,
  variants: Object.fromEntries(PEERS.map((peer) => [peer, [FEW, MANY]])),
  runs: 3,
  timeoutMs: 600_000,
  size: { few: 10_000, many: 1_000_000, warmUp: 5000, count: 40_000, total: 45_000, concurrency: 100 },
  quick: { few: 2000, many: 20_000, warmUp: 1000, count: 4000, total: 5000, concurrency: 100 },
  rows: ({ few, many, count }) => [
    {
      key: 'perSecond',
      title: `draining ${countText(count)} down to a backlog of ${countText(many)}`,
      unit: 'jobs/s',
      variant: MANY,
      goals: [{ variant: FEW, title: `the rate at ${countText(few)}`, atLeast: 0.8 }],
    },
    {
      key: 'perSecond',
      title: `draining ${countText(count)} down to a backlog of ${countText(few)}`,
      unit: 'jobs/s',
      variant: FEW,
    },
  ],
  /** A million jobs are added once, for all runs. */
  async prepare({ open, variant, shared, size, runs, peer }) {
    if (variant === MANY) await fillIn(open, `${shared}/${peer}`, jobsFor(variant, size, runs));
  },
  async before({ open, variant, folder, size, runs }) {
    if (variant === FEW) await fillIn(open, folder, jobsFor(variant, size, runs));
  },
  async measure({ open, variant, shared, folder, size, peer }) {
    const queue = await open({ folder: variant === MANY ? `${shared}/${peer}` : folder });
    const { perSecond } = await drainSteadily(queue, size);
    await queue.close();
    return { perSecond };
  },
};
