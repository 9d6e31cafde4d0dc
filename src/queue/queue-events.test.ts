import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ClosedError, DriverMissingError, InvalidOptionError, StoreUnavailableError } from '../errors.ts';
import { encodeJson } from '../job/payload.ts';
import type { StoredError } from '../job/record.ts';
import { settle } from '../runtime/settle.ts';
import { CHANGE_KINDS, type FeedRequest, type Hint, type Next, type Store } from '../store/store.ts';
import { type TestStore, testStore } from '../testing/test-store.ts';
import { Queue } from './queue.ts';
import type { AnyQueueEvent } from './queue-event.ts';
import { QueueEvents } from './queue-events.ts';

const ERROR: StoredError = { name: 'TypeError', message: 'no', stack: null, code: null, fingerprint: 'f' };

let t: TestStore;
let queue: Queue;
let events: QueueEvents;
let claims = 0;

beforeEach(() => {
  t = testStore();
  queue = new Queue('orders', { connection: t.connection });
  events = new QueueEvents('orders', { connection: t.connection });
});

afterEach(async () => {
  await events.close();
  await queue.close();
  await t.close();
});

async function end(next: Next): Promise<void> {
  const request = { claimId: `c${++claims}`, queue: 'orders', limit: 1, worker: 'w', leaseMs: 60_000 };
  const [answer] = await t.store.claim([request]);
  for (const { lease } of answer?.jobs ?? []) await t.store.commit([{ lease, next, mode: 'strict' }]);
}

/** Everything that is told from now on, in order. */
async function listen(from: QueueEvents = events): Promise<AnyQueueEvent[]> {
  const told: AnyQueueEvent[] = [];
  for (const kind of [...CHANGE_KINDS, 'gap'] as const)
    from.on(kind, (event: AnyQueueEvent) => told.push(event));
  await from.waitUntilReady();
  return told;
}

const kinds = (told: readonly AnyQueueEvent[]): string[] => told.map(({ kind }) => kind);

test('every move of a job is told in order, with what belongs to it', async () => {
  const told = await listen();
  const job = await queue.add('sum', {}, { jobId: 'j', attempts: 2 });
  await end({ to: 'retry', afterMs: 1_000, error: ERROR });
  await job.promote();
  await job.updateProgress({ percent: 50 });
  await end({ to: 'completed', result: encodeJson({ sum: 42 }, 'result') });
  await t.advance('2s');

  expect(told.map(({ kind, cursor: _cursor, ...event }) => [kind, event])).toEqual([
    ['added', expect.objectContaining({ jobId: 'j', name: 'sum', queueName: 'orders' })],
    ['active', expect.objectContaining({ jobId: 'j' })],
    ['retried', expect.objectContaining({ jobId: 'j', failedReason: 'no', error: ERROR })],
    ['waiting', expect.objectContaining({ jobId: 'j' })],
    ['progress', expect.objectContaining({ jobId: 'j', data: { percent: 50 } })],
    ['active', expect.objectContaining({ jobId: 'j' })],
    ['completed', expect.objectContaining({ jobId: 'j', returnvalue: { sum: 42 } })],
  ]);
  const cursors = told.map(({ cursor }) => cursor);
  expect(cursors).toEqual([...cursors].sort((a, b) => a - b));
});

test('ends, removals and changes of the queue itself are told', async () => {
  const told = await listen();
  await queue.add('a', {}, { jobId: 'a' });
  await queue.add('a', {}, { jobId: 'a' });
  await end({ to: 'failed', error: ERROR, cause: 'unrecoverable' });
  await queue.discard('a');
  await queue.add('b', {}, { jobId: 'b' });
  await queue.cancel('b', 'sold out');
  await queue.pause();
  await queue.resume();
  await queue.drain();
  await t.advance('2s');

  expect(kinds(told)).toEqual([
    ...[
      'added',
      'duplicate',
      'active',
      'failed',
      'removed',
      'added',
      'cancelled',
      'paused',
      'resumed',
      'drained',
    ],
  ]);
});

test('events of other queues are not told', async () => {
  const told = await listen();
  await new Queue('mails', { connection: t.connection }).add('welcome', {});
  await t.advance('2s');

  expect(told).toEqual([]);
});

test('what gives a hint is told without any time passing, the rest within a second', async () => {
  const told = await listen();
  const job = await queue.add('sum', {});
  await settle();
  expect(kinds(told)).toEqual(['added']);
  await t.advance('1m');
  await job.updateProgress(1);
  await t.advance('1s');

  expect(kinds(told)).toEqual(['added', 'progress']);
});

test('the feed is not read for jobs that are only on their way', async () => {
  let reads = 0;
  const heard: ((hint: Hint) => void)[] = [];
  const store: Store = {
    ...t.store,
    feed: (request) => {
      reads += 1;
      return t.store.feed(request);
    },
    watch: async (_queues, onNews) => {
      heard.push(onNews);
      return () => {};
    },
  };
  const hasty = new QueueEvents('orders', { connection: { ...t.connection, store } });
  await listen(hasty);
  await settle();
  const before = reads;
  for (const tell of heard) tell({ queue: 'orders', news: 'coming' });
  await settle();
  expect(reads).toBe(before);
  for (const tell of heard) tell({ queue: 'orders', news: 'taken' });
  await settle();

  expect(reads).toBe(before + 1);
  await hasty.close();
});

test('nothing is missed when every hint is lost', async () => {
  const store: Store = { ...t.store, watch: async () => () => {} };
  const deaf = new QueueEvents('orders', { connection: { ...t.connection, store } });
  const told = await listen(deaf);
  await t.advance('1m');
  await queue.add('a', {});
  await end({ to: 'completed', result: null });
  await t.advance('1s');

  expect(kinds(told)).toEqual(['added', 'active', 'completed']);
  await deaf.close();
});

test('more events than fit one page come all, without waiting between the pages', async () => {
  const cursor = await listen().then(() => events.cursor ?? Number.NaN);
  for (let slice = 0; slice < 3; slice++) {
    await queue.addBulk(Array.from({ length: 900 }, (_, data) => ({ name: 'a', data })));
  }
  const store: Store = { ...t.store, watch: async () => () => {} };
  const late = new QueueEvents('orders', { connection: { ...t.connection, store }, after: cursor });
  const told = await listen(late);
  await settle();

  expect(told).toHaveLength(2_700);
  await late.close();
});

describe('cursor', () => {
  test('another listener goes on where this one was, and misses nothing', async () => {
    const before = await listen();
    await queue.add('a', {});
    await settle();
    const cursor = events.cursor ?? Number.NaN;
    await events.close();
    await queue.add('b', {});
    await queue.add('c', {});
    const next = new QueueEvents('orders', { connection: t.connection, after: cursor });
    const after = await listen(next);
    await settle();

    expect(kinds(before)).toEqual(['added']);
    expect(after.map((event) => 'name' in event && event.name)).toEqual(['b', 'c']);
    await next.close();
  });

  test('one whose changes are no longer there is told of the gap first', async () => {
    await listen();
    await queue.add('a', {});
    await settle();
    const cursor = events.cursor ?? Number.NaN;
    await events.close();
    await t.advance('2h');
    await queue.add('b', {});
    const next = new QueueEvents('orders', { connection: t.connection, after: cursor });
    const told = await listen(next);
    await queue.add('c', {});
    await settle();

    expect(kinds(told)).toEqual(['gap', 'added']);
    await next.close();
  });
});

describe('as a loop', () => {
  test('events come one by one, at the pace of the loop, until it is left', async () => {
    const seen: string[] = [];
    const loop = (async () => {
      for await (const event of events) {
        if ('name' in event) seen.push(event.name);
        if (seen.length === 2) break;
      }
    })();
    await settle();
    for (const name of ['a', 'b', 'c']) await queue.add(name, {});
    await loop;

    expect(seen).toEqual(['a', 'b']);
    expect(t.clock.timers).toBe(0);
  });

  test('closing ends the loop', async () => {
    const loop = (async () => {
      for await (const _event of events);
      return 'left';
    })();
    await settle();
    await events.close();

    expect(await loop).toBe('left');
    expect(t.clock.timers).toBe(0);
  });

  test('an event counts as seen when the loop comes back for the next one', async () => {
    const iterator = events[Symbol.asyncIterator]();
    const first = iterator.next();
    await settle();
    await queue.add('a', {});
    await queue.add('b', {});
    const { value } = await first;
    expect(events.cursor).toBeLessThan((value as AnyQueueEvent).cursor);
    await iterator.next();

    expect(events.cursor).toBe((value as AnyQueueEvent).cursor);
    await iterator.return(undefined);
  });
});

describe('a store that fails', () => {
  test('is told once as an error, and nothing is missed when it is back', async () => {
    let away = false;
    const feed = async (request: FeedRequest): ReturnType<Store['feed']> => {
      if (away) throw new StoreUnavailableError('away');
      return t.store.feed(request);
    };
    const shaky = new QueueEvents('orders', { connection: { ...t.connection, store: { ...t.store, feed } } });
    const errors: Error[] = [];
    shaky.on('error', (error) => errors.push(error));
    const told = await listen(shaky);
    away = true;
    await queue.add('a', {});
    await t.advance('20s');
    away = false;
    await t.advance('10s');

    expect(errors).toHaveLength(1);
    expect(kinds(told)).toEqual(['added']);
    await shaky.close();
  });

  test('for good is told to whoever waits, and can be tried again', async () => {
    let broken = true;
    const feed = async (request: FeedRequest): ReturnType<Store['feed']> => {
      if (broken) throw new DriverMissingError('no driver');
      return t.store.feed(request);
    };
    const hopeful = new QueueEvents('orders', {
      connection: { ...t.connection, store: { ...t.store, feed } },
    });
    const errors: Error[] = [];
    hopeful.on('error', (error) => errors.push(error));
    await expect(hopeful.waitUntilReady()).rejects.toThrow(DriverMissingError);
    expect(errors).toHaveLength(1);
    broken = false;
    const told = await listen(hopeful);
    await queue.add('a', {});
    await settle();

    expect(kinds(told)).toEqual(['added']);
    await hopeful.close();
  });
});

describe('close', () => {
  test('is safe twice and before any listener, and leaves no timer', async () => {
    await listen();
    await Promise.all([events.close(), events.close()]);
    await new QueueEvents('orders', { connection: t.connection }).close();

    expect(t.clock.timers).toBe(0);
    await expect(events.waitUntilReady()).rejects.toThrow(ClosedError);
  });

  test('in the middle of a page ends the loop without an error', async () => {
    const own = new QueueEvents('orders', { connection: 'memory:closing-loop' });
    const other = new Queue('orders', { connection: 'memory:closing-loop' });
    const seen: string[] = [];
    const loop = (async () => {
      for await (const event of own) {
        seen.push(event.kind);
        await own.close();
      }
    })();
    await settle();
    await other.addBulk(Array.from({ length: 5 }, (_, data) => ({ name: 'a', data })));
    await other.close();

    await expect(loop).resolves.toBeUndefined();
    expect(seen).toEqual(['added']);
  });

  test('nothing is told after it', async () => {
    const told = await listen();
    await events.close();
    await queue.add('a', {});
    await t.advance('5s');

    expect(told).toEqual([]);
  });
});

test('a listener that throws is told as an error and stops nobody', async () => {
  const told: string[] = [];
  const errors: Error[] = [];
  events.on('error', (error) => errors.push(error));
  events.on('added', () => {
    throw new Error('mine');
  });
  events.on('added', ({ name }) => told.push(name));
  await events.waitUntilReady();
  await queue.add('a', {});
  await queue.add('b', {});
  await settle();

  expect(told).toEqual(['a', 'b']);
  expect(errors.map(({ message }) => message)).toEqual(['mine', 'mine']);
});

test('names and options that make no sense are refused', () => {
  expect(() => new QueueEvents('no queue', { after: -1, conection: 1 } as never)).toThrow(InvalidOptionError);
  expect(() => new QueueEvents('no queue', { after: -1, conection: 1 } as never)).toThrow(/"connection"/);
});

test('a loop that begins some time after waitUntilReady tells what has happened since', async () => {
  await events.waitUntilReady();
  await queue.add('sum', {}, { jobId: 'j' });
  await t.advance('5s');

  const told: string[] = [];
  for await (const event of events) {
    told.push(event.kind);
    break;
  }

  expect(told).toEqual(['added']);
});
