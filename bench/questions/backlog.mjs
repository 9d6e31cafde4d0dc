/** Whether a million waiting jobs slow a worker down, or make its process large. */

import { drainSteadily, fill } from '../harness/load.mjs';
import { median } from '../harness/statistics.mjs';
import { countText } from '../harness/words.mjs';

const FEW = 'few';
const MANY = 'many';

/** The first samples are of a process that is still starting. */
const SETTLING_SHARE = 0.1;

function memoryOf(samples) {
  const settled = samples.slice(Math.floor(samples.length * SETTLING_SHARE));
  const middle = median(settled);
  const swing = Math.max(...settled.map((sample) => Math.abs(sample - middle)));
  return { swing, peak: Math.max(...samples) };
}

/** The small backlog would not be small if it had to last as long as the memory of the large one is watched. */
const drainedOf = (variant, { warmUp, count, total }) => (variant === MANY ? total : warmUp + count);

/** What is left when the last run is over is the backlog that is named: it is never smaller while it is measured. */
const jobsFor = (variant, size, runs) =>
  variant === MANY ? size.many + size.total * runs : size.few + drainedOf(variant, size);

async function fillIn(open, options, count) {
  const queue = await open(options);
  await fill(queue, count);
  await queue.close();
}

const fileOf = (variant, shared, folder) =>
  variant === MANY ? { folder: shared, file: 'many.db' } : { folder };

export const question = {
  peers: ['millrace'],
  variants: { millrace: [FEW, MANY] },
  runs: 3,
  timeoutMs: 400_000,
  size: {
    few: 10_000,
    many: 1_000_000,
    warmUp: 5000,
    count: 40_000,
    total: 100_000,
    concurrency: 100,
  },
  quick: { few: 10_000, many: 100_000, warmUp: 2000, count: 8000, total: 10_000, concurrency: 100 },
  rows: ({ few, many, count, total }) => [
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
    {
      key: 'swing',
      title: `memory (RSS) of a process draining ${countText(total)} down to ${countText(many)}: farthest from its median`,
      unit: 'MB',
      variant: MANY,
      goals: [{ atMost: 50 }],
    },
    {
      key: 'peak',
      title: `memory at its peak, of a process draining ${countText(total)} down to ${countText(many)}`,
      unit: 'MB',
      variant: MANY,
    },
    {
      key: 'peak',
      title: `memory at its peak, of a process draining ${countText(count)} down to ${countText(few)}`,
      unit: 'MB',
      variant: FEW,
    },
  ],
  /** A million jobs are added once, for all runs. */
  async prepare({ open, variant, shared, folder, size, runs }) {
    if (variant === MANY) await fillIn(open, fileOf(variant, shared, folder), jobsFor(variant, size, runs));
  },
  async before({ open, variant, folder, size, runs }) {
    if (variant === FEW) await fillIn(open, { folder }, jobsFor(variant, size, runs));
  },
  async measure({ open, variant, shared, folder, size }) {
    const queue = await open(fileOf(variant, shared, folder));
    const { perSecond, samples } = await drainSteadily(queue, {
      ...size,
      total: drainedOf(variant, size),
    });
    await queue.close();
    return { perSecond, ...memoryOf(samples) };
  },
};
