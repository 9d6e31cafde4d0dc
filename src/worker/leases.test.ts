import { afterEach, expect, test } from 'vitest';
import { CancelledError, LeaseLostError, StoreUnavailableError, TimeoutError } from '../errors.ts';
import type { JobOptions } from '../job/options.ts';
import { Queue } from '../queue/queue.ts';
import { Deferred } from '../runtime/deferred.ts';
import type { Store } from '../store/store.ts';
import { type TestStore, testStore } from '../testing/index.ts';
import type { ProcessorContext } from './context.ts';
import type { WorkerOptions } from './options.ts';
import { type Processor, Worker } from './worker.ts';

const LEASE_MS = 30_000;

let t: TestStore;
let queue: Queue;
let workers: Worker[] = [];

afterEach(async () => {
  for (const worker of workers) void worker.close({ force: true });
  await t.advance('20s');
  workers = [];
  await queue.close();
});

function open(): void {
  t = testStore();
  queue = new Queue('mail', { connection: t.connection });
}

function work(processor: Processor, options: WorkerOptions = {}): Worker {
  const worker = new Worker('mail', processor, { connection: t.connection, ...options });
  workers.push(worker);
  worker.on('error', () => undefined);
  return worker;
}

/** The same store as seen by a process of its own, some of whose calls go another way. */
function asProcess(over: (store: Store) => Partial<Store>): { connection: TestStore['connection'] } {
  return { connection: { ...t.connection, store: { ...t.store, ...over(t.store) } } };
}

/** A process that dies when told: from then on none of its calls gets anywhere. */
function mortal(): { die: () => void; connection: TestStore['connection'] } {
  let dead = false;
  const names = ['claim', 'commit', 'renew', 'beat', 'endSession', 'upkeep', 'apply'] as const;
  const { connection } = asProcess((store) =>
    Object.fromEntries(
      names.map((name) => [
        name,
        (...args: unknown[]) =>
          dead ? new Promise(() => undefined) : (store[name] as (...all: unknown[]) => unknown)(...args),
      ]),
    ),
  );
  return {
    connection,
    die: () => {
      dead = true;
    },
  };
}

const away = (): Promise<never> => Promise.reject(new StoreUnavailableError('the disk is away'));
/** The session begins, and then the store is away for it. */
const onlyFirstBeat = (store: Store): Pick<Store, 'beat'> => {
  let beats = 0;
  return { beat: (sessions) => (beats++ === 0 ? store.beat(sessions) : away()) };
};
const add = (id: string, options: JobOptions = {}) =>
  queue.add('welcome', { to: id }, { jobId: id, ...options });
const reasonOf = ({ signal }: ProcessorContext): unknown => signal.reason;

/** Ends when its signal aborts, by throwing the reason. */
const untilAborted: Processor = (_job, { signal }) =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });

test('a job that runs longer than its lease stays with its worker, as long as that renews', async () => {
  open();
  await add('a');
  const gate = new Deferred();
  let runs = 0;
  work(() => {
    runs++;
    return gate.promise;
  });

  await t.advance('10m');
  expect(await t.expectState('mail', 'a', 'active')).toMatchObject({ crashes: 0, claims: 1 });
  gate.resolve();
  await t.runUntilIdle();

  expect(runs).toBe(1);
  await t.expectState('mail', 'a', 'completed');
});

test('a worker whose session cannot beat gives up its job at the end of the lease, before another may take it', async () => {
  open();
  await add('a');
  const contexts: ProcessorContext[] = [];
  const lost: unknown[] = [];
  const { connection } = asProcess((store) => ({ renew: away, ...onlyFirstBeat(store) }));
  const worker = work(
    (_job, ctx) => {
      contexts.push(ctx);
      return new Promise(() => undefined);
    },
    { connection },
  );
  worker.on('lease-lost', (job, why) => lost.push([job.id, why]));

  await t.advance(LEASE_MS - 1);
  expect(contexts[0]?.signal.aborted).toBe(false);
  await t.advance(1);

  expect(contexts.map(reasonOf)).toEqual([expect.any(LeaseLostError)]);
  expect(lost).toEqual([['a', 'its worker could not reach the store in time']]);
});

test('what a worker writes after another took its job is refused and changes nothing', async () => {
  open();
  await add('a');
  const slow = mortal();
  const gate = new Deferred();
  const writes: unknown[] = [];
  const first = work(
    async (job, ctx) => {
      await gate.promise;
      for (const write of [
        () => job.updateProgress(1),
        () => ctx.log('late'),
        () => job.updateData({ to: 'x' }),
      ]) {
        writes.push(await write().catch((error: unknown) => error));
      }
      return 'late';
    },
    asProcess((store) => ({
      ...{ renew: away, upkeep: slow.connection.store.upkeep },
      ...onlyFirstBeat(store),
    })),
  );
  const heard: string[] = [];
  first.on('completed', () => heard.push('completed'));
  first.on('lease-lost', (_job, why) => heard.push(why));
  await t.advance(0);
  await first.pause(true);
  work(async () => 'in time', { leaseMs: 1_000 });

  await t.advance('50s');
  expect(await t.expectState('mail', 'a', 'completed')).toMatchObject({ returnvalue: 'in time', crashes: 1 });
  gate.resolve();
  await t.advance('5s');

  expect(writes).toEqual([
    expect.any(LeaseLostError),
    expect.any(LeaseLostError),
    expect.any(LeaseLostError),
  ]);
  expect(heard).toEqual(['its worker could not reach the store in time']);
  const job = await t.expectState('mail', 'a', 'completed');
  expect(job).toMatchObject({ returnvalue: 'in time', progress: null, data: { to: 'a' } });
});

test.each([
  ['strict', 'expired'],
  ['lenient', 'completed'],
] as const)(
  'a settlement after the end of the lease, nobody having taken the job, is %s: %s',
  async (mode, heard) => {
    open();
    await add('a');
    let commits = 0;
    let beats = 0;
    const { connection } = asProcess((store) => ({
      renew: async (leases) => leases.map(() => ({ outcome: 'ok', cancelReason: null })),
      beat: async (sessions) => {
        if (beats++ === 0) return store.beat(sessions);
        return sessions.map(() => ({ outcome: 'kept' }));
      },
      commit: (...args) => {
        commits++;
        return store.commit(...args);
      },
    }));
    const gate = new Deferred();
    const worker = work(() => gate.promise, { connection, mode });
    const news: unknown[] = [];
    worker.on('completed', () => news.push('completed'));
    worker.on('lease-lost', (_job, why) => news.push(why));
    worker.on('error', (error) => news.push(error));
    await t.advance(0);
    await worker.pause(true);
    await t.advance(LEASE_MS + 1);

    gate.resolve();
    await t.advance('5s');

    expect([news, commits]).toEqual([[heard], 1]);
  },
);

test('the jobs of a worker that died are taken back within five seconds of the lease and run elsewhere, as a crash', async () => {
  open();
  for (const id of ['a', 'b', 'c']) await add(id);
  const process = mortal();
  const dead = work(() => new Promise(() => undefined), { connection: process.connection, concurrency: 3 });
  await t.advance(0);
  process.die();
  const reclaimed: unknown[] = [];
  const live = work(async (job) => job.attemptsStarted);
  live.on('reclaimed', (event) => reclaimed.push(event));

  await t.advance(LEASE_MS - 1);
  expect((await t.jobs('mail')).map(({ state }) => state)).toEqual(['active', 'active', 'active']);
  await t.advance(5_001);

  for (const id of ['a', 'b', 'c']) {
    expect(await t.expectState('mail', id, 'completed')).toMatchObject({
      crashes: 1,
      failures: 0,
      returnvalue: 2,
    });
  }
  expect(reclaimed).toEqual(
    ['a', 'b', 'c'].map((id) => ({ queue: 'mail', id, crashes: 1, state: 'waiting', worker: dead.id })),
  );
});

test('a job that kills its worker again and again becomes a dead letter', async () => {
  open();
  await queue.configure({ maxCrashes: 2 });
  await add('poison', { attempts: 10 });
  for (let crash = 0; crash < 3; crash++) {
    const process = mortal();
    work(() => new Promise(() => undefined), { connection: process.connection, leaseMs: 1_000 });
    await t.advance(100);
    process.die();
    await t.advance('20s');
    const survivor = work(async () => 1, { leaseMs: 1_000, concurrency: 1 });
    await survivor.pause();
    await t.advance('20s');
    await survivor.close();
  }

  expect(await t.expectState('mail', 'poison', 'failed')).toMatchObject({
    crashes: 3,
    failures: 0,
    cause: 'crashed',
  });
});

test('a timeout aborts the processor and fails the attempt, whatever the processor makes of it', async () => {
  open();
  await add('throws', { timeout: 5_000, attempts: 2, backoff: 60_000 });
  await add('returns', { timeout: 5_000 });
  const reasons: unknown[] = [];
  const left: (number | null)[] = [];
  work(
    async (job, ctx) => {
      left.push(ctx.deadlineMs);
      await untilAborted(job, ctx).catch((reason: unknown) => reasons.push(reason));
      left.push(ctx.deadlineMs);
      if (job.id === 'throws') throw new Error('something else');
      return 'half of it';
    },
    { concurrency: 2 },
  );

  await t.advance('4999ms');
  expect(reasons).toEqual([]);
  await t.advance(1);

  expect(reasons).toEqual([expect.any(TimeoutError), expect.any(TimeoutError)]);
  expect(left).toEqual([5_000, 5_000, 0, 0]);
  expect(await t.expectState('mail', 'throws', 'delayed')).toMatchObject({ error: { name: 'TimeoutError' } });
  expect(await t.expectState('mail', 'returns', 'failed')).toMatchObject({ error: { name: 'TimeoutError' } });
});

test('a processor that ignores its timeout is left behind after a while, and its slot is free', async () => {
  open();
  await add('deaf', { timeout: 1_000 });
  await add('next');
  const gate = new Deferred();
  const worker = work((job) => (job.id === 'deaf' ? gate.promise : Promise.resolve('done')));
  const ends: unknown[] = [];
  worker.on('failed', (job, error) => ends.push([job?.id, error.name]));

  await t.advance('2999ms');
  await t.expectState('mail', 'next', 'waiting');
  await t.advance(1);

  expect(ends).toEqual([['deaf', 'TimeoutError']]);
  await t.expectState('mail', 'deaf', 'failed');
  await t.expectState('mail', 'next', 'completed');
  gate.resolve();
  await t.advance(0);
  expect(await t.expectState('mail', 'deaf', 'failed')).toMatchObject({ crashes: 0 });
});

test.each([
  ['at once, by a hint', (store: Store) => store, 0],
  [
    'by the next renewal when the hint is lost',
    (store: Store) => ({ ...store, watch: async () => () => {} }),
    10_000,
  ],
])('a cancel from anywhere reaches a running job %s', async (_how, of, withinMs) => {
  open();
  await add('a');
  const store = of(t.store);
  const reasons: unknown[] = [];
  const worker = work(
    async (job, ctx) => {
      await untilAborted(job, ctx).catch((reason: unknown) => reasons.push(reason));
      return 'stopped early';
    },
    { connection: { ...t.connection, store } },
  );
  const heard: unknown[] = [];
  worker.on('cancelled', (job, reason) => heard.push([job.id, job.state, reason]));
  await t.advance(100);

  await t.store.apply([{ op: 'cancel', job: { queue: 'mail', id: 'a' }, reason: 'customer left' }]);
  await t.advance(withinMs);

  expect(reasons).toEqual([expect.any(CancelledError)]);
  expect(heard).toEqual([['a', 'cancelled', 'customer left']]);
  expect(await t.expectState('mail', 'a', 'cancelled')).toMatchObject({ cancelReason: 'customer left' });
});

test('a signal that is asked for after the attempt was told to stop has aborted already', async () => {
  open();
  await add('a');
  const gate = new Deferred();
  const seen: unknown[] = [];
  const worker = work(async (_job, ctx) => {
    await gate.promise;
    seen.push(ctx.signal.aborted, ctx.signal.reason);
  });
  await t.advance(0);

  await worker.cancelJob('a');
  gate.resolve();
  await t.advance(0);

  expect(seen).toEqual([true, expect.any(CancelledError)]);
  await t.expectState('mail', 'a', 'cancelled');
});

test('cancelJob stops a job of the queue wherever it is, and says whether there was one to stop', async () => {
  open();
  await add('here');
  await add('waits');
  const worker = work(untilAborted);
  await t.advance(0);

  expect(await worker.cancelJob('here', 'enough')).toBe(true);
  expect(await worker.cancelJob('nowhere')).toBe(false);
  expect(await worker.cancelJob('waits')).toBe(true);
  await t.advance(0);

  expect(await t.expectState('mail', 'here', 'cancelled')).toMatchObject({ cancelReason: 'enough' });
  expect(await t.expectState('mail', 'waits', 'cancelled')).toMatchObject({
    cancelReason: 'cancelled by request',
  });
});

test('a cancel that the worker has not heard of yet turns a retry into the end of the job', async () => {
  open();
  await add('a', { attempts: 3 });
  const { connection } = asProcess(() => ({ watch: async () => () => {} }));
  const worker = work(
    async () => {
      await t.store.apply([{ op: 'cancel', job: { queue: 'mail', id: 'a' }, reason: 'enough' }]);
      throw new Error('boom');
    },
    { connection },
  );
  const heard: unknown[] = [];
  worker.on('cancelled', (job) => heard.push(job.state));
  worker.on('retrying', () => heard.push('retrying'));

  await t.advance(0);

  expect(heard).toEqual(['cancelled']);
  expect(await t.expectState('mail', 'a', 'cancelled')).toMatchObject({ claims: 1, cancelReason: 'enough' });
});
