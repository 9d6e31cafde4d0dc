/** Jobs as they are in practice: one in ten fails in its first attempt and is tried again, another one in ten is delayed. */

import { timed } from '../../harness/load.mjs';
import { BOTH, PEERS, rateRows } from '../../harness/redis/rows.mjs';
import { payload } from '../../peers/payload.mjs';

const BULK = 500;
const EVERY = 10;
const RETRY = { attempts: 3, backoff: { type: 'fixed', delay: 50 } };

const isFailing = (number) => number % EVERY === 3;
const optionsOf = (number) => (number % EVERY === 7 ? { ...RETRY, delay: 100 } : RETRY);

async function fillMixed(queue, count) {
  for (let from = 0; from < count; from += BULK) {
    const numbers = Array.from({ length: Math.min(BULK, count - from) }, (_, index) => from + index);
    await queue.addBulk(
      numbers.map((number) => ({ name: 'mail', data: payload(number), opts: optionsOf(number) })),
    );
  }
}

function drainMixed(queue, count, concurrency) {
  const failed = new Set();
  const processor = async ({ data: { number } }) => {
    if (!isFailing(number) || failed.has(number)) return;
    failed.add(number);
    throw new Error('no route to host');
  };
  return new Promise((resolve) => {
    let completed = 0;
    const worker = queue.work(concurrency, processor, () => {
      completed += 1;
      if (completed === count) resolve({ close: () => worker.close() });
    });
  });
}

export const question = {
  peers: PEERS,
  variants: BOTH,
  runs: 3,
  size: { jobs: 40_000, warmUp: 4000, concurrency: 100 },
  quick: { jobs: 2000, warmUp: 500, concurrency: 100 },
  rows: () => rateRows('draining with delays and retries, 1 in 10 failing, concurrency 100', 3),
  async measure({ open, size: { jobs, warmUp, concurrency } }) {
    const queue = await open();
    await fillMixed(queue, warmUp);
    await (await drainMixed(queue, warmUp, concurrency)).close();
    await fillMixed(queue, jobs);
    const figures = await timed(queue, jobs, () => drainMixed(queue, jobs, concurrency));
    await queue.close();
    return figures;
  },
};
