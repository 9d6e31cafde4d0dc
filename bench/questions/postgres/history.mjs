/** Whether a million finished jobs that are kept slow a worker down. */

import { drain, drainSteadily, fill } from '../../harness/load.mjs';
import { countText } from '../../harness/words.mjs';

const NONE = 'none';
const KEPT = 'kept';

/** Keeps them all, in both variants, so that only the number of those that are there differs. */
const KEEP_ALL = { completed: { age: '7d', count: 10_000_000 } };

const placeOf = (variant, shared, folder) => ({
  folder: variant === KEPT ? shared : folder,
  retention: KEEP_ALL,
});

export const question = {
  peers: ['millrace'],
  variants: { millrace: [NONE, KEPT] },
  runs: 3,
  timeoutMs: 600_000,
  size: { kept: 1_000_000, warmUp: 5000, count: 40_000, total: 45_000, concurrency: 100 },
  quick: { kept: 20_000, warmUp: 1000, count: 4000, total: 5000, concurrency: 100 },
  rows: ({ kept, count }) => [
    {
      key: 'perSecond',
      title: `draining ${countText(count)} with ${countText(kept)} finished jobs kept`,
      unit: 'jobs/s',
      variant: KEPT,
      goals: [{ variant: NONE, title: 'the rate with none', atLeast: 0.8 }],
    },
    {
      key: 'perSecond',
      title: `draining ${countText(count)} with no finished job`,
      unit: 'jobs/s',
      variant: NONE,
    },
  ],
  /** Works a million jobs off once, for all runs. */
  async prepare({ open, variant, shared, folder, size }) {
    if (variant === NONE) return;
    const queue = await open(placeOf(variant, shared, folder));
    await fill(queue, size.kept);
    await drain(queue, size.kept, 1000);
    await queue.close();
  },
  async before({ open, variant, shared, folder, size }) {
    const queue = await open(placeOf(variant, shared, folder));
    await fill(queue, size.total);
    await queue.close();
  },
  async measure({ open, variant, shared, folder, size }) {
    const queue = await open(placeOf(variant, shared, folder));
    const { perSecond } = await drainSteadily(queue, size);
    await queue.close();
    return { perSecond };
  },
};
