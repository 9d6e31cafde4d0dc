/**
 * BullMQ on PostgreSQL, by the backend that it brings, as it comes: it keeps all finished jobs. To keep a number of them
 * (`removeOnComplete`) looks for the oldest ones at the end of each job and makes it several times slower.
 */

import { createPostgresBackend, withBackend } from 'bullmq';
import { openPlace } from './place.mjs';

const { Queue, Worker } = withBackend(createPostgresBackend);

export async function open(order) {
  const place = await openPlace(order);
  const connection = { connectionString: place.url, migrate: true };
  const queue = new Queue('bench', { connection });
  await queue.waitUntilReady();
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
