import { describe, expect, test } from 'vitest';
import { EnvironmentError } from '../../errors.ts';
import { type PostgresOptions, postgresPlace } from '../postgres-options.ts';
import { checkFacts, durabilityOf, type Facts } from './open.ts';

const SAFE: Facts = {
  version: 150_004,
  fsync: true,
  fullPageWrites: true,
  synchronousCommit: 'on',
  standbys: '',
  isStandby: false,
  role: 'app',
  nowMs: 0,
};

describe('durability is read off the settings of the server', () => {
  test.each<[Partial<Facts>, string]>([
    [{}, 'disk'],
    [{ synchronousCommit: 'local' }, 'disk'],
    [{ synchronousCommit: 'local', standbys: 'b' }, 'disk'],
    [{ fsync: false }, 'os'],
    [{ fullPageWrites: false }, 'os'],
    [{ synchronousCommit: 'off', standbys: 'b' }, 'os'],
    [{ standbys: 'b' }, 'replicated'],
    [{ standbys: 'b', synchronousCommit: 'remote_apply' }, 'replicated'],
  ])('%j is %s', (settings, level) => {
    expect(durabilityOf({ ...SAFE, ...settings }).level).toBe(level);
  });
});

describe('a level that the server does not give is refused, with the setting named', () => {
  const check = (settings: Partial<Facts>, durability: PostgresOptions['durability']): void => {
    checkFacts({ ...SAFE, ...settings }, postgresPlace({ host: 'db', ...(durability && { durability }) }));
  };

  test.each<[Partial<Facts>, 'disk' | 'replicated', string]>([
    [{ fsync: false }, 'disk', 'Change `fsync` to on.'],
    [{ synchronousCommit: 'off' }, 'disk', 'Change `synchronous_commit` to on.'],
    [{}, 'replicated', 'Name a standby in `synchronous_standby_names`.'],
  ])('%j for %s', (settings, level, advice) => {
    expect(() => check(settings, level)).toThrow(EnvironmentError);
    expect(() => check(settings, level)).toThrow(advice);
    expect(() => check(settings, undefined)).not.toThrow();
  });

  test('and one that it gives, or more than that, is not', () => {
    expect(() => check({ standbys: 'b' }, 'disk')).not.toThrow();
  });
});

test('a server that is too old is refused', () => {
  expect(() => checkFacts({ ...SAFE, version: 120_018 }, postgresPlace({ host: 'db' }))).toThrow(/12\.18/);
});
