/** How many waiting jobs a second one worker completes when the jobs themselves do nothing. */

import { drain, fill, timed } from '../harness/load.mjs';

export const question = {
  peers: ['millrace', 'bullmq', 'bunqueue'],
  runs: 5,
  size: { jobs: 40_000, warmUp: 4000, concurrency: 100 },
  quick: { jobs: 10_000, warmUp: 2000, concurrency: 100 },
  rows: [
    {
      key: 'perSecond',
      title: 'draining 40,000 waiting no-op jobs, concurrency 100',
      unit: 'jobs/s',
      goals: [
        { beside: 'bullmq', atLeast: 5 },
        { beside: 'bunqueue', atLeast: 20 },
      ],
    },
    { key: 'cpu', title: 'its CPU of the process, per 10,000 jobs', unit: 's' },
    { key: 'serverCpu', title: 'its CPU of Redis, per 10,000 jobs', unit: 's', peers: ['bullmq'] },
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
