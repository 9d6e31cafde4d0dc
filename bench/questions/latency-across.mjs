/** The same wait when the worker is another process: two processes on one file, or on one Redis. */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { CHILD } from '../harness/ask.mjs';
import { delaysOf, nowMs, Starts } from '../harness/latency.mjs';

export const question = {
  peers: ['millrace', 'bullmq'],
  runs: 3,
  size: { jobs: 200, warmUp: 30 },
  quick: { jobs: 60, warmUp: 10 },
  rows: () => [
    { key: 'p50', title: 'add to start, idle, across processes, p50', unit: 'ms', goals: [{ atMost: 15 }] },
    { key: 'p99', title: 'add to start, idle, across processes, p99', unit: 'ms' },
  ],
  async measure({ open, size, order }) {
    const queue = await open();
    const starts = new Starts();
    const worker = fork(CHILD, [JSON.stringify({ ...order, part: 'work' })], {
      stdio: ['pipe', 'inherit', 'inherit', 'ipc'],
    });
    await once(worker, 'message');
    worker.on('message', ({ number, atMs }) => starts.tell(number, atMs));
    const figures = await delaysOf(queue, size, (number) => starts.wait(number));
    await queue.close();
    worker.kill();
    return figures;
  },
  /** The other process: tells of each start and is ended by whoever began it. */
  async work({ open }) {
    const queue = await open({ isFirst: false });
    const processor = async (job) => {
      const atMs = nowMs();
      process.send({ number: job.data.number, atMs });
    };
    queue.work(10, processor, () => {});
    process.send('ready');
    await once(process, 'disconnect');
  },
};
