/** BullMQ on PostgreSQL, by the backend that it brings; finished jobs kept by number as Millrace keeps them. */

import { createPostgresBackend, withBackend } from 'bullmq';
import { openPlace } from './place.mjs';

const { Queue, Worker } = withBackend(createPostgresBackend);
const QUIET = { count: 10_000 };

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
      const worker = new Worker('bench', processor, { connection, concurrency, removeOnComplete: QUIET });
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
