/** How many waiting jobs a second one worker completes when the jobs themselves do nothing. */

import { cpuRows } from '../harness/cpu-rows.mjs';
import { drain, fill, timed } from '../harness/load.mjs';
import { countText } from '../harness/words.mjs';

const IN_MEMORY = 'in memory';

export const question = {
  peers: ['millrace', 'bullmq', 'bunqueue', 'sqlite'],
  variants: { bunqueue: [null, IN_MEMORY] },
  runs: 5,
  fewerRuns: { bunqueue: 3 },
  size: { jobs: 40_000, warmUp: 4000, concurrency: 100 },
  quick: { jobs: 10_000, warmUp: 2000, concurrency: 100 },
  rows: ({ jobs }) => [
    {
      key: 'perSecond',
      title: `draining ${countText(jobs)} waiting no-op jobs, concurrency 100`,
      unit: 'jobs/s',
      goals: [{ beside: 'bullmq', atLeast: 5 }, { beside: 'bunqueue', atLeast: 20 }, { beside: 'sqlite' }],
    },
    {
      key: 'perSecond',
      title: `draining ${countText(jobs)}, bunqueue without a file (nothing outlives the process)`,
      unit: 'jobs/s',
      peers: ['bunqueue'],
      variant: IN_MEMORY,
    },
    ...cpuRows('draining at concurrency 100'),
  ],
  async measure({ open, variant, size: { jobs, warmUp, concurrency } }) {
    const queue = await open({ inMemory: variant === IN_MEMORY });
    await fill(queue, warmUp);
    await (await drain(queue, warmUp, concurrency)).close();
    await fill(queue, jobs);
    const figures = await timed(queue, jobs, () => drain(queue, jobs, concurrency));
    await queue.close();
    return figures;
  },
};
