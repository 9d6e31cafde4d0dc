/**
 * BullMQ at its best: Redis beside it without persistence, finished jobs kept by number as Millrace keeps them (keeping
 * them by age too would cost it more), nothing else switched on. ioredis writes what is asked for in one go without
 * waiting for answers; its auto-pipelining was tried and is not faster here.
 */

import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';

const QUIET = { count: 10_000 };

export async function open({ redisPort: port, isFirst = true }) {
  const connection = { host: '127.0.0.1', port, maxRetriesPerRequest: null };
  const control = new Redis(connection);
  if (isFirst) await control.flushall('SYNC');
  const queue = new Queue('bench', { connection });
  await queue.waitUntilReady();
  const workers = [];
  return {
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
    async serverCpuSeconds() {
      const info = await control.info('cpu');
      return ['user', 'sys'].reduce(
        (sum, part) => sum + Number(new RegExp(`used_cpu_${part}:([\\d.]+)`).exec(info)?.[1]),
        0,
      );
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.close()));
      await queue.close();
      await control.quit();
    },
  };
}
