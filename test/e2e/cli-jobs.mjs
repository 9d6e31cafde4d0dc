/** Workers as somebody may have them in a file, for the tests of the command line. */

import { appendFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { Worker } from 'millrace';

async function work(job, ctx) {
  if (job.name === 'fail') throw new TypeError(`no route to ${job.data.to}`);
  if (job.name === 'slow') await wait(job.data.ms, undefined, { signal: ctx.signal });
  if (process.env.LEDGER) appendFileSync(process.env.LEDGER, `${job.id}\n`);
  await ctx.log(`sent by ${job.queueName}`);
  return { sent: job.data };
}

new Worker('emails', work, { concurrency: 4, leaseMs: 5_000 });

// What a careless module leaves open must not keep the command alive.
setInterval(() => {}, 1_000);
