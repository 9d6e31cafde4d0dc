/** A worker with children, on the store of MILLRACE_URL. */

import { Worker } from 'millrace';

new Worker('orders', new URL('./deeds.mjs', import.meta.url));
