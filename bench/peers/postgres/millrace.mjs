/** Millrace as it comes: default retention, default pool. */

import { Queue, Worker } from '../../../dist/index.js';
import { openPlace } from './place.mjs';

export async function open({ retention = null, ...order }) {
  const place = await openPlace(order);
  const connection = place.url;
  const queue = new Queue('bench', { connection, ...(retention !== null && { retention }) });
  const workers = [];
  return {
    ...place.meter,
    hold: place.hold,
    add: (name, data) => queue.add(name, data),
    addBulk: (jobs) => queue.addBulk(jobs),
    work(concurrency, processor, onCompleted) {
      const worker = new Worker('bench', processor, { connection, concurrency });
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
