/** node poison-worker.mjs URL ISOLATION: one of the processes that a poison ends. ISOLATION: none, thread. */

import { Worker } from 'millrace';
import { processor } from './poison-deed.mjs';

const [connection, isolation] = process.argv.slice(2);
const options = { connection, concurrency: 9, leaseMs: 1_500, maxBlockMs: 3_000 };
if (isolation === 'none') new Worker('work', processor, options);
else new Worker('work', new URL('./poison-deed.mjs', import.meta.url), { ...options, isolation });
