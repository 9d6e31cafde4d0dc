/** Ends itself in the middle of its work: node exit-busy.mjs URL AFTER_MS. */

import { Queue, Worker } from 'millrace';

const [connection, afterMs] = process.argv.slice(2);
const queue = new Queue('busy', { connection });
const worker = new Worker('busy', async () => undefined, { connection, concurrency: 50 });
worker.on('error', () => undefined);
await queue.add('first', {});
setTimeout(() => process.exit(7), Number(afterMs));
for (;;) await queue.addBulk(Array.from({ length: 100 }, () => ({ name: 'more', data: {} })));
