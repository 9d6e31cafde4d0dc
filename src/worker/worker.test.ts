import { afterEach, expect, test } from 'vitest';
import { ClosedError, UnrecoverableError } from '../errors.ts';
import { discard, release, retryIn } from '../job/control.ts';
import type { JobOptions } from '../job/options.ts';
import { Queue } from '../queue/queue.ts';
import { sleep } from '../runtime/clock.ts';
import { Deferred } from '../runtime/deferred.ts';
import { type TestStore, testStore } from '../testing/index.ts';
import type { WorkerEvents } from './events.ts';
import type { WorkerOptions } from './options.ts';
import { type Processor, Worker } from './worker.ts';

let t: TestStore;
let queue: Queue;
let workers: Worker[] = [];

afterEach(async () => {
  for (const worker of workers) void worker.close({ force: true });
  await t.advance('20s');
  workers = [];
  await queue.close();
  expect(t.clock.timers).toBe(0);
});

function open(): void {
  t = testStore();
  queue = new Queue('mail', { connection: t.connection });
}

function work(processor: Processor, options: WorkerOptions = {}): Worker {
  const worker = new Worker('mail', processor, { connection: t.connection, ...options });
  workers.push(worker);
  return worker;
}

/** Names and arguments of the events, jobs by their ids and errors by their messages. */
function listen(worker: Worker, ...names: (keyof WorkerEvents)[]): unknown[][] {
  const heard: unknown[][] = [];
  for (const name of names) {
    worker.on(name, (...args: unknown[]) => {
      heard.push([name, ...args.map((arg) => (arg instanceof Error ? arg.message : idOf(arg)))]);
    });
  }
  return heard;
}

const idOf = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'id' in value ? value.id : value;
const add = (id: string, options: JobOptions = {}) =>
  queue.add('welcome', { to: id }, { jobId: id, ...options });
const ENDINGS = ['completed', 'failed', 'retrying', 'released', 'cancelled', 'drained', 'error'] as const;

test('what a processor returns is the result of the job, there for listeners and in the store', async () => {
  open();
  await add('a');
  const worker = work(async (job) => ({ sentTo: job.data.to }));
  const snapshots: unknown[] = [];
  worker.on('completed', (job, result) => {
    snapshots.push([job.state, job.returnvalue, job.attemptsMade, job.finishedOn !== undefined, result]);
  });

  await t.runUntilIdle();

  expect(snapshots).toEqual([['completed', { sentTo: 'a' }, 1, true, { sentTo: 'a' }]]);
  expect(await t.expectState('mail', 'a', 'completed')).toMatchObject({ returnvalue: { sentTo: 'a' } });
  expect(await queue.getJob('a').then((job) => job?.result())).toEqual({ sentTo: 'a' });
});

test('a processor that is not async, and one that returns nothing, complete their jobs', async () => {
  open();
  await add('a');
  const heard = listen(
    work(() => undefined),
    ...ENDINGS,
  );

  await t.runUntilIdle();

  expect(heard).toEqual([['completed', 'a', undefined], ['drained']]);
  expect((await t.expectState('mail', 'a', 'completed')).result).toBeNull();
});

test('a failed attempt is followed by the next after the backoff, never early, until they are spent', async () => {
  open();
  await add('a', { attempts: 3, backoff: { type: 'exponential', delay: 1_000, jitter: 0 } });
  const startedMs: number[] = [];
  const worker = work(async (_job, ctx) => {
    startedMs.push(t.clock.now());
    throw new Error(`attempt ${ctx.attempt}, last: ${ctx.lastAttempt}`);
  });
  const heard = listen(worker, ...ENDINGS);

  await t.advance('10s');

  expect(startedMs.map((ms) => ms - (startedMs[0] ?? 0))).toEqual([0, 1_000, 3_000]);
  expect(heard).toEqual([
    ['retrying', 'a', 'attempt 1, last: false', 1_000],
    ['drained'],
    ['retrying', 'a', 'attempt 2, last: false', 2_000],
    ['drained'],
    ['failed', 'a', 'attempt 3, last: true'],
    ['drained'],
  ]);
  expect(await t.expectState('mail', 'a', 'failed')).toMatchObject({ failures: 3, cause: 'attempts-spent' });
});

test('the history of a dead letter has every error, worker and time', async () => {
  open();
  await add('a', { attempts: 2, backoff: 0 });
  const worker = work(async (_job, ctx) => {
    throw new RangeError(`no ink in cartridge ${ctx.attempt}`);
  });

  await t.advance(1_000);

  const attempts = await t.store.attempts({ queue: 'mail', id: 'a' });
  expect(attempts.map(({ number, outcome, worker: by }) => [number, outcome, by])).toEqual([
    [1, 'retried', worker.id],
    [2, 'failed', worker.id],
  ]);
  const [first, second] = attempts.map(({ error }) => error);
  expect(first).toMatchObject({ name: 'RangeError', message: 'no ink in cartridge 1' });
  expect(second?.fingerprint).toBe(first?.fingerprint);
  expect(second?.stack).toContain('worker.test.ts');
});

test('UnrecoverableError goes to the dead letters at once', async () => {
  open();
  await add('a', { attempts: 5, backoff: 1_000 });
  const heard = listen(
    work(async () => {
      throw new UnrecoverableError('no such address');
    }),
    ...ENDINGS,
  );

  await t.runUntilIdle();

  expect(heard[0]).toEqual(['failed', 'a', 'no such address']);
  expect(await t.expectState('mail', 'a', 'failed')).toMatchObject({ failures: 1, cause: 'unrecoverable' });
});

test('control values end the attempt as they say', async () => {
  open();
  await add('retry', { attempts: 2 });
  await add('discard');
  await add('release');
  const controls: Record<string, () => ReturnType<typeof retryIn>> = {
    retry: () => retryIn(5_000, 'printer is warming up'),
    discard: () => discard('customer left'),
    release: () => release({ afterMs: 7_000, why: 'not my turn' }),
  };
  const worker = work(async (job, ctx) =>
    ctx.attempt === 1 && job.attemptsStarted === 1 ? controls[job.id]?.() : 1,
  );
  const heard = listen(worker, 'retrying', 'cancelled', 'released', 'completed');

  await t.advance(0);
  expect(heard).toEqual([
    ['retrying', 'retry', 'printer is warming up', 5_000],
    ['cancelled', 'discard', 'customer left'],
    ['released', 'release', 'not my turn'],
  ]);
  expect(await t.expectState('mail', 'release', 'delayed')).toMatchObject({ failures: 0 });
  expect(await t.expectState('mail', 'discard', 'cancelled')).toMatchObject({ cause: 'discarded' });

  await t.advance('10s');
  await t.expectState('mail', 'retry', 'completed');
  await t.expectState('mail', 'release', 'completed');
});

test('never more jobs run than there are slots, and all slots are used', async () => {
  open();
  for (let n = 0; n < 40; n++) await add(`job-${n}`);
  let running = 0;
  let most = 0;
  let activeInStore = 0;
  work(
    async () => {
      running++;
      most = Math.max(most, running);
      activeInStore = Math.max(activeInStore, (await queue.getJobCounts('active')).active ?? 0);
      running--;
    },
    { concurrency: 7 },
  );

  await t.runUntilIdle();

  expect([most, activeInStore]).toEqual([7, 7]);
});

test('the concurrency may be changed while it works', async () => {
  open();
  for (let n = 0; n < 10; n++) await add(`job-${n}`);
  const gates: Deferred[] = [];
  const worker = work(() => {
    const gate = new Deferred();
    gates.push(gate);
    return gate.promise;
  });
  await t.advance(0);
  expect(gates.length).toBe(1);

  worker.concurrency = 4;
  await t.advance(0);
  expect(gates.length).toBe(4);

  worker.concurrency = 1;
  for (const gate of gates.slice(0, 3)) gate.resolve();
  await t.advance(0);
  expect(gates.length).toBe(4);
  expect(() => {
    worker.concurrency = 0;
  }).toThrow(/concurrency/);

  gates[3]?.resolve();
  await t.advance(0);
  expect(gates.length).toBe(5);
});

test('a paused worker claims nothing, waits for what runs, and goes on when it is resumed', async () => {
  open();
  await add('a');
  await add('b');
  const gate = new Deferred();
  const worker = work(() => gate.promise);
  const heard = listen(worker, 'paused', 'resumed', 'completed');
  await t.advance(0);

  const paused = worker.pause();
  await t.advance('10s');
  expect([worker.isPaused(), worker.isRunning(), heard]).toEqual([true, true, []]);
  gate.resolve();
  await paused;
  await t.advance('10s');
  expect(heard).toEqual([['completed', 'a', undefined], ['paused']]);

  await worker.resume();
  await t.runUntilIdle();
  expect(heard.slice(2)).toEqual([['resumed'], ['completed', 'b', undefined]]);
});

test('without autorun it waits for run, which resolves when the worker is closed', async () => {
  open();
  await add('a');
  const worker = work(async () => 1, { autorun: false });
  await t.advance('10s');
  expect([worker.isRunning(), (await t.expectState('mail', 'a', 'waiting')).claims]).toEqual([false, 0]);

  let ended = false;
  const run = worker.run().then(() => {
    ended = true;
  });
  await worker.waitUntilReady();
  await t.runUntilIdle();
  expect([worker.isRunning(), ended]).toEqual([true, false]);

  await worker.close();
  await run;
  expect([worker.isRunning(), ended]).toEqual([false, true]);
});

test('after close run is refused', async () => {
  open();
  const worker = work(async () => 1, { autorun: false });
  await worker.close();

  await expect(worker.run()).rejects.toThrow(ClosedError);
  await expect(worker.waitUntilReady()).rejects.toThrow(ClosedError);
  await expect(worker.cancelJob('a')).rejects.toThrow(ClosedError);
});

test('the limiter bounds the jobs of any window', async () => {
  open();
  for (let n = 0; n < 25; n++) await add(`job-${n}`);
  const startedMs: number[] = [];
  work(
    async () => {
      startedMs.push(t.clock.monotonic());
    },
    { concurrency: 4, limiter: { max: 10, duration: '1m' } },
  );

  await t.advance('59s');
  expect(startedMs.length).toBe(10);
  await t.advance('60s');
  expect(startedMs.length).toBe(20);
  await t.advance('60s');

  expect(startedMs.length).toBe(25);
});

test('a custom strategy decides the wait, and a job whose strategy is missing waits the delay it came with', async () => {
  open();
  await add('known', { attempts: 2, backoff: { type: 'tides', delay: 5 } });
  await add('general', { attempts: 2, backoff: { type: 'moon', delay: 5 } });
  const fail = async (): Promise<never> => {
    throw new Error('low water');
  };
  const worker = work(fail, {
    backoffStrategies: {
      tides: (failures, _type, error, job) => failures * 100 + error.message.length + job.id.length,
    },
    settings: { backoffStrategy: () => -1 },
  });
  const heard = listen(worker, ...ENDINGS);
  await t.advance(0);
  expect(heard.slice(0, 2)).toEqual([
    ['retrying', 'known', 'low water', 114],
    ['failed', 'general', 'low water'],
  ]);
  await worker.close();

  await add('missing', { attempts: 2, backoff: { type: 'stars', delay: 70 } });
  const other = listen(work(fail), 'error', 'retrying');
  await t.advance(0);
  expect(other[0]?.[1]).toMatch(/"stars" is not a strategy of this worker/);
  expect(other[1]).toEqual(['retrying', 'missing', 'low water', 70]);
});

test('an at-most-once queue settles at the claim: what fails is told and not run again', async () => {
  open();
  await queue.configure({ delivery: 'at-most-once' });
  for (const id of ['good', 'bad', 'slow']) await add(id, { attempts: 3, timeout: 1_000 });
  const worker = work(async (job, ctx) => {
    if (job.id === 'bad') throw new Error('boom');
    if (job.id === 'slow') await new Promise((_, reject) => ctx.signal.addEventListener('abort', reject));
    await job.updateProgress(50);
    return 42;
  });
  const heard = listen(worker, ...ENDINGS);

  await t.advance('2s');

  expect(heard).toEqual([
    ['completed', 'good', 42],
    ['failed', 'bad', 'boom'],
    ['failed', 'slow', expect.stringContaining('longer than its timeout of 1000 ms')],
    ['drained'],
  ]);
  for (const id of ['good', 'bad', 'slow']) {
    expect(await t.expectState('mail', id, 'completed')).toMatchObject({ claims: 1, result: null });
  }
});

test('progress, log and data are written under the lease and told', async () => {
  open();
  await add('a');
  const worker = work(async (job, { progress, log }) => {
    await progress({ done: 1 });
    await job.updateProgress(99);
    await log('half way');
    await job.log('done');
    await job.updateData({ to: 'new' });
  });
  const heard = listen(worker, 'progress');

  await t.runUntilIdle();

  expect(heard).toEqual([
    ['progress', 'a', { done: 1 }],
    ['progress', 'a', 99],
  ]);
  const job = await queue.getJob('a');
  expect([job?.progress, job?.data, (await job?.getLogs())?.map(({ text }) => text)]).toEqual([
    99,
    { to: 'new' },
    ['half way', 'done'],
  ]);
});

test('writes that the processor did not wait for are in the store before the end of the attempt', async () => {
  open();
  await add('a');
  const apply: typeof t.store.apply = async (...args) => {
    await sleep(t.clock, 50);
    return t.store.apply(...args);
  };
  const processor: Processor = (job, ctx) => {
    for (let line = 0; line < 5; line++) void ctx.log(`line ${line}`);
    void job.updateProgress(100);
  };
  work(processor, { connection: { ...t.connection, store: { ...t.store, apply } } });

  await t.advance('1s');

  const job = await queue.getJob('a');
  expect([job?.progress, (await job?.getLogs())?.length, job?.state]).toEqual([100, 5, 'completed']);
});
