/**
 * A producer that is killed at any moment: node producer.mjs URL ACK_FILE NAME ROUNDS JOB.
 * Writes down a round only after the store has acknowledged all of it. Started again, it repeats the round that it
 * does not know about, with the same ids and the same request ids.
 */

import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { connect, Queue, StoreUnavailableError } from 'millrace';

const [url, ackFile, name, rounds, job] = process.argv.slice(2);
const connected = connect(url);
const queue = new Queue('work', { connection: url });
const data = JSON.parse(job);
const done = existsSync(ackFile) ? readFileSync(ackFile, 'utf8').split('\n').length - 1 : 0;

/** Every seventh fails at first, every fifth comes late. */
const optionsOf = (id, place) => ({
  jobId: id,
  attempts: 3,
  backoff: { type: 'fixed', delay: 50 },
  ...(place % 5 === 4 && { delay: 200 }),
  ...(place % 3 === 2 && { priority: 1 }),
});
const dataOf = (place) => ({ ...data, place, ...(place % 7 === 3 && { failures: 1 }) });

/** As the queue does, with a request id of our own, so that the next life of this process can repeat it. */
const raw = (id) => ({
  ...{ queue: 'work', id, name: 'raw', contentType: 'application/json', headers: {} },
  body: new TextEncoder().encode(JSON.stringify(dataOf(0))),
  policy: {
    ...{ attempts: 3, backoff: null, retryForMs: null, timeoutMs: null, ttlMs: null },
    ...{ deadLetterQueue: null, keepCompletedMs: null, keepFailedMs: null },
  },
  ...{ priority: 0, lifo: false, delayMs: 0 },
});

async function add(round) {
  const id = (part) => `${name}-${round}-${part}`;
  const effect = { op: 'add', jobs: [raw(id('r1')), raw(id('r2'))] };
  const single = (place) => queue.add('one', dataOf(place), optionsOf(id(place), place));
  const bulk = [5, 6, 7, 8].map((place) => ({
    ...{ name: 'many', data: dataOf(place), opts: optionsOf(id(place), place) },
  }));
  await Promise.all([
    ...[1, 2, 3, 4].map(single),
    queue.addBulk(bulk),
    connected.store.apply([effect], { requestId: id('request') }),
  ]);
  // The same once more: nobody who repeats a call that came through makes anything new.
  await connected.store.apply([effect], { requestId: id('request') });
  await single(1);
}

for (let round = done; round < Number(rounds); ) {
  try {
    await add(round);
  } catch (error) {
    // All of it again, with the same ids, until the store is back.
    if (!(error instanceof StoreUnavailableError)) throw error;
    await wait(50);
    continue;
  }
  appendFileSync(ackFile, `${round}\n`);
  round += 1;
  await wait(20);
}
await queue.close();
await connected.release();
