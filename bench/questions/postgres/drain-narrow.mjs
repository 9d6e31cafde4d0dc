/** Draining with few jobs at once, where there is little to batch. */

import { drain, fill, timed } from '../../harness/load.mjs';
import { ALL } from '../../harness/postgres/rows.mjs';

const WIDTHS = ['10', '1'];

export const question = {
  peers: ALL,
  variants: Object.fromEntries(ALL.map((peer) => [peer, WIDTHS])),
  runs: 3,
  fewerRuns: { graphile: 2, bullmq: 2 },
  timeoutMs: 300_000,
  size: { jobs: 4000, warmUp: 500 },
  quick: { jobs: 500, warmUp: 100 },
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
