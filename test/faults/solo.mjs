/**
 * Producer and worker in one process, for a short while: node solo.mjs URL ACK_FILE. Every write to the file comes
 * from here, so that the process can be killed at the n-th. Started again, it repeats what it does not know about.
 */

import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { Queue, Worker } from 'millrace';

const [url, ackFile] = process.argv.slice(2);
const ROUNDS = 6;
const queue = new Queue('work', { connection: url });
const worker = new Worker(
  'work',
  async (job, ctx) => {
    await job.updateProgress(1);
    if (job.data.fails && ctx.attempt === 1) throw new Error('this attempt is meant to fail');
    return { id: job.id };
  },
  { connection: url, concurrency: 4, leaseMs: 1_000 },
);
worker.on('error', (error) => process.stderr.write(`${error.name}: ${error.message}\n`));
await worker.waitUntilReady();

const done = existsSync(ackFile) ? readFileSync(ackFile, 'utf8').split('\n').length - 1 : 0;
for (let round = done; round < done + ROUNDS; round += 1) {
  const jobs = [1, 2, 3, 4].map((part) => ({
    name: 'solo',
    data: { fails: part === 3 },
    opts: { jobId: `s-${round}-${part}`, attempts: 2, backoff: { type: 'fixed', delay: 10 } },
  }));
  await queue.addBulk(jobs);
  appendFileSync(ackFile, `${round}\n`);
  await wait(30);
}
await worker.close();
await queue.close();
