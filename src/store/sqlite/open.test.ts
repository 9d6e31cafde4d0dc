import { describe, expect, it } from 'vitest';
import { EnvironmentError } from '../../errors.ts';
import { Database } from './database.ts';
import type { DriverConnection } from './driver.ts';
import { durabilityOf, type Facts, setSynchronous } from './open.ts';

/** A build of SQLite that stays at its own level whatever it is told. */
function stubborn(synchronous: number): Database {
  const statement = { run: () => ({ changes: 0 }), get: () => ({ synchronous }), all: () => [] };
  const connection: DriverConnection = {
    prepare: () => statement,
    exec: () => undefined,
    close: () => undefined,
  };
  return new Database(connection);
}

const facts = (some: Partial<Facts>): Facts => ({
  ...{ path: '/nowhere/x.db', driver: 'a driver', version: '3.53.0', journalMode: 'wal' },
  ...{ synchronous: 2, fileSystem: 'local' },
  ...some,
});

describe('the durability of a database', () => {
  it.each([0, 1])('is refused when the connection stays at synchronous = %i', (level) => {
    expect(() => setSynchronous(stubborn(level), false)).toThrow(EnvironmentError);
    expect(() => setSynchronous(stubborn(level), false)).toThrow(
      new RegExp(`synchronous = ${level} where 2 was asked for`),
    );
  });

  it.each([2, 3])('is accepted at synchronous = %i', (level) => {
    expect(setSynchronous(stubborn(level), false)).toBe(level);
  });

  it('is told as no better than the connection reports', () => {
    expect(durabilityOf(facts({})).level).toBe('disk');
    expect(durabilityOf(facts({ synchronous: 1 })).level).toBe('os');
    expect(durabilityOf(facts({ fileSystem: 'memory' })).level).toBe('os');
    expect(durabilityOf(facts({ path: ':memory:' })).level).toBe('memory');
  });
});
