import { afterEach, expect, test } from 'vitest';
import { ClosedError, DriverMissingError, ShutdownError, StoreUnavailableError } from '../errors.ts';
import { release } from '../job/control.ts';
import type { JobOptions } from '../job/options.ts';
import { Queue } from '../queue/queue.ts';
import { Deferred } from '../runtime/deferred.ts';
import type { Store } from '../store/store.ts';
import { type TestStore, testStore } from '../testing/index.ts';
import type { WorkerOptions } from './options.ts';
import { type Processor, Worker } from './worker.ts';

let t: TestStore;
let queue: Queue;

afterEach(async () => {
  await t.advance('60s');
  await queue.close();
  expect(t.clock.timers).toBe(0);
});

function open(): void {
  t = testStore();
  queue = new Queue('mail', { connection: t.connection });
}

function work(processor: Processor, options: WorkerOptions = {}): Worker {
  return new Worker('mail', processor, { connection: t.connection, ...options });
}

function over(changes: Partial<Store>): { connection: TestStore['connection'] } {
  return { connection: { ...t.connection, store: { ...t.store, ...changes } } };
}

/** Whether it has resolved so far. */
function watch(promise: Promise<unknown>): { done: boolean } {
  const state = { done: false };
  void promise.then(() => {
    state.done = true;
  });
  return state;
}

const add = (id: string, options: JobOptions = {}) =>
  queue.add('welcome', { to: id }, { jobId: id, ...options });
const sessions = async (): Promise<string[]> => (await t.store.sessions()).map(({ id }) => id);

test('close waits for running jobs, claims no others, and leaves the registry', async () => {
  open();
  await add('a');
  await add('b');
  const gate = new Deferred();
  const worker = work(() => gate.promise);
  await t.advance(0);
  expect(await sessions()).toEqual([worker.id]);
  const events: string[] = [];
  worker.on('closing', () => events.push('closing'));
  worker.on('completed', (job) => events.push(job.id));
  worker.on('closed', () => events.push('closed'));

  const closed = watch(worker.close());
  await t.advance('29s');
  expect([closed.done, worker.isRunning()]).toEqual([false, false]);
  gate.resolve();
  await t.advance(0);

  expect(closed.done).toBe(true);
  expect(events).toEqual(['closing', 'a', 'closed']);
  expect(await t.expectState('mail', 'b', 'waiting')).toMatchObject({ claims: 0 });
  expect(await sessions()).toEqual([]);
});

test('what still runs after closeTimeout is aborted and handed back without burning an attempt', async () => {
  open();
  await add('a', { attempts: 1 });
  const reasons: unknown[] = [];
  const worker = work(
    (_job, { signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          reasons.push(signal.reason);
          reject(signal.reason);
        });
      }),
    { closeTimeout: '5s' },
  );
  const released: unknown[] = [];
  worker.on('released', (job, why) => released.push([job.id, why]));
  await t.advance(0);

  const closed = watch(worker.close());
  await t.advance('4999ms');
  expect(closed.done).toBe(false);
  await t.advance(1);

  expect(closed.done).toBe(true);
  expect(reasons).toEqual([expect.any(ShutdownError)]);
  expect(released).toEqual([['a', 'its worker closed before it was done']]);
  expect(await t.expectState('mail', 'a', 'waiting')).toMatchObject({ failures: 0, crashes: 0, claims: 1 });
  expect((await t.store.attempts({ queue: 'mail', id: 'a' })).map(({ outcome }) => outcome)).toEqual([
    'released',
  ]);
});

test('a processor that ignores the abort is left behind, and its late end is refused', async () => {
  open();
  await add('a');
  const gate = new Deferred();
  const worker = work(
    async (job) => {
      await gate.promise;
      await job.updateProgress(100);
    },
    { closeTimeout: 0 },
  );
  await t.advance(0);

  const closed = watch(worker.close());
  await t.advance('1999ms');
  expect(closed.done).toBe(false);
  await t.advance(1);
  expect(closed.done).toBe(true);
  gate.resolve();
  await t.advance(0);

  expect(await t.expectState('mail', 'a', 'waiting')).toMatchObject({ failures: 0, progress: null });
});

test('a control value that a processor returns on shutdown is followed', async () => {
  open();
  await add('a');
  const worker = work(
    (_job, { signal }) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve(release({ afterMs: 60_000, why: 'saved my place' })));
      }),
  );
  await t.advance(0);

  await worker.close({ force: true });

  const [attempt] = await t.store.attempts({ queue: 'mail', id: 'a' });
  expect(attempt).toMatchObject({ outcome: 'released' });
  await t.expectState('mail', 'a', 'delayed');
});

test('close may be called twice, and force hurries the first call', async () => {
  open();
  await add('a');
  const worker = work(
    (_job, { signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  );
  await t.advance(0);
  const first = watch(worker.close());
  await t.advance('1s');
  expect(first.done).toBe(false);

  await worker.close(true);

  expect(first.done).toBe(true);
  await worker.close();
  await t.expectState('mail', 'a', 'waiting');
});

test('close before the worker has started, or while it starts, leaves nothing behind', async () => {
  open();
  await add('a');
  const idle = work(async () => 1, { autorun: false });
  await idle.close();
  const starting = work(async () => 1);
  await starting.close();
  await t.advance('60s');

  expect(await sessions()).toEqual([]);
  await t.expectState('mail', 'a', 'waiting');
});

test('jobs that a claim under way brings in after close go back at once', async () => {
  open();
  await add('a');
  const gate = new Deferred();
  const worker = work(
    async () => 'ran',
    over({
      claim: async (requests) => {
        const answer = await t.store.claim(requests);
        await gate.promise;
        return answer;
      },
    }),
  );
  await t.advance(0);

  const closed = watch(worker.close());
  await t.advance(0);
  gate.resolve();
  await t.advance(0);

  expect(closed.done).toBe(true);
  expect(await t.expectState('mail', 'a', 'waiting')).toMatchObject({ claims: 1, failures: 0, crashes: 0 });
});

test('close is over in a bounded time though the store hangs', async () => {
  open();
  await add('a');
  let hangs = false;
  const hang = () => new Promise<never>(() => undefined);
  const worker = work(
    async () => 1,
    over({
      commit: (...args) => (hangs ? hang() : t.store.commit(...args)),
      endSession: (id) => (hangs ? hang() : t.store.endSession(id)),
      upkeep: (budget) => (hangs ? hang() : t.store.upkeep(budget)),
      renew: hang,
    }),
  );
  worker.on('active', () => {
    hangs = true;
  });
  await t.advance(0);

  const closed = watch(worker.close({ timeout: '1s' }));
  await t.advance('20s');

  expect(closed.done).toBe(true);
});

test('leases that could not be settled are handed back with the session', async () => {
  open();
  await add('a');
  const worker = work(
    async () => 1,
    over({ commit: () => Promise.reject(new StoreUnavailableError('no writes today')) }),
  );
  worker.on('error', () => undefined);
  await t.advance(100);

  const closed = watch(worker.close({ timeout: '1s' }));
  await t.advance('20s');

  expect(closed.done).toBe(true);
  expect(await t.expectState('mail', 'a', 'waiting')).toMatchObject({ crashes: 0, failures: 0 });
});

test('a worker whose store cannot be opened says so once, to its listeners and to who waits for it', async () => {
  open();
  const missing = () => Promise.reject(new DriverMissingError('no driver: npm install it'));
  let works = false;
  const worker = work(
    async () => 1,
    over({
      beat: (sessions) => (works ? t.store.beat(sessions) : missing()),
      claim: (requests) => (works ? t.store.claim(requests) : missing()),
      upkeep: (budget) => (works ? t.store.upkeep(budget) : missing()),
    }),
  );
  const heard: string[] = [];
  worker.on('error', (error) => heard.push(error.message));
  worker.on('ready', () => heard.push('ready'));
  worker.on('completed', (job) => heard.push(job.id));

  await expect(worker.waitUntilReady()).rejects.toThrow(DriverMissingError);
  await t.advance('60s');
  expect(heard).toEqual(['no driver: npm install it']);

  works = true;
  await add('a');
  await t.advance('20s');
  expect(heard.slice(1).sort()).toEqual(['a', 'ready']);
  await worker.close();
});

test('an outage is told once, and the next one again', async () => {
  open();
  let away = true;
  const maybe = <T>(go: () => Promise<T>): Promise<T> =>
    away ? Promise.reject(new StoreUnavailableError('the disk is away')) : go();
  const worker = work(
    async () => 1,
    over({
      claim: (requests) => maybe(() => t.store.claim(requests)),
      commit: (...args) => maybe(() => t.store.commit(...args)),
      renew: (...args) => maybe(() => t.store.renew(...args)),
      beat: (sessions) => maybe(() => t.store.beat(sessions)),
      upkeep: (budget) => maybe(() => t.store.upkeep(budget)),
    }),
  );
  const errors: string[] = [];
  worker.on('error', (error) => errors.push(error.message));

  await t.advance('5m');
  expect(errors).toEqual(['the disk is away']);
  away = false;
  await t.advance('1m');
  away = true;
  await t.advance('5m');

  expect(errors).toEqual(['the disk is away', 'the disk is away']);
  await worker.close({ force: true });
});

test('a listener that throws does not disturb the worker', async () => {
  open();
  await add('a');
  await add('b');
  const worker = work(async () => 1);
  const errors: string[] = [];
  worker.on('active', () => {
    throw new Error('listener of active');
  });
  worker.on('completed', async () => {
    throw new Error('listener of completed');
  });
  worker.on('error', (error) => errors.push(error.message));

  await t.runUntilIdle();
  await worker.close();

  expect(errors.sort()).toEqual(
    ['active', 'active', 'completed', 'completed'].map((name) => `listener of ${name}`),
  );
  await t.expectState('mail', 'b', 'completed');
});

test('the registry knows the slots and how many of them are in use', async () => {
  open();
  await add('a');
  const gate = new Deferred();
  const worker = work(() => gate.promise, { concurrency: 4, name: 'printer' });
  expect(worker.id).toMatch(/^printer:\d+:[\da-f-]{36}$/);

  await t.advance('10s');

  expect(await t.store.sessions()).toMatchObject([
    { id: worker.id, pid: process.pid, queues: [{ queue: 'mail', slots: 4, busy: 1 }], lagMs: 0 },
  ]);
  gate.resolve();
  await worker.close();
});

test('a call that close did not wait for any longer is no error of the worker afterwards', async () => {
  open();
  const gate = new Deferred();
  const endSession = async (): Promise<number> => {
    await gate.promise;
    throw new ClosedError('the store');
  };
  const worker = work(() => {}, over({ endSession }));
  const errors: string[] = [];
  worker.on('error', (error) => errors.push(error.name));
  await t.advance(0);

  const closed = watch(worker.close());
  await t.advance('10s');
  gate.resolve();
  await t.advance(0);

  expect(closed.done).toBe(true);
  expect(errors).toEqual([]);
});
