/** How many waiting jobs a second one worker completes when the jobs themselves do nothing. */

import { drain, fill, timed } from '../../harness/load.mjs';
import { ALL, costRows } from '../../harness/postgres/rows.mjs';
import { countText } from '../../harness/words.mjs';

export const question = {
  peers: ALL,
  runs: 5,
  fewerRuns: { graphile: 2, bullmq: 2 },
  timeoutMs: 300_000,
  size: { jobs: 40_000, warmUp: 4000, concurrency: 100 },
  quick: { jobs: 4000, warmUp: 1000, concurrency: 100 },
  rows: ({ jobs }) => [
    {
      key: 'perSecond',
      title: `draining ${countText(jobs)} waiting no-op jobs, concurrency 100`,
      unit: 'jobs/s',
      goals: [
        { beside: 'graphile-best', atLeast: 2 },
        { beside: 'bullmq', atLeast: 20 },
        { beside: 'pgboss', atLeast: 5 },
      ],
    },
    ...costRows('draining at concurrency 100'),
  ],
  async measure({ open, size: { jobs, warmUp, concurrency } }) {
    const queue = await open();
    await fill(queue, warmUp);
    await (await drain(queue, warmUp, concurrency)).close();
    await fill(queue, jobs);
    const figures = await timed(queue, jobs, () => drain(queue, jobs, concurrency));
    await queue.close();
    return figures;
  },
};
