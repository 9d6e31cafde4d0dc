import { describe, expect, test } from 'vitest';
import {
  EnvironmentError,
  type MillraceError,
  StoreCorruptError,
  StoreFullError,
  StoreUnavailableError,
} from '../../errors.ts';
import { breaksConnection, toStoreError } from './map-error.ts';

const WHERE = { url: 'postgres://app@db/shop', schema: 'jobs' };
const withCode = (code: string, message = 'said by the server'): Error =>
  Object.assign(new Error(message), { code });

describe('an error of the server becomes one of ours', () => {
  test.each<[string, new (message: string) => MillraceError, RegExp]>([
    ['ECONNREFUSED', StoreUnavailableError, /cannot be reached/],
    ['57P01', StoreUnavailableError, /Repeat it with the same request id/],
    ['08006', StoreUnavailableError, /cannot be reached/],
    ['53100', StoreFullError, /Make room/],
    ['53300', StoreUnavailableError, /max_connections/],
    ['25006', StoreUnavailableError, /standby/],
    ['40001', StoreUnavailableError, /precedence/],
    ['57014', StoreUnavailableError, /statement_timeout/],
    ['XX001', StoreCorruptError, /damaged/],
    ['28P01', EnvironmentError, /password/],
    ['3D000', EnvironmentError, /refuses/],
    [
      '42501',
      EnvironmentError,
      /grant select, insert, update, delete, truncate on all tables in schema "jobs" to ROLE;/,
    ],
    ['42P01', EnvironmentError, /millrace migrate up/],
  ])('%s', (code, kind, message) => {
    const given = withCode(code);
    const error = toStoreError(given, WHERE);

    expect(error).toBeInstanceOf(kind);
    expect(error?.message).toMatch(message);
    expect(error?.message).toContain('said by the server');
    expect(error?.cause).toBe(given);
  });

  test('or not, when it says something about one call', () => {
    expect(toStoreError(withCode('22P05'), WHERE)).toBeNull();
    expect(toStoreError(new TypeError('x'), WHERE)).toBeNull();
    expect(toStoreError(new StoreFullError('x'), WHERE)).toBeNull();
  });

  test('with the reasons of all addresses of a name that was tried', () => {
    const errors = [withCode('ECONNREFUSED', 'connect ::1'), withCode('ECONNREFUSED', 'connect 127.0.0.1')];
    const error = toStoreError(Object.assign(new AggregateError(errors), { code: 'ECONNREFUSED' }), WHERE);

    expect(error?.message).toContain('connect ::1; connect 127.0.0.1');
  });
});

test('a connection that broke is told from one that may go on', () => {
  expect(breaksConnection(new Error('Connection terminated unexpectedly'))).toBe(true);
  expect(breaksConnection(new Error('Query read timeout'))).toBe(true);
  expect(breaksConnection(withCode('57P01'))).toBe(true);
  expect(breaksConnection(withCode('40P01'))).toBe(false);
});
