/**
 * A producer that is killed at any moment: node crash-producer.mjs URL ACK_FILE PREFIX.
 * Writes down an id only after the store has acknowledged it; then nothing may make that job disappear.
 */

import { appendFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { Queue } from 'millrace';

const [url, ackFile, prefix] = process.argv.slice(2);
const queue = new Queue('work', { connection: url });

/** One write of a few bytes to a file opened for appending: whole or not at all, also when we are killed. */
const acknowledge = (jobs) => appendFileSync(ackFile, jobs.map((job) => `${job.id}\n`).join(''));

const optionsFor = (id) => ({ jobId: id, attempts: 3, backoff: { type: 'fixed', delay: 20 } });

async function addOne(id) {
  acknowledge([await queue.add('one', { id }, optionsFor(id))]);
}

async function addMany(ids) {
  acknowledge(await queue.addBulk(ids.map((id) => ({ name: 'many', data: { id }, opts: optionsFor(id) }))));
}

for (let round = 0; ; round += 1) {
  const id = (part) => `${prefix}-${round}-${part}`;
  const singles = [1, 2, 3, 4].map((part) => addOne(id(part)));
  const bulk = addMany(Array.from({ length: 6 }, (_, index) => id(`b${index}`)));
  await Promise.all([...singles, bulk]);
  // The same id once more is the same job; a producer that does not know whether it got through does this.
  await addOne(id(1));
  await wait(15);
}
