/**
 * A worker that bad things happen to: node worker.mjs URL OPTIONS. What it does is in its history
 * (MILLRACE_HISTORY); what a job does to it is in the job's data.
 */

import { setTimeout as wait } from 'node:timers/promises';
import { Worker } from 'millrace';

const [url, options = '{}'] = process.argv.slice(2);

function block(ms) {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

/** The attempt that each way to misbehave is meant for; 0 is every one. */
async function misbehave({ poison, holdMs, blockMs }) {
  if (poison === 'exit') process.exit(3);
  if (poison === 'abort') process.abort();
  if (poison === 'loop') for (;;);
  if (poison === 'memory') for (const held = []; ; ) held.push(new Array(1_000_000).fill(held.length));
  if (blockMs > 0) block(blockMs);
  if (holdMs > 0) await wait(holdMs);
}

const worker = new Worker(
  'work',
  async (job, ctx) => {
    await misbehave(job.data);
    if (job.data.failures >= ctx.attempt) throw new Error('this attempt is meant to fail');
    if (job.data.progress) await job.updateProgress(ctx.attempt);
    return { id: job.id };
  },
  { connection: url, concurrency: 8, leaseMs: 1_000, ...JSON.parse(options) },
);
worker.on('error', (error) => process.stderr.write(`${error.name}: ${error.message}\n`));

// The first asks for an end in good order, as a supervisor does; the second wants it now.
let asked = 0;
process.on('SIGTERM', () => {
  asked += 1;
  if (asked > 1) process.exit(143);
  worker.close({ timeout: 2_000 }).then(() => process.exit(0));
});
