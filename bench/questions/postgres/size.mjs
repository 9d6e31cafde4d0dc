/** Whether the tables grow for ever while jobs pass through, a few thousand of them at a time. */

import { loadSteadily } from '../../harness/steady.mjs';
import { countText } from '../../harness/words.mjs';

const STEPS = 10;
const LOOK_MS = 20;

/** Deleted soon, which it looks after every few seconds; as it comes it keeps everything for a week. */
const SHORT = { keepSeconds: 5, upkeep: { superviseIntervalSeconds: 2, maintenanceIntervalSeconds: 5 } };

async function until(isSo) {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
}

async function watch(queue, load, through) {
  const sizes = [];
  for (let step = 1; step <= STEPS; step += 1) {
    await until(() => load.completed() >= (through * step) / STEPS);
    sizes.push(await queue.sizes());
  }
  return sizes;
}

export const question = {
  peers: ['millrace', 'graphile-best', 'pgboss'],
  runs: 1,
  timeoutMs: 1_800_000,
  size: { through: 300_000, concurrency: 100, backlog: 2000 },
  quick: { through: 10_000, concurrency: 100, backlog: 2000 },
  rows: ({ through }) => [
    {
      key: 'growth',
      title: `tables and indexes after ${countText(through)} jobs passed through, against the size after half of them`,
      unit: '×',
      goals: [{ atMost: 1.5 }],
    },
    { key: 'tables', title: `tables after ${countText(through)} jobs passed through`, unit: 'MB' },
    { key: 'indexes', title: `indexes after ${countText(through)} jobs passed through`, unit: 'MB' },
    { key: 'peak', title: 'tables and indexes at their largest', unit: 'MB' },
  ],
  async measure({ open, peer, size: { through, concurrency, backlog } }) {
    const queue = await open(peer === 'pgboss' ? SHORT : {});
    const load = loadSteadily(queue, { concurrency, backlog });
    const sizes = await watch(queue, load, through);
    await load.close();
    await queue.close();
    const sums = sizes.map(({ tables, indexes }) => tables + indexes);
    const growth = sums.at(-1) / sums[STEPS / 2 - 1];
    return { ...sizes.at(-1), growth, peak: Math.max(...sums), sums };
  },
};
