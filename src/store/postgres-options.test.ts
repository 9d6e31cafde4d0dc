import { describe, expect, test } from 'vitest';
import { InvalidOptionError } from '../errors.ts';
import { isPool, type PostgresOptions, postgresPlace } from './postgres-options.ts';

const problemsOf = (options: object): string => {
  try {
    postgresPlace(options as PostgresOptions);
  } catch (error) {
    if (error instanceof InvalidOptionError) return error.message;
  }
  return 'none';
};

const POOL = { connect: async () => ({}), query: () => 0, end: async () => {}, on: () => 0, totalCount: 0 };

describe('options', () => {
  test('have defaults', () => {
    expect(postgresPlace({ host: 'db', database: 'shop' })).toMatchObject({
      ...{ url: 'postgres://db/shop', schema: 'millrace', poolSize: 4, listen: true, migrate: true },
      client: { host: 'db', database: 'shop' },
    });
  });

  test.each([
    [{ shcema: 'x' }, 'Did you mean "schema"?'],
    [{ schema: 'pg_jobs' }, 'not with "pg_"'],
    [{ schema: 'a"b' }, 'letters, digits'],
    [{ poolSize: 0 }, 'from 1 to 1000'],
    [{ durability: 'disc' }, 'Did you mean "disk"?'],
    [{ connectionString: 'mysql://x' }, 'postgres://user@host'],
    [{ listen: 'yes' }, 'postgres://user@host'],
    [{ pool: POOL, host: 'db' }, 'has no effect beside "pool"'],
    [{ pool: {} }, 'must have the method'],
    [{ connectionString: 'postgres://db/x?poolSize=many' }, 'poolSize'],
  ])('%j are refused', (options, message) => {
    expect(problemsOf(options)).toContain(message);
  });
});

describe('a URL', () => {
  test('may carry options of the store, and those of the driver stay in it', () => {
    const url = 'postgresql://ada:secret@db:6432/shop?sslmode=require&schema=jobs&poolSize=9&listen=false';
    const place = postgresPlace({ connectionString: url });

    expect(place).toMatchObject({ schema: 'jobs', poolSize: 9, listen: false });
    expect(place.client).toEqual({
      connectionString: 'postgresql://ada:secret@db:6432/shop?sslmode=require',
    });
  });

  test('gives way to what is said beside it', () => {
    expect(postgresPlace({ connectionString: 'postgres://db/x?schema=a', schema: 'b' }).schema).toBe('b');
  });
});

describe('a password', () => {
  const SECRETS: object[] = [
    { connectionString: 'postgres://ada:secret@db/shop' },
    { connectionString: 'postgres://ada:se@cret@db/shop?password=secret' },
    { host: 'db', user: 'ada', password: 'secret' },
    { pool: { ...POOL, options: { connectionString: 'postgres://ada:secret@db/shop' } } },
  ];

  test.each(SECRETS)('never gets into the name of the place (%#)', (options) => {
    const { url } = postgresPlace(options as PostgresOptions);

    expect(url).toContain('ada@db');
    expect(url).not.toContain('cret');
  });

  test('does not when it has characters that no URL may have', () => {
    expect(postgresPlace({ connectionString: 'postgres://ada:se?cret@db/shop' }).url).toBe('postgres://ada/');
  });

  test.each([{ connectionString: 'postgers://ada:secret@db/shop' }, { password: 7, host: 'secret' }])(
    'nor into the refusal of what it stands in (%#)',
    (options) => {
      expect(problemsOf(options)).not.toContain('secret');
    },
  );
});

test('a pool is told from one client, which could serve one transaction only', () => {
  expect(isPool(POOL)).toBe(true);
  expect(isPool({ ...POOL, totalCount: undefined })).toBe(false);
});
