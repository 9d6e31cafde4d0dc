import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  ActiveJobsError,
  DuplicateJobError,
  InvalidOptionError,
  JobNotFoundError,
  NotFoundError,
  TimeoutError,
  UnsupportedError,
  WrongStateError,
} from '../errors.ts';
import { uuid7 } from '../runtime/ids.ts';
import type { Claimed, Store } from '../store/store.ts';
import { type TestStore, testStore } from '../testing/test-store.ts';
import { Queue } from './queue.ts';
import type { QueueOptions } from './queue-options.ts';

let t: TestStore;
let queue: Queue;

beforeEach(() => {
  t = testStore();
  queue = new Queue('orders', { connection: t.connection });
});

afterEach(async () => {
  await queue.close();
  await t.close();
});

const named = (name: string, options: Omit<QueueOptions, 'connection'> = {}): Queue =>
  new Queue(name, { connection: t.connection, ...options });

async function claim(limit = 1): Promise<readonly Claimed[]> {
  const claimId = uuid7(t.clock, t.random)();
  const [answer] = await t.store.claim([{ claimId, queue: 'orders', limit, worker: 'w', leaseMs: 60_000 }]);
  return answer?.jobs ?? [];
}

/** As a caller without types would. */
const untyped = (value: unknown): never => value as never;

describe('administration', () => {
  test('a paused queue gives no jobs until it is resumed', async () => {
    await queue.add('ship', {});
    await queue.pause();

    expect(await queue.isPaused()).toBe(true);
    expect(await claim()).toEqual([]);
    await queue.resume();
    expect(await queue.isPaused()).toBe(false);
    expect(await claim()).toHaveLength(1);
  });

  test('drain discards what waits, however much it is, and delayed jobs only when asked', async () => {
    for (let slice = 0; slice < 3; slice++) {
      await queue.addBulk(Array.from({ length: 900 }, (_, data) => ({ name: 'ship', data })));
    }
    await queue.add('ship', {}, { delay: 1_000 });

    expect(await queue.drain()).toBe(2_700);
    expect(await queue.getJobCounts('waiting', 'delayed')).toEqual({ waiting: 0, delayed: 1 });
    expect(await queue.drain(true)).toBe(1);
    await expect(queue.drain(untyped({ delay: true }))).rejects.toThrow(/Did you mean "delayed"/);
  });

  test('drain leaves jobs alone that come while it is at work, and so comes to an end', async () => {
    const apply: Store['apply'] = async (effects, options) => {
      const answer = await t.store.apply(effects, options);
      if (effects.some(({ op }) => op === 'drain')) await queue.add('late', {});
      return answer;
    };
    const busy = new Queue('orders', { connection: { ...t.connection, store: { ...t.store, apply } } });
    for (const length of [1_000, 500]) {
      await queue.addBulk(Array.from({ length }, (_, data) => ({ name: 'ship', data })));
    }

    expect(await busy.drain()).toBe(1_500);
    expect(await queue.getJobCounts('waiting')).toEqual({ waiting: 2 });
  });

  test('obliterate removes the queue whole, but not under running jobs unless forced', async () => {
    await queue.addBulk(Array.from({ length: 1_000 }, (_, data) => ({ name: 'ship', data })));
    await queue.add('ship', {});
    await claim();

    await expect(queue.obliterate()).rejects.toThrow(ActiveJobsError);
    expect(await queue.obliterate({ force: true })).toBe(1_001);
    expect(await t.store.queues()).toEqual([]);
  });

  test('a queue that was obliterated gets its settings again with the next job', async () => {
    const kept = named('orders', { maxCrashes: 8 });
    await kept.add('ship', {});
    await kept.obliterate();
    await kept.add('ship', {});

    expect((await kept.summary()).settings.maxCrashes).toBe(8);
  });
});

/** Makes the oldest waiting jobs dead letters. */
async function fail(count: number): Promise<void> {
  const error = { name: 'Error', message: 'no', stack: null, code: null, fingerprint: 'f' };
  const next = { to: 'failed', error, cause: 'attempts-spent' } as const;
  const claimed = await claim(count);
  await t.store.commit(claimed.map(({ lease }) => ({ lease, next, mode: 'strict' as const })));
}

async function addJobs(...ids: string[]): Promise<void> {
  await queue.addBulk(ids.map((jobId) => ({ name: 'ship', data: {}, opts: { jobId } })));
}

describe('jobs by id', () => {
  test('one id is done, or tells why not', async () => {
    await addJobs('a', 'b');
    await fail(1);
    await queue.redrive('a');

    expect(await queue.getJobCounts('waiting', 'failed')).toEqual({ waiting: 2, failed: 0 });
    await expect(queue.redrive('a')).rejects.toThrow(WrongStateError);
    await expect(queue.discard('z')).rejects.toThrow(JobNotFoundError);
    await expect(queue.cancel('')).rejects.toThrow(InvalidOptionError);
    await expect(queue.cancel({ ids: ['a'] }, 'x', { tx: {} })).rejects.toThrow(/named by id/);
    await expect(queue.cancel('a', 'x', { tx: {} })).rejects.toThrow(UnsupportedError);
    await expect(queue.cancel('a', 'x', { tX: {} } as never)).rejects.toThrow(/Did you mean "tx"/);
    await queue.cancel('b', 'sold out');
    expect(await queue.getJob('b')).toMatchObject({ state: 'cancelled', cause: 'cancelled' });
    await queue.discard('b');
    expect(await queue.getJob('b')).toBeUndefined();
  });

  test('several ids are done as far as they can be, and the rest is reported', async () => {
    await addJobs('a', 'b', 'c');
    await fail(2);
    const outcome = await queue.redrive(['a', 'b', 'c', 'z']);

    expect(outcome.done).toBe(2);
    expect(outcome.skipped.map(({ id, error }) => [id, error.constructor])).toEqual([
      ['c', WrongStateError],
      ['z', JobNotFoundError],
    ]);
  });

  test('a redrive into a queue that has the id already says so', async () => {
    await addJobs('a');
    await fail(1);
    await named('retries').add('ship', {}, { jobId: 'a' });

    await expect(queue.redrive('a', { toQueue: 'retries' })).rejects.toThrow(DuplicateJobError);
    await queue.redrive('a', { toQueue: 'elsewhere' });
    expect((await named('elsewhere').getJob('a'))?.origin).toMatchObject({
      queue: 'orders',
      cause: 'redrive',
    });
  });

  test('misspelt options are refused before anything moves', async () => {
    await expect(queue.redrive('a', untyped({ toQeue: 'x' }))).rejects.toThrow(/Did you mean "toQueue"/);
    await expect(queue.redrive('a', { ratePerSecond: 0 })).rejects.toThrow(InvalidOptionError);
    await expect(queue.retryJobs(untyped({ state: 'waiting' }))).rejects.toThrow(InvalidOptionError);
  });
});

describe('jobs by filter', () => {
  test('are moved by an operation that upkeep carries out, in this queue only', async () => {
    await addJobs('a', 'b', 'c');
    await fail(3);
    await named('other').add('ship', {});
    const operation = await queue.redrive({ ids: ['a', 'b'] });

    expect(await operation.status()).toMatchObject({ state: 'running', done: 0, kind: 'redrive' });
    await t.upkeep();
    expect(await operation.wait()).toMatchObject({ state: 'done', done: 2, skipped: 0 });
    expect(await queue.getJobCounts('waiting', 'failed')).toEqual({ waiting: 2, failed: 1 });
  });

  test('all dead letters, all delayed jobs, all that match can be moved at once', async () => {
    await addJobs('a', 'b');
    await fail(2);
    await queue.add('ship', {}, { jobId: 'later', delay: '1h' });
    await queue.retryJobs();
    await queue.promoteJobs();
    await t.upkeep();

    expect(await queue.getJobCounts('waiting', 'delayed', 'failed')).toEqual({
      ...{ waiting: 3, delayed: 0, failed: 0 },
    });
    await queue.cancel({ ids: ['a'] }, 'sold out');
    await queue.discard({ ids: ['b'] });
    await t.upkeep();
    expect(await queue.getJobCounts('waiting', 'cancelled')).toEqual({ waiting: 1, cancelled: 1 });
  });

  test('ids at a rate are an operation too, which can be aborted', async () => {
    await addJobs('a', 'b');
    await fail(2);
    const operation = await queue.redrive({ ids: ['a', 'b'] }, { ratePerSecond: 1 });
    await t.advance('1s');
    await t.upkeep();
    await operation.abort();

    expect(await operation.wait()).toMatchObject({ state: 'aborted', done: 1 });
  });

  test('waiting for an operation ends with its time or its signal, and the operation goes on', async () => {
    await addJobs('a');
    const operation = await queue.discard({});
    const stop = new AbortController();
    const late = expect(operation.wait({ timeout: '5s' })).rejects.toThrow(TimeoutError);
    const stopped = expect(operation.wait({ signal: stop.signal })).rejects.toThrow('enough');
    await t.advance('4s');
    stop.abort(new Error('enough'));
    await t.advance('1s');

    await Promise.all([late, stopped]);
    expect(await operation.status()).toMatchObject({ state: 'running' });
    expect(t.clock.timers).toBe(0);
  });

  test('an operation that is forgotten is not found', async () => {
    const operation = await queue.discard({});
    await t.upkeep();
    await t.advance('8d');
    await t.upkeep();

    await expect(operation.status()).rejects.toThrow(NotFoundError);
    await expect(operation.abort()).rejects.toThrow(NotFoundError);
  });
});
