/** Processors by file, each job in a child: what a child may do, and what it cannot do to anybody else. */

import { type Job, ProcessorCrashedError, ProcessorMemoryError, TimeoutError } from 'millrace';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { Bench, fileOf, isAlive, next, type Where, waitFor } from './isolation-setup.ts';

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.close());

const lastError = async (job: Job) => (await job.attempts()).at(-1)?.error;

describe.each(['process', 'thread'] as const)('a %s', (isolation) => {
  test('runs the job apart, and sends back what it returned', async () => {
    bench.work({ isolation });

    const where = (await (await bench.add('where')).result()) as Where;
    const nothing = await bench.endOf(await bench.add('nothing'));

    if (isolation === 'process') expect(where.pid).not.toBe(process.pid);
    else expect([where.pid, where.threadId > 0]).toEqual([process.pid, true]);
    expect([nothing.state, nothing.returnvalue]).toEqual(['completed', null]);
  });

  test('gives the processor the job and the context as in process', async () => {
    const worker = bench.work({ isolation });
    const progress = next(worker, 'progress');
    const data = { to: 'ada' };
    const options = { attempts: 2, timeout: '1m', headers: { a: 'b' } } as const;
    const job = await bench.add('tell', data, { jobId: 'it', ...options });

    expect(await job.result()).toEqual({
      ...{
        id: 'it',
        name: 'tell',
        queue: 'orders',
        data: { to: 'ada', seen: true },
        progress: { done: 0.5 },
      },
      ...{ state: 'active', logged: ['attempt 1 of 2', 'and again'], token: true, last: false },
      ...{ hasWorker: true, deadline: true, headers: { a: 'b' } },
    });
    expect((await progress)[1]).toEqual({ done: 0.5 });
    expect((await job.refresh()).data).toEqual({ to: 'ada', seen: true });
  });

  test('stores all that was written, waited for or not, before the end of the attempt', async () => {
    bench.work({ isolation });
    const job = await bench.endOf(await bench.add('unawaited'));

    expect((await job.getLogs()).map(({ text }) => text)).toEqual([1, 2, 3, 4, 5].map((n) => `line ${n}`));
    expect(job.progress).toBe(5);
  });

  test('carries errors faithfully: class, code, cause, stack and fields', async () => {
    const worker = bench.work({ isolation });
    const failed = next(worker, 'failed');
    const job = await bench.endOf(await bench.add('throwOwn'));

    const error = (await failed)[1];
    expect(error).toMatchObject({
      name: 'PaymentError',
      message: 'not enough',
      code: 'E_FUNDS',
      owed: { amount: 7 },
    });
    expect(error.cause).toBeInstanceOf(TypeError);
    expect(error.cause).toMatchObject({ message: 'no such card' });
    expect(job.error).toMatchObject({ name: 'PaymentError', code: 'E_FUNDS' });
    expect(job.error?.stack).toMatch(/deeds\.mjs:\d+[\s\S]*Caused by: TypeError: no such card/);
    expect(await lastError(await bench.endOf(await bench.add('throwMany')))).toMatchObject({
      name: 'AggregateError',
      stack: expect.stringMatching(/RangeError: one[\s\S]*two/),
    });
    expect(await lastError(await bench.endOf(await bench.add('throwText')))).toMatchObject({
      message: 'just text',
    });
  });

  test('ends an attempt by all the ways in which a processor may', async () => {
    bench.work({ isolation });
    const [again, never, away, elsewhere, last] = await Promise.all(
      ['retryIn', 'unrecoverable', 'discard', 'release', 'retryWith'].map((name) =>
        bench.add(name, {}, { attempts: name === 'retryWith' ? 1 : 3 }).then((job) => bench.endOf(job)),
      ),
    );

    expect([again?.returnvalue, again?.attemptsMade]).toEqual(['at last', 2]);
    expect([never?.state, never?.cause, never?.attemptsMade]).toEqual(['failed', 'unrecoverable', 1]);
    expect([away?.state, away?.cause]).toEqual(['cancelled', 'discarded']);
    expect([elsewhere?.returnvalue, elsewhere?.attemptsStarted]).toEqual(['here', 2]);
    expect(last?.error).toMatchObject({ name: 'PaymentError', message: 'later' });
  });

  test('has results and data checked as in process', async () => {
    const schemas = { badData: { data: z.object({ to: z.string() }) }, where: { result: z.string() } };
    bench.work({ isolation, schemas: schemas as never });
    const unfit = await bench.endOf(await bench.add('unfit', {}, { attempts: 3 }));
    const wrong = await bench.endOf(await bench.add('where', {}, { attempts: 3 }));
    const badData = await bench.endOf(await bench.add('badData', { to: 'x' }));
    const badProgress = await bench.endOf(await bench.add('badProgress'));

    expect([unfit.cause, unfit.attemptsMade, unfit.error?.name]).toEqual([
      'invalid-payload',
      1,
      'InvalidPayloadError',
    ]);
    expect([wrong.cause, wrong.error?.name]).toEqual(['invalid-payload', 'SchemaMismatchError']);
    expect(badData.error?.name).toBe('SchemaMismatchError');
    expect(badProgress.error).toMatchObject({
      name: 'InvalidPayloadError',
      message: expect.stringContaining('progress.at'),
    });
  });

  test('says what it cannot offer', async () => {
    bench.work({ isolation });

    expect((await bench.endOf(await bench.add('result'))).error).toMatchObject({
      code: 'MILLRACE_UNSUPPORTED',
      message: expect.stringContaining('its own result'),
    });
  });

  test('hears that its job is cancelled, and why', async () => {
    const worker = bench.work({ isolation });
    const job = await bench.add('untilAborted');
    await waitFor('it listens', async () => (await job.getLogs()).length === 1);
    await worker.cancelJob(job.id, 'not needed');

    const ended = await bench.endOf(job);
    expect([ended.state, ended.cause]).toEqual(['cancelled', 'cancelled']);
    expect((await job.getLogs()).at(-1)?.text).toBe('CancelledError true');
  });

  test('is ended when it does not stop: by a timeout, out of an endless loop', async () => {
    bench.work({ isolation });
    const job = await bench.add('loop', {}, { timeout: 300 });
    const before = performance.now();
    const ended = await bench.endOf(job);

    expect(ended.error?.name).toBe(TimeoutError.name);
    expect(performance.now() - before).toBeLessThan(15_000);
    expect(await (await bench.add('where')).result()).toBeDefined();
  });

  // Node 24 ends the whole process when the heap of a thread is full.
  const survives = isolation === 'process' || Number(process.versions.node.split('.')[0]) < 24;
  test.skipIf(!survives)('that uses too much memory is ended, and says so', async () => {
    const worker = bench.work({ isolation, maxMemoryMb: 128, concurrency: 2 });
    const failed = next(worker, 'failed');
    const [heap, where] = await Promise.all([bench.add('heap'), bench.add('wait', { ms: 50 })]);
    const ended = await bench.endOf(heap);

    expect([ended.state, ended.cause, ended.attemptsMade]).toEqual(['failed', 'crashed', 1]);
    expect((await failed)[1]).toBeInstanceOf(ProcessorMemoryError);
    expect((await bench.endOf(where)).state).toBe('completed');
  });

  test('that exits takes down only its job, and another one runs what follows', async () => {
    const worker = bench.work({ isolation });
    const failed = next(worker, 'failed');
    const ended = await bench.endOf(await bench.add('exit'));

    expect((await failed)[1]).toBeInstanceOf(ProcessorCrashedError);
    expect((await failed)[1]).toMatchObject({ exitCode: 3, signal: null });
    expect([ended.state, ended.cause, ended.crashes]).toEqual(['failed', 'crashed', 0]);
    expect((await ended.attempts()).map(({ outcome }) => outcome)).toEqual(['failed']);
    expect(await (await bench.add('where')).result()).toBeDefined();
  });

  test('that ends by an error nobody caught names that error', async () => {
    bench.work({ isolation });
    const { error } = await bench.endOf(await bench.add('uncaught'));

    expect(error).toMatchObject({ name: 'ProcessorCrashedError', code: 'MILLRACE_PROCESSOR_CRASHED' });
    expect(error?.stack).toMatch(/Caused by: RangeError: nobody looked[\s\S]*deeds\.mjs/);
  });

  test('is kept for the next job, is one for each that run at once, and is replaced after so many', async () => {
    bench.work({ isolation, concurrency: 2, recycleAfterJobs: 4 });
    const key = ({ pid, threadId }: Where): string => `${pid}.${threadId}`;
    const run = async (): Promise<string> => key((await (await bench.add('where')).result()) as Where);
    const first = [await run(), await run(), await run(), await run()];
    const after = await run();
    const waits = await Promise.all([1, 2, 3, 4].map(() => bench.add('wait', { ms: 100 })));
    const both = await Promise.all(waits.map(async (job) => key((await job.result()) as Where)));

    expect(new Set(first).size).toBe(1);
    expect(first).not.toContain(after);
    expect(new Set(both).size).toBe(2);
  });

  test('is replaced when it has grown too large', async () => {
    bench.work({ isolation, recycleAtMb: 150 });
    const run = async (name: string): Promise<unknown> => (await bench.add(name, { mb: 100 })).result();
    const small = await run('where');
    expect(await run('grow')).toEqual({ ...(small as Where), kept: 2 });

    expect(await run('where')).not.toEqual(small);
  });
});

describe('a process', () => {
  test.each([
    ['abort', { exitCode: null, signal: 'SIGABRT' }],
    ['segfault', { exitCode: null, signal: 'SIGSEGV' }],
    ['kill', { exitCode: null, signal: 'SIGKILL' }],
    ['exit', { exitCode: 3, signal: null }],
  ])('that ends by %s takes down its job and none of its neighbours', async (deed, end) => {
    const worker = bench.work({ concurrency: 4 });
    const neighbours = await Promise.all([1, 2, 3].map(() => bench.add('wait', { ms: 300 })));
    const failed = next(worker, 'failed');
    const bad = await bench.endOf(await bench.add(deed));

    expect((await failed)[1]).toMatchObject({ name: 'ProcessorCrashedError', ...end });
    expect([bad.state, bad.cause]).toEqual(['failed', 'crashed']);
    const ends = await Promise.all(neighbours.map((job) => bench.endOf(job)));
    expect(ends.map(({ state, attemptsStarted }) => [state, attemptsStarted])).toEqual(
      [1, 2, 3].map(() => ['completed', 1]),
    );
  });

  test('has all its memory counted, not only its heap', async () => {
    bench.work({ maxMemoryMb: 160 });
    const { error } = await bench.endOf(await bench.add('buffers'));

    expect(error).toMatchObject({
      code: 'MILLRACE_PROCESSOR_MEMORY',
      message: expect.stringMatching(/160 MB/),
    });
  });

  test('that does not listen is gone when its attempt is over', async () => {
    const worker = bench.work();
    const job = await bench.add('deaf');
    const [, where] = await next(worker, 'progress');
    await worker.cancelJob(job.id);
    await bench.endOf(job);

    expect(isAlive((where as Where).pid)).toBe(false);
  });

  test('takes what it started with it', async () => {
    const worker = bench.work();
    const job = await bench.add('spawns', {}, { timeout: 5_000 });
    const [, progress] = await next(worker, 'progress');
    const { pid } = progress as Where;
    await bench.endOf(job);

    await waitFor('what it started is gone', () => !isAlive(pid));
  });

  test('is gone when its worker is closed', async () => {
    const worker = bench.work();
    const { pid } = (await (await bench.add('where')).result()) as Where;
    expect(isAlive(pid)).toBe(true);
    await worker.close();

    expect(isAlive(pid)).toBe(false);
  });

  test('is the default', async () => {
    bench.work({}, fileOf('deeds.mjs'));

    expect(((await (await bench.add('where')).result()) as Where).pid).not.toBe(process.pid);
  });
});
