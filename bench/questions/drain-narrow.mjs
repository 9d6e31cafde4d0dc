/** Draining with few jobs at once, where there is little to batch. */

import { drain, fill, timed } from '../harness/load.mjs';

const WIDTHS = ['1', '10'];

export const question = {
  peers: ['millrace', 'bullmq', 'bunqueue'],
  variants: { millrace: WIDTHS, bullmq: WIDTHS, bunqueue: WIDTHS },
  runs: 3,
  size: { jobs: 4000, warmUp: 500 },
  quick: { jobs: 1000, warmUp: 200 },
  rows: () =>
    WIDTHS.map((variant) => ({
      key: 'perSecond',
      title: `draining no-op jobs, concurrency ${variant}`,
      unit: 'jobs/s',
      variant,
    })),
  async measure({ open, variant, size: { jobs, warmUp } }) {
    const queue = await open();
    await fill(queue, warmUp);
    await (await drain(queue, warmUp, Number(variant))).close();
    await fill(queue, jobs);
    const figures = await timed(queue, jobs, () => drain(queue, jobs, Number(variant)));
    await queue.close();
    return figures;
  },
};
