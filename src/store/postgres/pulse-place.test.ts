import { expect, test } from 'vitest';
import { type PgPool, type PostgresOptions, postgresPlace } from '../postgres-options.ts';
import { type PulsePlace, pulsePlace } from './pulse-place.ts';

const placed = (options: PostgresOptions): PulsePlace => pulsePlace(postgresPlace(options));

/** As the driver's: secrets are there for who asks for them by name, and not for who copies. */
function poolWith(options: object, hidden: Readonly<Record<string, unknown>> = {}): PgPool {
  for (const [name, value] of Object.entries(hidden)) {
    Object.defineProperty(options, name, { value, enumerable: false });
  }
  const no = async (): Promise<never> => Promise.reject(new Error('not asked'));
  return {
    options,
    totalCount: 0,
    connect: no,
    query: no,
    end: no,
    on: () => undefined,
  } as unknown as PgPool;
}

test('what is said by data crosses to a thread, with one connection and nothing that is asked for twice', () => {
  const way = placed({ host: 'db', user: 'app', schema: 'jobs', poolSize: 9, durability: 'disk' });

  expect(way).toMatchObject({
    place: { client: { host: 'db', user: 'app' }, schema: 'jobs', poolSize: 1, pool: null, listen: false },
    password: null,
  });
  expect(way).toMatchObject({ place: { migrate: false, durability: null } });
});

test('of a pool of the application its connection is known, the password included that it hides', () => {
  const pool = poolWith(
    { host: 'db', max: 3, ssl: { ca: 'c' }, log: () => undefined },
    { password: 'secret' },
  );
  Object.defineProperty((pool as unknown as { options: { ssl: object } }).options.ssl, 'key', {
    ...{ value: 'k', enumerable: false },
  });

  expect(placed({ pool })).toMatchObject({
    place: { pool: null, client: { host: 'db', password: 'secret', ssl: { ca: 'c', key: 'k' } } },
  });
});

test('a function that answers the password stays where it is, and is told apart from none', () => {
  const password = (): string => 'token';
  const way = placed({ host: 'db', password });

  expect(way).toMatchObject({ place: { client: { host: 'db' } }, password });
});

test.each<[string, PostgresOptions, RegExp]>([
  [
    'ssl with functions',
    { host: 'db', ssl: { checkServerIdentity: () => undefined } },
    /\(ssl\) have functions/,
  ],
  ['a pool that makes its sockets', { pool: poolWith({ host: 'db', stream: () => null }) }, /sockets/],
  [
    'a pool without options',
    { pool: { ...poolWith({}), options: undefined } as unknown as PgPool },
    /options/,
  ],
])('%s cannot cross, and why is said', (_, options, why) => {
  expect(placed(options)).toEqual({ why: expect.stringMatching(why) });
});
