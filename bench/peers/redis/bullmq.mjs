/** BullMQ as it comes, keeping as many finished jobs as Millrace does. */

import { Queue, Worker } from 'bullmq';
import { openPlace } from './place.mjs';

const QUIET = { count: 10_000 };

export async function open({ keepAll = false, queueName = 'bench', ...order }) {
  const place = await openPlace(order);
  const { connection } = place;
  const queue = new Queue(queueName, { connection });
  await queue.waitUntilReady();
  const workers = [];
  return {
    ...place.meter,
    add: (name, data) => queue.add(name, data),
    addBulk: (jobs) => queue.addBulk(jobs),
    work(concurrency, processor, onCompleted) {
      const kept = keepAll ? {} : { removeOnComplete: QUIET };
      const worker = new Worker(queueName, processor, { connection, concurrency, ...kept });
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
