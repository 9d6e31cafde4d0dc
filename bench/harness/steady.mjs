/** Steady load: jobs are added as others are completed, so that about as many wait all the time. */

import { bulkOf } from './load.mjs';

/** Jobs of one `addBulk` of the load. */
const STEP = 100;
/** Longer than a bulk takes to be completed, much shorter than a window. */
const PAUSE_MS = 2;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Begins at once. `completed` counts on; `close` ends adding and waits for nobody. */
export function loadSteadily(queue, { concurrency, backlog }) {
  const load = { completed: 0, added: 0, isOver: false };
  const worker = queue.work(
    concurrency,
    async () => {},
    () => (load.completed += 1),
  );
  const add = async () => {
    while (!load.isOver) {
      if (load.added - load.completed < backlog) {
        await queue.addBulk(bulkOf(load.added, STEP));
        load.added += STEP;
      } else await pause(PAUSE_MS);
    }
  };
  const adding = add();
  return {
    completed: () => load.completed,
    async close() {
      load.isOver = true;
      await adding;
      await worker.close();
    },
  };
}

/** Jobs a second of each window, for so many windows. */
export async function curveOf(load, { windows, windowMs }) {
  const rates = [];
  for (let window = 0; window < windows; window += 1) {
    const [before, started] = [load.completed(), performance.now()];
    await pause(windowMs);
    rates.push(((load.completed() - before) * 1000) / (performance.now() - started));
  }
  return rates;
}
