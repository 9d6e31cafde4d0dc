import { resolve } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Connection, connect, DEFAULT_URL } from './connect.ts';
import { ClosedError, InvalidOptionError } from './errors.ts';
import { clientFor } from './queue/client.ts';
import { memoryStore } from './store/memory/index.ts';
import { postgresStore } from './store/postgres/index.ts';
import { sqliteStore } from './store/sqlite/index.ts';
import { FakeClock } from './testing/fake-clock.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

const MAKE = { op: 'configure', queue: 'q', patch: {} } as const;

test('nothing is opened before the first call', async () => {
  const shared = connect('sqlite:./there/is/no/such/folder/x.db');

  expect(shared.store.kind).toBe('sqlite');
  await shared.release();
});

describe('the same place', () => {
  test('named twice is one store, closed with the last hold on it', async () => {
    const [first, second] = [connect('memory:same'), connect('memory:same')];
    expect(second.store).toBe(first.store);
    await first.store.apply([MAKE]);
    await first.release();
    await first.release();
    expect(await second.store.queues()).toHaveLength(1);
    await second.release();

    await expect(second.store.queues()).rejects.toThrow(ClosedError);
    const anew = connect('memory:same');
    expect(await anew.store.queues()).toEqual([]);
    await anew.release();
  });

  test('is recognised however its path is written', async () => {
    const path = resolve('x.db');
    const shared = [
      `sqlite:x.db`,
      `sqlite:./x.db`,
      `sqlite:./y/../x.db`,
      `sqlite:${path}`,
      `sqlite://${path}`,
    ].map((url) => connect(url));

    expect(new Set(shared.map(({ store }) => store)).size).toBe(1);
    await Promise.all(shared.map(({ release }) => release()));
  });

  test('in memory without a name belongs to one alone', async () => {
    const [first, second] = [connect('memory:'), connect('memory:')];

    expect(first.store).not.toBe(second.store);
    expect(connect('sqlite::memory:').store).not.toBe(connect('sqlite::memory:').store);
    await Promise.all([first.release(), second.release()]);
  });
});

describe('without a connection', () => {
  test('the environment says where', async () => {
    vi.stubEnv('MILLRACE_URL', 'memory:from-environment');
    const [first, second] = [connect(), connect('memory:from-environment')];

    expect(first.store).toBe(second.store);
    await Promise.all([first.release(), second.release()]);
  });

  test.each([undefined, ''])('and with MILLRACE_URL %j jobs are kept in the working folder', async (url) => {
    vi.stubEnv('MILLRACE_URL', url);
    const shared = connect();

    expect(shared.url).toBe(DEFAULT_URL);
    await shared.release();
  });
});

describe('a store that was passed in', () => {
  test('is not closed, and everyone who is given it shares one client', async () => {
    const store = memoryStore();
    const clock = new FakeClock();
    const [bare, wrapped] = [connect(store), connect({ store, clock })];

    expect(bare.store).toBe(wrapped.store);
    expect(wrapped.clock).toBe(clock);
    expect(clientFor(bare)).toBe(clientFor(wrapped));
    await bare.release();
    expect(await store.queues()).toEqual([]);
  });

  test('without its guard gets one, the same for all', async () => {
    const { kind, can, ...verbs } = memoryStore();
    const bare = { kind, can, ...verbs };

    expect(connect(bare).store).toBe(connect({ store: bare }).store);
  });
});

test('a store that was opened by URL may be passed on, and is the same store', async () => {
  const shared = connect('memory:passed-on');

  expect(connect({ store: shared.store }).store).toBe(shared.store);
  await shared.release();
});

test('what a store can do is known before it is open, and is what the store itself says', async () => {
  const stores = [
    [connect('memory:'), memoryStore()],
    [connect('sqlite::memory:'), sqliteStore({ path: ':memory:' })],
    [connect('sqlite:x.db'), sqliteStore({ path: 'x.db' })],
    [connect('postgres://db/x'), postgresStore({ connectionString: 'postgres://db/x' })],
  ] as const;
  for (const [shared, store] of stores) {
    expect(shared.store.can).toEqual(store.can);
    await shared.release();
  }
});

describe('a PostgreSQL server', () => {
  const pool = { connect: async () => ({}), query: () => 0, end: async () => {}, on: () => 0, totalCount: 0 };
  const held = async (...connections: unknown[]): Promise<number> => {
    const shared = connections.map((connection) => connect(connection as Connection));
    await Promise.all(shared.map(({ release }) => release()));
    return new Set(shared.map(({ store }) => store)).size;
  };

  test('named twice is one store, by URL, by options and by pool', async () => {
    expect(await held('postgres://db/x', 'postgres://db/x', { connectionString: 'postgres://db/x' })).toBe(1);
    expect(await held({ host: 'db', schema: 'a' }, { schema: 'a', host: 'db' })).toBe(1);
    expect(await held(pool, pool, { pool })).toBe(1);
  });

  test('is another store in another schema, with another password, and on another pool', async () => {
    expect(await held('postgres://db/x', 'postgres://db/x?schema=b', 'postgres://u:p@db/x')).toBe(3);
    expect(await held({ host: 'db', password: () => 'a' }, { host: 'db', password: () => 'b' })).toBe(2);
    expect(await held(pool, { ...pool })).toBe(2);
  });

  test('is named without its password', async () => {
    const shared = connect('postgres://ada:secret@db/x');
    expect(shared.url).toBe('postgres://ada@db/x');
    await shared.release();
    expect(() => connect('postgers://ada:secret@db/x')).toThrow(/ada:\*\*\*@db/);
  });

  test('with a misspelt option is refused, with what may have been meant', () => {
    expect(() => connect({ host: 'db', shema: 'x' } as never)).toThrow(/Did you mean "schema"/);
  });
});

describe('a Redis server', () => {
  test('is the same store however it is given, and is not connected to before the first call', async () => {
    const shared = connect('redis://ada:secret@nowhere:6380/2?namespace=shop');
    const same = connect({ redis: 'redis://ada:secret@nowhere:6380/2?namespace=shop' });

    expect(shared.store).toBe(same.store);
    expect(shared.url).toBe('redis://nowhere:6380/2?namespace=shop');
    await Promise.all([shared.release(), same.release()]);
  });

  test('with a misspelt option is refused, with what may have been meant', () => {
    expect(() => connect({ redis: 'redis://db', namespase: 'x' } as never)).toThrow(
      /Did you mean "namespace"/,
    );
  });
});

test.each(['', 'x.db', 'mysql://localhost', 'sqlite:', 'sqlite://host/x.db', 7, null, {}, { store: {} }])(
  '%j is refused as a connection',
  (connection) => {
    vi.stubEnv('MILLRACE_URL', connection === null || connection === '' ? 'nonsense' : undefined);
    expect(() => connect(connection as never)).toThrow(InvalidOptionError);
  },
);
