/** What SQLite does here without any queue around it: the three statements apart. */

import { BULK, bulkOf } from '../harness/load.mjs';

function rateOf(jobs, step) {
  const started = performance.now();
  for (let done = 0; done < jobs; done += BULK) step(done);
  return jobs / ((performance.now() - started) / 1000);
}

export const question = {
  peers: ['sqlite'],
  runs: 5,
  size: { jobs: 100_000 },
  quick: { jobs: 20_000 },
  rows: () =>
    ['inserts', 'claims', 'deletes'].map((key) => ({
      key,
      title: `bare SQLite at full durability, batches of 500: ${key}`,
      unit: '/s',
    })),
  async measure({ open, size: { jobs } }) {
    const { raw, close } = await open();
    const claimed = [];
    const inserts = rateOf(jobs, (from) => raw.insert(bulkOf(from, BULK)));
    const claims = rateOf(jobs, () => claimed.push(raw.claim()));
    const deletes = rateOf(jobs, () => raw.remove(claimed.pop()));
    await close();
    return { inserts, claims, deletes };
  },
};
