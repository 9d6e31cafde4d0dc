/**
 * Adds jobs and works them, and says in lines of JSON what it sees, until its input ends:
 * node trouble-worker.mjs URL [LEASE_MS] [PAYLOAD_BYTES]
 */

import { Queue, Worker } from 'millrace';

const [url, leaseMs = '30000', bytes = '100'] = process.argv.slice(2);
const ADD_EVERY_MS = 40;
const RUN_MS = 150;
const TICK_MS = 20;
const DRAIN_MS = 30_000;

const say = (what, more = {}) => process.stdout.write(`${JSON.stringify({ what, ...more })}\n`);
const saidOf = (error) => ({ name: error.name, code: error.code, message: error.message });

const queue = new Queue('mail', { connection: url });
const worker = new Worker('mail', () => new Promise((resolve) => setTimeout(resolve, RUN_MS)), {
  connection: url,
  concurrency: 8,
  leaseMs: Number(leaseMs),
});
worker.on('ready', () => say('ready'));
worker.on('error', (error) => say('error', saidOf(error)));
worker.on('recovered', (downMs) => say('recovered', { downMs }));
const open = new Set();
worker.on('completed', ({ id }) => {
  open.delete(id);
  say('completed', { id });
});
worker.on('lease-lost', ({ id }, why) => say('lease-lost', { id, why }));

let number = 0;
const adding = setInterval(() => {
  const id = `${process.pid}-${++number}`;
  open.add(id);
  queue.add('letter', { text: 'x'.repeat(Number(bytes)) }, { jobId: id }).then(
    () => say('acknowledged', { id }),
    (error) => open.delete(id) && say('refused', { id, ...saidOf(error) }),
  );
}, ADD_EVERY_MS);

let lastMs = performance.now();
let worstMs = 0;
const ticking = setInterval(() => {
  const nowMs = performance.now();
  worstMs = Math.max(worstMs, nowMs - lastMs - TICK_MS);
  lastMs = nowMs;
}, TICK_MS);

process.stdin.resume().on('end', async () => {
  clearInterval(adding);
  clearInterval(ticking);
  for (let waited = 0; waited < DRAIN_MS && open.size > 0; waited += TICK_MS) {
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  say('stopping', { worstMs: Math.round(worstMs) });
  await worker.close();
  await queue.close();
  say('closed');
});
