/** Millrace as it comes: a file at full durability, default retention. */

import { join } from 'node:path';
import { Queue, Worker } from '../../dist/index.js';

export async function open({ folder, file = 'jobs.db', retention = null }) {
  const connection = `sqlite:${join(folder, file)}`;
  const queue = new Queue('bench', { connection, ...(retention !== null && { retention }) });
  const workers = [];
  return {
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
    /** Millrace has no server: its engine thread's time is in that of the process. */
    serverCpuSeconds: async () => 0,
    async close() {
      await Promise.all(workers.map((worker) => worker.close()));
      await queue.close();
    },
  };
}
