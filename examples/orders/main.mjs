/**
 * The order-processing example. Reads orders from a file, adds them to a queue, and works on them until every order has
 * its mail, its invoice, its stock and its shipment, or lies with the dead letters for a person to look at.
 */

import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { addOrders } from './add-orders.mjs';
import { HELP, readOptions } from './options.mjs';
import { say, showProgress, sumOf, takeStock } from './progress.mjs';
import { openShop } from './shop.mjs';
import { shownPath } from './shown-path.mjs';
import { summary } from './summary.mjs';

/** Ctrl-C and SIGTERM end the run in good order; what is not done yet is done at the next start. */
function stopSignal() {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => controller.abort(name));
  return controller.signal;
}

/** What is active before a worker has started was being worked on by a process that is no more. */
function greet(orphans) {
  if (orphans === 0) return;
  console.error(
    `${orphans} jobs were running when the last run was killed. They come back when their leases have run out, in some 15 s.`,
  );
}

async function work(options, signal) {
  const startedAt = performance.now();
  const shop = await openShop(options.dir, options);
  try {
    const before = await takeStock(shop.queues);
    greet(sumOf(before, 'active'));
    shop.startWork((error) => say(`worker: ${error.message}`));
    const file = shownPath(options.orders);
    const complain = (line, problem) => say(`${file}:${line}: ${problem}; line left out`);
    const added = addOrders(options.orders, shop.queues.orders, complain);
    const [tally] = await Promise.all([added, showProgress(shop.queues, added, signal)]);
    if (signal.aborted) return { isDone: false, text: 'Stopped. Start again to go on.' };
    const after = await takeStock(shop.queues);
    const elapsedMs = performance.now() - startedAt;
    const text = await summary({ ...options, ...shop, before, after, tally, elapsedMs });
    return { isDone: true, text };
  } finally {
    await shop.close();
  }
}

/** Answers the exit code: 0 all done, 1 it broke, 2 the arguments are wrong, 130 stopped. */
export async function main(args) {
  let options;
  try {
    options = readOptions(args);
    if (!existsSync(options.orders)) throw new Error(`there is no file ${options.orders}`);
  } catch (error) {
    console.error(`${error.message}\n\n${HELP}`);
    return 2;
  }
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  try {
    const { isDone, text } = await work(options, stopSignal());
    console.log(text);
    return isDone ? 0 : 130;
  } catch (error) {
    console.error(error);
    return 1;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  process.exitCode = await main(process.argv.slice(2));
}
