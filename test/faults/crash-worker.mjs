/**
 * A worker that is killed at any moment: node crash-worker.mjs URL RUN_FILE.
 * Writes down every attempt as it starts, and every completion that the store has confirmed.
 */

import { appendFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { Worker } from 'millrace';

const [url, runFile] = process.argv.slice(2);
const note = (what, job) => appendFileSync(runFile, `${what} ${job.id} ${job.token} ${process.pid}\n`);

/** Every seventh job fails at its first attempt, so that retries are part of the picture. */
const failsFirst = (id) => [...id].reduce((sum, char) => sum + char.charCodeAt(0), 0) % 7 === 0;

const worker = new Worker(
  'work',
  async (job, ctx) => {
    note('run', job);
    if (job.name !== 'held' && failsFirst(job.data.id) && ctx.attempt === 1)
      throw new Error('the first attempt fails');
    await wait(job.data.holdMs ?? 2);
    return { id: job.data.id };
  },
  { connection: url, concurrency: 8, leaseMs: 1_000 },
);
worker.on('completed', (job) => note('completed', job));
worker.on('lease-lost', (job) => note('lost', job));
worker.on('error', (error) => appendFileSync(runFile, `error ${error.message.replaceAll('\n', ' ')}\n`));

// The test asks for an end in good order once it has killed enough.
process.on('SIGTERM', () => {
  worker.close().then(() => process.exit(0));
});
