/** node doomed-worker.mjs URL: a worker with children, to be killed from outside. */

import { Worker } from 'millrace';

const [connection] = process.argv.slice(2);
new Worker('orders', new URL('./deeds.mjs', import.meta.url), { connection });
