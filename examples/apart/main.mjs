/** Heavy work apart from the process that serves people: node main.mjs. */

import { Queue, Worker } from 'millrace';

const connection = process.env.MILLRACE_URL;
const queue = new Queue('primes', { connection });
const worker = new Worker('primes', new URL('./primes.mjs', import.meta.url), {
  ...{ connection, concurrency: 2, maxMemoryMb: 512, recycleAfterJobs: 1_000 },
});

// This timer goes on ticking while the primes are counted: nothing here waits for them.
let ticks = 0;
const timer = setInterval(() => {
  ticks += 1;
}, 10);

const jobs = await queue.addBulk(
  [200_000, 13, 300_000].map((below) => ({ name: 'count', data: { below }, opts: { timeout: '1m' } })),
);
for (const job of jobs) {
  const told = await job.result().then(
    ({ below, count }) => `${count} primes below ${below}`,
    (error) => `failed: ${error.cause.code}`,
  );
  console.log(told);
}
clearInterval(timer);
console.log(ticks > 0 ? 'the event loop was free all the time' : 'the event loop was blocked');
await worker.close();
await queue.close();
