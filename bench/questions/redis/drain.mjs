/** How many waiting jobs a second one worker completes when the jobs themselves do nothing. */

import { drain, fill, timed } from '../../harness/load.mjs';
import { ALWAYS, DURABLE, PEERS } from '../../harness/redis/rows.mjs';
import { countText } from '../../harness/words.mjs';

const GOALS = { 100: 5, 10: 3, 1: 1.5 };
const WIDTHS = ['100', '10', '1'];
const durable = (width) => `${ALWAYS} ${width}`;
const VARIANTS = [...WIDTHS, ...WIDTHS.map(durable)];

const widthOf = (variant) => variant.replace(`${ALWAYS} `, '');

function rowsFor(width, jobs) {
  const title = `draining ${countText(jobs)} waiting no-op jobs, concurrency ${width}`;
  const rowOf = (variant, words) => ({
    key: 'perSecond',
    title: words,
    unit: 'jobs/s',
    variant,
    goals: [{ beside: 'bullmq', variant, atLeast: GOALS[width] }],
  });
  return [
    rowOf(width, title),
    rowOf(durable(width), `${title}, ${DURABLE}`),
    { key: 'cpu', title: `CPU of the process per 10,000 jobs, ${title}`, unit: 's', variant: width },
    { key: 'serverCpu', title: `CPU of Redis per 10,000 jobs, ${title}`, unit: 's', variant: width },
  ];
}

export const question = {
  peers: PEERS,
  variants: Object.fromEntries(PEERS.map((peer) => [peer, VARIANTS])),
  runs: 3,
  timeoutMs: 300_000,
  size: { jobs: 40_000, warmUp: 4000 },
  quick: { jobs: 2000, warmUp: 500 },
  rows: ({ jobs }) => WIDTHS.flatMap((width) => rowsFor(width, jobs)),
  async measure({ open, variant, size: { jobs, warmUp } }) {
    const concurrency = Number(widthOf(variant));
    const queue = await open();
    await fill(queue, warmUp);
    await (await drain(queue, warmUp, concurrency)).close();
    await fill(queue, jobs);
    const figures = await timed(queue, jobs, () => drain(queue, jobs, concurrency));
    await queue.close();
    return figures;
  },
};
