/** Whether a million waiting jobs slow a worker down. */

import { drainSteadily, fill } from '../../harness/load.mjs';
import { countText } from '../../harness/words.mjs';

const FEW = 'few';
const MANY = 'many';

const sizeOf = (variant, { few, many }) => (variant === MANY ? many : few);

export const question = {
  peers: ['millrace'],
  variants: { millrace: [FEW, MANY] },
  runs: 3,
  timeoutMs: 400_000,
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
  async before({ open, variant, size }) {
    const queue = await open();
    await fill(queue, sizeOf(variant, size) + size.total);
    await queue.close();
  },
  async measure({ open, size }) {
    const queue = await open();
    const { perSecond } = await drainSteadily(queue, size);
    await queue.close();
    return { perSecond };
  },
};
