/**
 * A worker whose processors block, wait or write as their job says: node blocking-worker.mjs URL OPTIONS.
 * It tells its parent what happens.
 */

import { setTimeout as wait } from 'node:timers/promises';
import { Worker } from 'millrace';

const [url, options] = process.argv.slice(2);
const say = (what, more = {}) => process.send({ what, ...more });

/** Nothing of this thread runs, timers included. */
const block = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
const nameOf = (error) => error?.name ?? null;
const tried = (write) =>
  write().then(
    () => 'written',
    (error) => error.name,
  );

const worker = new Worker(
  'work',
  async (job, ctx) => {
    const { blockMs = 0, waitMs = 0, writes = false } = job.data;
    const { signal } = ctx;
    say('began', { id: job.id, token: job.token });
    await wait(job.data.beforeMs ?? 0);
    if (blockMs > 0) block(blockMs);
    await wait(waitMs);
    if (writes) {
      const refused = [await tried(() => ctx.progress(1)), await tried(() => ctx.log('late'))];
      const asserted = await tried(() => ctx.assertLease());
      say('wrote', { id: job.id, refused, asserted, reason: nameOf(signal.reason) });
    }
    return process.pid;
  },
  { connection: url, ...JSON.parse(options) },
);
worker.on('ready', () => say('ready', { id: worker.id }));
worker.on('blocked', (event) => say('blocked', event));
worker.on('completed', (job) => say('completed', { id: job.id }));
worker.on('lease-lost', (job, why) => say('lease-lost', { id: job.id, why }));
worker.on('error', (error) => say('error', { message: error.message }));
process.on('disconnect', () => process.exit(0));
