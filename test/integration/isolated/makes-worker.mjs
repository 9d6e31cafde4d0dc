import { Worker } from 'millrace';

export default () => undefined;
new Worker('orders', new URL(import.meta.url), { connection: 'memory:' });
