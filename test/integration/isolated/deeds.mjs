/** A processor for tests of children: does what the name of the job says. */

import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { threadId } from 'node:worker_threads';
import { discard, release, retryIn, UnrecoverableError } from 'millrace';

class PaymentError extends Error {
  name = 'PaymentError';
  code = 'E_FUNDS';
  owed = { amount: 7 };
}

let kept = [];
const where = { pid: process.pid, threadId };

const DEEDS = {
  where: () => where,
  wait: async (job, ctx) => {
    await wait(job.data.ms, null, { signal: ctx.signal });
    return where;
  },
  tell: async (job, ctx) => {
    await job.log(`attempt ${ctx.attempt} of ${job.maxAttempts}`);
    await ctx.log('and again');
    await ctx.progress({ done: 0.5 });
    await job.updateData({ ...job.data, seen: true });
    const logs = await job.getLogs();
    const state = await job.getState();
    return {
      ...{ id: job.id, name: job.name, queue: job.queueName, data: job.data, progress: job.progress, state },
      ...{ logged: logs.map(({ text }) => text), token: ctx.token === job.token, last: ctx.lastAttempt },
      ...{ hasWorker: ctx.workerId !== '', deadline: ctx.deadlineMs > 0, headers: job.headers },
    };
  },
  unawaited: (job) => {
    for (let n = 1; n <= 5; n += 1) void job.log(`line ${n}`);
    void job.updateProgress(5);
  },
  result: (job) => job.result(),
  badProgress: (job) => job.updateProgress({ at: 1n }),
  badData: (job) => job.updateData({ to: 5 }),
  nothing: () => undefined,
  unfit: () => ({ when: new Date(0) }),
  exit: () => process.exit(3),
  abort: () => process.abort(),
  segfault: () => process.kill(process.pid, 'SIGSEGV'),
  kill: () => process.kill(process.pid, 'SIGKILL'),
  loop: () => {
    for (;;);
  },
  heap: () => {
    const all = [];
    for (;;) all.push(new Array(1_000).fill({ at: all.length }));
  },
  buffers: async () => {
    const all = [];
    for (;;) {
      all.push(Buffer.alloc(4 * 1024 * 1024, 1));
      await wait(1);
    }
  },
  grow: (job) => {
    kept.push(Buffer.alloc(job.data.mb * 1024 * 1024, 1), new Array(job.data.mb * 131_072).fill(0.5));
    return { ...where, kept: kept.length };
  },
  shrink: () => {
    kept = [];
    return where;
  },
  uncaught: async () => {
    void Promise.reject(new RangeError('nobody looked'));
    await wait(60_000);
  },
  throwOwn: () => {
    throw new PaymentError('not enough', { cause: new TypeError('no such card') });
  },
  throwMany: () => {
    throw new AggregateError([new RangeError('one'), new PaymentError('two')], 'several');
  },
  throwText: () => {
    throw 'just text';
  },
  unrecoverable: () => {
    throw new UnrecoverableError('never again');
  },
  retryIn: (_job, ctx) => (ctx.attempt === 1 ? retryIn(5, 'not yet') : 'at last'),
  retryWith: () => retryIn(60_000, new PaymentError('later')),
  discard: () => discard('nobody wants it'),
  release: (job) => (job.attemptsStarted === 1 ? release({ why: 'not here' }) : 'here'),
  untilAborted: (job, { signal }) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', async () => {
        await job.log(`${signal.reason.name} ${signal.reason instanceof Error}`).catch(() => {});
        reject(signal.reason);
      });
      void job.log('listening');
    }),
  deaf: async (job) => {
    await job.updateProgress(where);
    for (;;) await wait(1_000);
  },
  spawns: async (job) => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    await job.updateProgress({ pid: child.pid });
    for (;;);
  },
  note: async (job) => {
    appendFileSync(job.data.file, `${process.pid}\n`);
    for (;;);
  },
};

export default (job, ctx) => DEEDS[job.name](job, ctx);
