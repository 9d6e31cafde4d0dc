/** Workers as users run them: real time, the memory store and SQLite on a file, several processes on one store. */

import { once } from 'node:events';
import { connect, type Processor, Queue, type Store, Worker, type WorkerOptions } from 'millrace';
import { sqliteStore } from 'millrace/sqlite';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { makeScratch, type Scratch } from '../support/scratch.ts';

const scratch: Scratch = makeScratch();
afterAll(() => scratch.remove());

interface Harness {
  readonly name: string;
  /** A store as one process sees it; `same` gives the view of another process on the same jobs. */
  open(): { readonly mine: Store; readonly same: () => Store };
}

const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const harnesses: readonly Harness[] = [
  {
    name: 'memory',
    open: () => {
      const shared = connect('memory:');
      closing.push(() => shared.release());
      // Every view needs an identity of its own: what a process shares hangs on the store it has.
      return { mine: { ...shared.store }, same: () => ({ ...shared.store }) };
    },
  },
  {
    name: 'sqlite',
    open: () => {
      const path = scratch.nextPath();
      const view = (): Store => {
        const store = sqliteStore({ path });
        closing.push(() => store.close());
        return store;
      };
      return { mine: view(), same: view };
    },
  },
];

function queueOn(store: Store): Queue {
  const queue = new Queue('orders', { connection: store });
  closing.push(() => queue.close());
  return queue;
}

function workOn(store: Store, processor: Processor, options: WorkerOptions = {}): Worker {
  const worker = new Worker('orders', processor, { connection: store, ...options });
  closing.push(() => worker.close({ force: true }));
  return worker;
}

/** The arguments of the next such event. */
function next(worker: Worker, event: string): Promise<unknown[]> {
  return once(worker as never, event);
}

/** A process that stops dead when told: none of its calls gets anywhere any more, until it is buried. */
function mortal(store: Store): { readonly store: Store; die(): void } {
  let bury: (reason: Error) => void = () => {};
  const buried = new Promise<never>((_, reject) => {
    bury = reject;
  });
  buried.catch(() => {});
  let dead = false;
  const guarded = Object.entries(store).map(([name, member]: [string, unknown]) => {
    if (typeof member !== 'function' || name === 'close') return [name, member];
    // A thread of the store's would outlive what dies here.
    if (name === 'openPulse') return [name, async () => null];
    return [name, (...args: unknown[]) => (dead ? buried : Reflect.apply(member, store, args))];
  });
  const die = (): void => {
    dead = true;
    closing.push(async () => bury(new Error('this process is dead')));
  };
  return { store: Object.fromEntries(guarded), die };
}

describe.each(harnesses)('on $name', ({ open }) => {
  test('the example of a guide to job queues works as it is written', async () => {
    const connection = open().mine;
    const order = { isPremium: true };
    const heard: unknown[] = [];
    const orderQueue = new Queue('orders', { connection });
    await orderQueue.add(
      'process-order',
      { orderId: 7, customerEmail: 'ada@example.org', items: ['mill'] },
      {
        attempts: 3,
        backoff: { type: 'exponential', delay: 2000 },
        priority: order.isPremium ? 1 : 10,
      },
    );
    const orderWorker = new Worker(
      'orders',
      async (job) => {
        heard.push([job.name, job.data]);
        return { status: 'completed' };
      },
      { connection, concurrency: 5, limiter: { max: 100, duration: 60000 } },
    );
    orderWorker.on('completed', (job) => heard.push(job.returnvalue));
    orderWorker.on('failed', (job, error) => heard.push([job?.id, error]));
    await next(orderWorker, 'completed');

    expect(heard).toEqual([
      ['process-order', { orderId: 7, customerEmail: 'ada@example.org', items: ['mill'] }],
      { status: 'completed' },
    ]);
    expect(await orderQueue.getJobCounts('waiting', 'active', 'failed', 'delayed')).toEqual({
      waiting: 0,
      active: 0,
      failed: 0,
      delayed: 0,
    });
    await orderWorker.close();
    await orderQueue.close();
  });

  test('a few hundred jobs are shared by the workers of several processes, each job run once', async () => {
    const { mine, same } = open();
    const queue = queueOn(mine);
    const runs = new Map<string, number>();
    const done = new Promise<void>((resolve) => {
      const count = async (job: { readonly id: string }): Promise<void> => {
        runs.set(job.id, (runs.get(job.id) ?? 0) + 1);
        if (runs.size === 300) resolve();
      };
      for (const store of [mine, same(), same()]) workOn(store, count, { concurrency: 10 });
    });

    const jobs = await queue.addBulk(Array.from({ length: 300 }, (_, n) => ({ name: 'job', data: { n } })));
    await done;
    await Promise.all(jobs.map((job) => job.result({ timeout: '20s' })));

    expect([...runs.values()].every((times) => times === 1)).toBe(true);
    expect(await queue.getJobCounts('completed', 'active', 'waiting')).toEqual({
      completed: 300,
      active: 0,
      waiting: 0,
    });
  });

  test('a job added by another process wakes an idle worker sooner than its poll', async () => {
    const { mine, same } = open();
    const worker = workOn(mine, async (job) => job.data.n);
    await worker.waitUntilReady();
    const other = queueOn(same());

    const waits: number[] = [];
    worker.on('completed', (job) => waits.push((job.processedOn ?? 0) - job.timestamp));
    for (let n = 0; n < 5; n++) {
      const job = await other.add('job', { n });
      expect(await job.result({ timeout: '10s' })).toBe(n);
    }

    expect(waits.reduce((sum, ms) => sum + ms, 0) / waits.length).toBeLessThan(900);
  });

  test('a retry comes after its backoff, and the history is there in the end', async () => {
    const { mine } = open();
    const queue = queueOn(mine);
    const startedMs: number[] = [];
    const worker = workOn(mine, async (job) => {
      startedMs.push(job.processedOn ?? 0);
      throw new TypeError(`attempt ${job.attempt}`);
    });
    const failed = next(worker, 'failed');

    const job = await queue.add('job', {}, { attempts: 3, backoff: { type: 'fixed', delay: 120 } });
    await failed;

    expect(startedMs.length).toBe(3);
    expect((startedMs[1] ?? 0) - (startedMs[0] ?? 0)).toBeGreaterThanOrEqual(120);
    expect((startedMs[2] ?? 0) - (startedMs[1] ?? 0)).toBeGreaterThanOrEqual(120);
    const attempts = await job.attempts();
    expect(attempts.map(({ outcome, error }) => [outcome, error?.message])).toEqual([
      ['retried', 'attempt 1'],
      ['retried', 'attempt 2'],
      ['failed', 'attempt 3'],
    ]);
    expect(new Set(attempts.map(({ worker: by }) => by))).toEqual(new Set([worker.id]));
  });

  test('a cancel by another process stops a running processor', async () => {
    const { mine, same } = open();
    const queue = queueOn(mine);
    const worker = workOn(
      mine,
      (_job, { signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      { leaseMs: 3_000 },
    );
    const active = next(worker, 'active');
    const cancelled = next(worker, 'cancelled');
    const job = await queue.add('job', {});
    await active;

    const seen = await queueOn(same()).getJob(job.id);
    await seen?.cancel('customer left');
    const [, reason] = await cancelled;

    expect(reason).toBe('customer left');
    await expect(job.result({ timeout: '5s' })).rejects.toThrow('customer left');
  });

  test('the job of a process that died is run by another, and counts one crash', async () => {
    const { mine, same } = open();
    const queue = queueOn(mine);
    const doomed = mortal(same());
    const dead = workOn(doomed.store, () => new Promise(() => {}), { leaseMs: 400 });
    dead.on('error', () => undefined);
    const active = next(dead, 'active');
    const job = await queue.add('job', {});
    await active;
    doomed.die();

    const survivor = workOn(mine, async () => 'saved', { leaseMs: 400 });
    const reclaimed = next(survivor, 'reclaimed');
    const result = await job.result({ timeout: '20s' });

    expect(result).toBe('saved');
    expect(await reclaimed).toMatchObject([{ id: job.id, crashes: 1, worker: dead.id }]);
    expect(await job.refresh()).toMatchObject({ crashes: 1, attemptsMade: 1, attemptsStarted: 2 });
  }, 40_000);

  test('a worker that closes hands its job to the next one without burning an attempt', async () => {
    const { mine, same } = open();
    const queue = queueOn(mine);
    const first = workOn(
      same(),
      (_job, { signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    );
    const active = next(first, 'active');
    const job = await queue.add('job', {}, { attempts: 1 });
    await active;

    await first.close({ timeout: 10 });
    workOn(mine, async (again) => again.attempt);

    expect(await job.result({ timeout: '20s' })).toBe(1);
    expect((await job.attempts()).map(({ outcome }) => outcome)).toEqual(['released', 'completed']);
  });

  test('thousands of jobs settle and come in by far fewer round trips', async () => {
    const { mine } = open();
    const queue = queueOn(mine);
    await queue.addBulk(Array.from({ length: 1_000 }, (_, n) => ({ name: 'job', data: { n } })));
    let trips = 0;
    const worker = workOn(mine, async () => null, {
      concurrency: 100,
      telemetry: { onClaim: () => void trips++ },
    });

    await next(worker, 'drained');

    expect(await queue.getJobCounts('completed')).toEqual({ completed: 1_000 });
    expect(trips).toBeLessThan(200);
  });
});
