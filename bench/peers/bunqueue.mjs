/** bunqueue inside the process, on a file. Runs on Bun alone. What it acknowledges may not be on disk yet. */

import { join } from 'node:path';
import { Queue, shutdownManager, Worker } from 'bunqueue/client';

export async function open({ folder, file = 'jobs.db', inMemory = false }) {
  const where = { embedded: true, ...(!inMemory && { dataPath: join(folder, file) }) };
  const queue = new Queue('bench', where);
  const workers = [];
  return {
    add: (name, data) => queue.add(name, data),
    addBulk: (jobs) => queue.addBulk(jobs),
    work(concurrency, processor, onCompleted) {
      const worker = new Worker('bench', processor, { ...where, concurrency, batchSize: concurrency });
      worker.on('completed', onCompleted);
      workers.push(worker);
      return worker;
    },
    serverCpuSeconds: async () => 0,
    async close() {
      await Promise.all(workers.map((worker) => worker.close()));
      shutdownManager();
    },
  };
}
