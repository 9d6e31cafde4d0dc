/** Millrace as it comes. */

import { Queue, Worker } from '../../../dist/index.js';
import { openPlace } from './place.mjs';

const KEEP_ALL = { completed: { age: '7d', count: 10_000_000 } };

export async function open({ keepAll = false, queueName = 'bench', ...order }) {
  const place = await openPlace(order);
  const connection = place.url;
  const queue = new Queue(queueName, { connection, ...(keepAll && { retention: KEEP_ALL }) });
  const workers = [];
  return {
    ...place.meter,
    add: (name, data) => queue.add(name, data),
    addBulk: (jobs) => queue.addBulk(jobs),
    work(concurrency, processor, onCompleted) {
      const worker = new Worker(queueName, processor, { connection, concurrency });
      worker.on('completed', onCompleted);
      worker.on('error', (error) => {
        throw error;
      });
      workers.push(worker);
      return worker;
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.close()));
      await queue.close();
      await place.close();
    },
  };
}
