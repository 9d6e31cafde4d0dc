import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  CancelledError,
  InvalidOptionError,
  JobFailedError,
  JobNotFoundError,
  StoreUnavailableError,
  TimeoutError,
} from '../errors.ts';
import { encodeJson } from '../job/payload.ts';
import type { StoredError } from '../job/record.ts';
import { settle } from '../runtime/settle.ts';
import type { Claimed, Next, Store } from '../store/store.ts';
import { type TestStore, testStore } from '../testing/test-store.ts';
import { Queue } from './queue.ts';

const ERROR: StoredError = { name: 'TypeError', message: 'no', stack: 'at x', code: 'E1', fingerprint: 'f' };
const DONE: Next = { to: 'completed', result: encodeJson({ sum: 42 }, 'result') };
const DEAD: Next = { to: 'failed', error: ERROR, cause: 'attempts-spent' };

let t: TestStore;
let queue: Queue;
let claims = 0;

beforeEach(() => {
  t = testStore();
  queue = new Queue('orders', { connection: t.connection });
});

afterEach(async () => {
  await queue.close();
  await t.close();
});

async function claim(name = 'orders'): Promise<Claimed> {
  const request = { claimId: `c${++claims}`, queue: name, limit: 1, worker: 'w', leaseMs: 60_000 };
  const [answer] = await t.store.claim([request]);
  const [claimed] = answer?.jobs ?? [];
  if (claimed === undefined) throw new Error('there is no job to claim');
  return claimed;
}

async function end(next: Next, name = 'orders'): Promise<void> {
  const { lease } = await claim(name);
  await t.store.commit([{ lease, next, mode: 'strict' }]);
  await settle();
}

describe('a job that ends', () => {
  test('before the wait gives its result at once', async () => {
    const job = await queue.add('sum', {});
    await end(DONE);

    expect(await job.result()).toEqual({ sum: 42 });
  });

  test('during the wait gives its result by the hint, without any time passing', async () => {
    const job = await queue.add('sum', {});
    const result = job.result();
    await settle();
    await end(DONE);

    expect(await result).toEqual({ sum: 42 });
    expect(t.clock.timers).toBe(0);
  });

  test('that returned nothing gives null', async () => {
    const job = await queue.add('sum', {});
    await end({ to: 'completed', result: null });

    expect(await job.result()).toBeNull();
  });

  test('as a dead letter rejects with the error of its last attempt as the cause', async () => {
    const job = await queue.add('sum', {}, { attempts: 2 });
    const result = job.result().catch((error: unknown) => error);
    await end({ to: 'retry', afterMs: 0, error: { ...ERROR, message: 'first' } });
    await end(DEAD);
    const error = await result;

    expect(error).toBeInstanceOf(JobFailedError);
    expect(error).toMatchObject({ message: expect.stringContaining('no') });
    expect((error as Error).cause).toMatchObject({
      name: 'TypeError',
      message: 'no',
      stack: 'at x',
      code: 'E1',
    });
  });

  test('as a dead letter in another queue has failed all the same', async () => {
    const job = await queue.add('sum', {}, { deadLetterQueue: 'dead' });
    const result = expect(job.result()).rejects.toThrow(JobFailedError);
    await settle();
    await end(DEAD);

    await result;
  });

  test('after a redrive into another queue gives the result it has there', async () => {
    const job = await queue.add('sum', {});
    const result = job.result();
    await settle();
    await job.redrive({ toQueue: 'slow' });
    await t.advance('2s');
    await end(DONE, 'slow');

    expect(await result).toEqual({ sum: 42 });
  });

  test('by being cancelled, discarded or never started rejects with what happened', async () => {
    const [cancelled, discarded, expired] = await queue.addBulk([
      { name: 'a', data: {} },
      { name: 'b', data: {} },
      { name: 'c', data: {}, opts: { ttl: '1s', delay: '1s' } },
    ]);
    const results = Promise.all([
      expect(cancelled?.result()).rejects.toThrow(/sold out/),
      expect(discarded?.result()).rejects.toThrow(JobNotFoundError),
      expect(expired?.result()).rejects.toThrow(/not started in time/),
    ]);
    await settle();
    await queue.cancel(cancelled?.id ?? '', 'sold out');
    await queue.discard(discarded?.id ?? '');
    await t.advance('3s');
    await t.upkeep();
    await t.advance('2s');

    await results;
    await expect(cancelled?.result()).rejects.toThrow(CancelledError);
  });
});

describe('a job that is not kept', () => {
  test('still gives its result to those who wait for it', async () => {
    const job = await queue.add('sum', {}, { removeOnComplete: true });
    const result = job.result();
    await settle();
    await end(DONE);

    expect(await result).toEqual({ sum: 42 });
    await expect(job.result()).rejects.toThrow(JobNotFoundError);
  });

  test('gives its own result, not that of another which ended before it', async () => {
    await queue.add('other', {}, { removeOnComplete: true });
    const job = await queue.add('sum', {}, { removeOnComplete: true });
    const result = job.result();
    await settle();
    await end({ to: 'completed', result: encodeJson('other', 'result') });
    await end(DONE);

    expect(await result).toEqual({ sum: 42 });
  });

  test('still tells those who wait how it failed', async () => {
    const job = await queue.add('sum', {}, { removeOnFail: true });
    const result = expect(job.result()).rejects.toMatchObject({
      cause: { name: 'TypeError', message: 'no' },
    });
    await settle();
    await end(DEAD);

    await result;
  });

  test('gives its result also when every hint is lost and others end by the thousand meanwhile', async () => {
    const deaf = new Queue('orders', { connection: { ...t.connection, store: deafened(t.store) } });
    const job = await deaf.add('sum', {}, { removeOnComplete: true });
    const result = job.result();
    await settle();
    for (let slice = 0; slice < 3; slice++) {
      await queue.addBulk(Array.from({ length: 1_000 }, () => ({ name: 'noise', data: {} })));
    }
    await end(DONE);
    await t.advance('2s');

    expect(await result).toEqual({ sum: 42 });
  });
});

describe('a wait', () => {
  test('survives the loss of every hint: the poll finds the end within two seconds', async () => {
    const deaf = new Queue('orders', { connection: { ...t.connection, store: deafened(t.store) } });
    const job = await deaf.add('sum', {});
    const told: unknown[] = [];
    void job.result().then((value) => told.push(value));
    await t.advance('1m');
    await end(DONE);
    expect(told).toEqual([]);
    await t.advance('2s');

    expect(told).toEqual([{ sum: 42 }]);
  });

  test('survives a store that cannot be watched at all', async () => {
    const watch: Store['watch'] = async () => {
      throw new StoreUnavailableError('no watch');
    };
    const deaf = new Queue('orders', { connection: { ...t.connection, store: { ...t.store, watch } } });
    const job = await deaf.add('sum', {});
    const result = job.result();
    await end(DONE);
    await t.advance('2s');

    expect(await result).toEqual({ sum: 42 });
  });

  test('looks less and less often while nothing happens', async () => {
    let looks = 0;
    const job: Store['job'] = (ref) => {
      looks++;
      return t.store.job(ref);
    };
    const counting = new Queue('orders', { connection: { ...t.connection, store: { ...t.store, job } } });
    const added = await counting.add('sum', {});
    const result = expect(added.result({ timeout: '1m' })).rejects.toThrow(TimeoutError);
    await t.advance('1m');
    await result;

    expect(looks).toBeGreaterThan(20);
    expect(looks).toBeLessThan(40);
  });

  test('ends with its timeout, saying where the job is, and leaves nothing behind', async () => {
    const job = await queue.add('sum', {}, { jobId: 'j' });
    const result = expect(job.result({ timeout: '5s' })).rejects.toThrow(
      /job "j" of queue "orders" has not ended within 5s; it is active/,
    );
    await claim();
    await t.advance('5s');

    await result;
    expect(t.clock.timers).toBe(0);
  });

  test('of no time at all looks once', async () => {
    const job = await queue.add('sum', {});
    await expect(job.result({ timeout: 0 })).rejects.toThrow(TimeoutError);
    await end(DONE);
    expect(await job.result({ timeout: 0 })).toEqual({ sum: 42 });
  });

  test('ends when its signal aborts, with the reason, also before it began', async () => {
    const job = await queue.add('sum', {});
    const stop = new AbortController();
    const result = expect(job.result({ signal: stop.signal })).rejects.toThrow('enough');
    await settle();
    stop.abort(new Error('enough'));

    await result;
    await expect(job.result({ signal: stop.signal })).rejects.toThrow('enough');
    expect(t.clock.timers).toBe(0);
  });

  test('outlives a store that is away for a while, and gives up on one that stays away', async () => {
    let away = false;
    const job: Store['job'] = async (ref) => {
      if (away) throw new StoreUnavailableError('away');
      return t.store.job(ref);
    };
    const shaky = new Queue('orders', { connection: { ...t.connection, store: { ...t.store, job } } });
    const added = await shaky.add('sum', {});
    const result = added.result();
    await settle();
    away = true;
    await t.advance('3s');
    away = false;
    await t.advance('2s');
    away = true;
    await t.advance('5s');
    away = false;
    await end(DONE);
    await t.advance('2s');
    expect(await result).toEqual({ sum: 42 });

    away = true;
    const refused = expect(added.result()).rejects.toThrow(StoreUnavailableError);
    await t.advance('10s');
    await refused;
  });

  test('with options that make no sense is refused', async () => {
    const job = await queue.add('sum', {});

    await expect(job.result({ timeout: -1 })).rejects.toThrow(InvalidOptionError);
    await expect(job.result({ timout: 1 } as never)).rejects.toThrow(/Did you mean "timeout"/);
  });
});

/** The same store, its hints all lost. */
function deafened(store: Store): Store {
  return { ...store, watch: async () => () => {} };
}
