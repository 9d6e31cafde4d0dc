/**
 * Steady load while another session keeps a transaction open: nothing that is deleted meanwhile can be taken away, and
 * whoever looks for the next job over what is dead becomes slower and slower.
 */

import { median } from '../../harness/statistics.mjs';
import { curveOf, loadSteadily } from '../../harness/steady.mjs';

const WINDOW_MS = 1000;

/** The first windows are of a process that is still starting, the last ones tell how it ends. */
const SETTLING = 0.4;
const END = 0.25;

/** How the ends of two curves compare. */
function keptOf(before, held) {
  const usual = median(before.slice(Math.floor(before.length * SETTLING)));
  const last = median(held.slice(Math.floor(held.length * (1 - END))));
  return { usual, last, kept: (100 * last) / usual };
}

export const question = {
  peers: ['millrace', 'graphile-best', 'pgboss', 'bullmq'],
  runs: 1,
  timeoutMs: 400_000,
  size: { usualSeconds: 15, heldSeconds: 40, concurrency: 100, backlog: 2000 },
  quick: { usualSeconds: 4, heldSeconds: 6, concurrency: 100, backlog: 2000 },
  rows: ({ heldSeconds }) => [
    {
      key: 'kept',
      title: `steady load, another session's transaction open for ${heldSeconds} s: what is left of the rate at its end`,
      unit: '%',
      goals: [{ atLeast: 80 }],
    },
    { key: 'usual', title: 'steady load, rate before', unit: 'jobs/s' },
    { key: 'last', title: `steady load, rate in the last quarter of the ${heldSeconds} s`, unit: 'jobs/s' },
  ],
  async measure({ open, size: { usualSeconds, heldSeconds, concurrency, backlog } }) {
    const queue = await open();
    const load = loadSteadily(queue, { concurrency, backlog });
    const before = await curveOf(load, { windows: usualSeconds, windowMs: WINDOW_MS });
    const letGo = await queue.hold();
    const held = await curveOf(load, { windows: heldSeconds, windowMs: WINDOW_MS });
    await letGo();
    await load.close();
    await queue.close();
    return { ...keptOf(before, held), before, held };
  },
};
