/** Types of workers, checked by the compiler: nothing here runs. */

import { type Job, type JobOf, type Processor, type ProcessorContext, retryIn, Worker } from 'millrace';
import { expectTypeOf } from 'vitest';
import { z } from 'zod';

type Jobs = {
  welcome: { data: { to: string }; result: { sent: boolean } };
  digest: { data: { day: number }; result: number };
};

export const told: Processor<Jobs> = async (job, ctx) => {
  expectTypeOf(ctx).toEqualTypeOf<ProcessorContext>();
  expectTypeOf(ctx.signal).toEqualTypeOf<AbortSignal>();
  if (job.name === 'welcome') {
    expectTypeOf(job.data).toEqualTypeOf<{ to: string }>();
    return { sent: true };
  }
  expectTypeOf(job.data).toEqualTypeOf<{ day: number }>();
  return job.data.day > 6 ? retryIn(1_000) : job.data.day;
};

// @ts-expect-error: the result of no job
export const wrongResult: Processor<Jobs> = async () => 'done';

export function events(worker: Worker<Jobs>): void {
  worker.on('completed', (job, result) => {
    expectTypeOf(job).toEqualTypeOf<JobOf<Jobs>>();
    expectTypeOf(result).toEqualTypeOf<{ sent: boolean } | number>();
  });
  worker.on('failed', (job, error) => {
    expectTypeOf(job).toEqualTypeOf<JobOf<Jobs> | undefined>();
    expectTypeOf(error).toEqualTypeOf<Error>();
  });
  worker.once('retrying', (_job, _error, delayMs) => expectTypeOf(delayMs).toEqualTypeOf<number>());
  worker.on('drained', (...args) => expectTypeOf(args).toEqualTypeOf<[]>());
  // @ts-expect-error: no such event
  worker.on('complete', () => undefined);
}

export function untold(): Worker {
  const worker = new Worker('mails', async (job) => {
    expectTypeOf(job).toEqualTypeOf<Job>();
    await job.log(job.data.anything);
  });
  // @ts-expect-error: no such option
  new Worker('mails', async () => undefined, { concurency: 5 });
  // @ts-expect-error: a worker needs a processor
  new Worker('mails');
  return worker;
}

export function toldBySchemas(): unknown {
  const schemas = {
    welcome: { data: z.object({ to: z.string() }), result: z.object({ sent: z.boolean() }) },
  };
  // @ts-expect-error: not what the schema says
  new Worker('mails', async () => ({ sent: 'yes' }), { schemas });
  return new Worker(
    'mails',
    async (job) => {
      expectTypeOf(job.data).toEqualTypeOf<{ to: string }>();
      return { sent: job.data.to !== '' };
    },
    { schemas },
  );
}

export function byFile(file: URL): void {
  const worker = new Worker<Jobs>('mails', file, {
    isolation: 'thread',
    maxMemoryMb: 256,
    recycleAfterJobs: 5,
  });
  expectTypeOf(worker).toEqualTypeOf<Worker<Jobs>>();
  worker.on('completed', (_job, result) => expectTypeOf(result).toEqualTypeOf<{ sent: boolean } | number>());
  new Worker('mails', '/srv/mails.js', { recycleAtMb: 512, execArgv: ['--import', 'tsx'], concurrency: 4 });
  // @ts-expect-error: a function runs in this process
  new Worker('mails', async () => undefined, { isolation: 'thread' });
  // @ts-expect-error: no such kind of child
  new Worker('mails', file, { isolation: 'container' });
  // @ts-expect-error: no such option
  new Worker('mails', file, { maxMemory: 5 });
  // @ts-expect-error: neither a function nor a file
  new Worker('mails', 5);
}
