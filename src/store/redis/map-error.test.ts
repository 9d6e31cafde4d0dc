import { describe, expect, test } from 'vitest';
import {
  EnvironmentError,
  type MillraceError,
  StoreCorruptError,
  StoreFullError,
  StoreUnavailableError,
} from '../../errors.ts';
import { isElsewhere, isUnknownScript, toStoreError, wasRefused } from './map-error.ts';

const WHERE = { url: 'redis://db:6379', prefix: '{shop}:' };

test('what a queue with a prefix of its own lacks is said of the namespace', () => {
  const where = { ...WHERE, prefix: '{shop/mails}:', spread: 'queue' } as const;

  const error = toStoreError(new Error('NOPERM this user has no permissions'), where);

  expect(error?.message).toContain('~{shop}:* ~{shop/* &{shop}:*');
});

describe('an error of the server becomes one of ours', () => {
  test.each<[string, new (message: string) => MillraceError, RegExp]>([
    ['LOADING Redis is loading the dataset in memory', StoreUnavailableError, /Nothing of it was written/],
    ["READONLY You can't write against a read only replica.", StoreUnavailableError, /may be repeated/],
    ['CLUSTERDOWN Hash slot not served', StoreUnavailableError, /may be repeated/],
    ['Connection is closed.', StoreUnavailableError, /same request id/],
    ["Socket timeout. Expecting data, but didn't receive any in 1ms.", StoreUnavailableError, /not known/],
    ['Failed to refresh slots cache.', StoreUnavailableError, /cannot be reached/],
    ["OOM command not allowed when used memory > 'maxmemory'.", StoreFullError, /Raise `maxmemory`/],
    ['MISCONF Errors writing to the AOF file: No space left on device', StoreFullError, /Make room/],
    ['WRONGPASS invalid username-password pair', EnvironmentError, /user and the password/],
    ["NOPERM this user has no permissions to run the 'eval' command", EnvironmentError, /~\{shop\}:\*/],
    ['WRONGTYPE Operation against a key holding the wrong kind', StoreCorruptError, /another `namespace`/],
  ])('%s', (said, kind, message) => {
    const given = new Error(said);
    const error = toStoreError(given, WHERE);

    expect(error).toBeInstanceOf(kind);
    expect(error?.message).toMatch(message);
    expect(error?.message).toContain(said);
    expect(error?.cause).toBe(given);
  });

  test('also when it is one of the machine', () => {
    const error = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    expect(toStoreError(error, WHERE)).toBeInstanceOf(StoreUnavailableError);
  });

  test('or not, when it says something about one call', () => {
    expect(toStoreError(new Error('ERR wrong number of arguments'), WHERE)).toBeNull();
    expect(toStoreError(new StoreFullError('x'), WHERE)).toBeNull();
  });

  test('and what Redis 6 says around it does not hide it', () => {
    const said =
      "ERR Error running script (call to f_0): @user_script:1: -OOM command not allowed when used memory > 'maxmemory'.";
    expect(toStoreError(new Error(said), WHERE)).toBeInstanceOf(StoreFullError);
  });
});

test('what was not begun is told from what may have been done', () => {
  expect(wasRefused(new Error('TRYAGAIN Multiple keys request during rehashing of slot'))).toBe(true);
  expect(wasRefused(new Error('Connection is closed.'))).toBe(false);
  expect(isUnknownScript(new Error('NOSCRIPT No matching script.'))).toBe(true);
  expect(isElsewhere(new Error("READONLY You can't write against a read only replica."))).toBe(true);
  expect(isElsewhere(new Error('LOADING Redis is loading'))).toBe(false);
});
