import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ClosedError, InvalidOptionError, StoreUnavailableError } from '../errors.ts';
import type { Effect, Store } from '../store/store.ts';
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

/** As a caller without types would. */
const untyped = (value: unknown): never => value as never;

describe('new Queue', () => {
  test('writes nothing before the first call', async () => {
    named('other', { retention: { completed: { count: 5 } } });

    expect(await t.store.queues()).toEqual([]);
  });

  test('tells everything that is wrong with its name and options at once', () => {
    const options = untyped({
      connection: t.connection,
      retension: {},
      retention: { completed: { age: 'soon', count: -1 }, finished: {} },
      delivery: 'exactly-once',
      defaultJobOptions: { jobId: 'x', attempts: 0 },
      schemas: { welcome: { data: {} } },
      propagation: {},
    });
    const problems = problemsOf(() => new Queue('no queue', options));

    expect(problems).toEqual([
      'name',
      'options.retension',
      'options.retention.completed.age',
      'options.retention.completed.count',
      'options.retention.finished',
      'options.delivery',
      'options.defaultJobOptions.jobId',
      'options.defaultJobOptions.attempts',
      'options.schemas.welcome.data',
      'options.propagation',
    ]);
  });

  test('takes the options of a worker that stand beside its own in guides', () => {
    expect(() => named('other', { limiter: { max: 100, duration: 60_000 } })).not.toThrow();
  });

  test.each([null, 'x', 7])('refuses %j as options', (options) => {
    expect(problemsOf(() => new Queue('orders', untyped(options)))).toEqual(['options']);
  });
});

function problemsOf(call: () => unknown): string[] {
  try {
    call();
    return [];
  } catch (error) {
    if (error instanceof InvalidOptionError) return error.problems.map(({ path }) => path);
    throw error;
  }
}

describe('settings of the queue', () => {
  test('from the options are in the store before the first job, and are written once', async () => {
    const written = countEffects(t.store);
    const mails = new Queue('mails', {
      connection: { ...t.connection, store: written.store },
      retention: { completed: { age: '7d', count: null }, failed: { age: 60 } },
      ...{ delivery: 'at-most-once', maxCrashes: 1, deadLetterQueue: 'dead', objective: '5s', feed: 'on' },
    });
    await Promise.all([mails.add('a', 1), mails.add('b', 2), mails.getJobCounts()]);
    await mails.add('c', 3);

    expect(written.ops[0]).toBe('configure');
    expect(written.ops.slice(1)).toEqual(['add', 'add', 'add']);
    expect((await mails.summary()).settings).toEqual({
      ...{ paused: false, delivery: 'at-most-once', maxCrashes: 1, deadLetterQueue: 'dead' },
      ...{ objectiveMs: 5_000, feed: 'on' },
      retention: {
        completed: { ageMs: 604_800_000, count: null },
        failed: { ageMs: 60_000, count: null },
        cancelled: { ageMs: 86_400_000, count: 10_000 },
      },
    });
  });

  test('that could not be written are written by the next call', async () => {
    const flaky = failing(t.store, 6);
    const mails = new Queue('mails', { connection: { ...t.connection, store: flaky }, maxCrashes: 7 });
    const refused = expect(mails.add('a', 1)).rejects.toThrow(StoreUnavailableError);
    await t.advance('1m');
    await refused;
    await mails.add('a', 1);

    expect((await mails.summary()).settings.maxCrashes).toBe(7);
  });

  test('can be changed later, and what is left out stays', async () => {
    await queue.configure({ maxCrashes: 9, retention: { failed: { age: null } } });
    const settings = await queue.configure({ deadLetterQueue: 'dead' });

    expect(settings).toMatchObject({ maxCrashes: 9, deadLetterQueue: 'dead' });
    expect(settings.retention.failed).toEqual({ ageMs: null, count: null });
    await expect(queue.configure(untyped({ maxCrash: 1 }))).rejects.toThrow(/Did you mean "maxCrashes"/);
  });
});

describe('close', () => {
  test('waits for the calls that are under way, may come twice, and refuses calls after it', async () => {
    const mails = new Queue('mails', { connection: 'memory:close-test', maxCrashes: 4 });
    const watcher = new Queue('mails', { connection: 'memory:close-test' });
    const added = [mails.add('a', 1), mails.add('b', 2), mails.addBulk([{ name: 'c', data: 3 }])];
    await Promise.all([mails.close(), mails.close()]);

    await expect(Promise.all(added)).resolves.toHaveLength(3);
    expect(await watcher.getJobCounts('waiting')).toEqual({ waiting: 3 });
    await expect(mails.add('d', 4)).rejects.toThrow(ClosedError);
    await mails.close();
    await watcher.close();
  });

  test('of the last user of a store lets every call through that was made before it', async () => {
    const mails = new Queue('mails', { connection: 'memory:last-user', maxCrashes: 4 });
    const added = [mails.add('a', 1), mails.addBulk([{ name: 'b', data: 2 }])];
    await mails.close();

    await expect(Promise.all(added)).resolves.toHaveLength(2);
  });

  test('leaves open a store that was passed in', async () => {
    await queue.close();

    expect(await t.store.queues()).toEqual([]);
  });

  test('comes by itself at the end of a block', async () => {
    let used: Queue;
    {
      await using mails = named('mails');
      used = mails;
      await mails.add('a', 1);
    }

    await expect(used.add('b', 2)).rejects.toThrow(ClosedError);
  });
});

/** The same store, its effects written down. */
function countEffects(store: Store): { readonly store: Store; readonly ops: string[] } {
  const ops: string[] = [];
  const apply: Store['apply'] = (effects, options) => {
    ops.push(...effects.map(({ op }: Effect) => op));
    return store.apply(effects, options);
  };
  return { store: { ...store, apply }, ops };
}

/** The same store, away for the first `times` calls of apply. */
function failing(store: Store, times: number): Store {
  let left = times;
  const apply: Store['apply'] = async (effects, options) => {
    if (left-- > 0) throw new StoreUnavailableError('away');
    return store.apply(effects, options);
  };
  return { ...store, apply };
}
