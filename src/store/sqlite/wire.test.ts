import { describe, expect, it } from 'vitest';
import {
  DriverMissingError,
  EnvironmentError,
  InvalidOptionError,
  LimitExceededError,
  SchemaVersionError,
  StoreCorruptError,
  StoreFullError,
  StoreUnavailableError,
  UnsupportedError,
} from '../../errors.ts';
import { decodeError, encodeError } from './wire.ts';

const across = (error: unknown): Error => decodeError(structuredClone(encodeError(error)));

describe('an error that crosses the thread', () => {
  it.each([
    new DriverMissingError('install it'),
    new EnvironmentError('not here'),
    new LimitExceededError('too much'),
    new SchemaVersionError('too new'),
    new StoreCorruptError('damaged'),
    new StoreFullError('full'),
    new StoreUnavailableError('later'),
    new UnsupportedError('never'),
  ])('keeps its class, code and message: $name', (error) => {
    const arrived = across(error);

    expect(arrived).toBeInstanceOf(error.constructor);
    expect(arrived).toMatchObject({ name: error.name, code: error.code, message: error.message });
  });

  it('keeps its problems', () => {
    const error = new InvalidOptionError('the page', [{ path: 'cursor', message: 'is wrong' }]);

    const arrived = across(error);

    expect(arrived).toBeInstanceOf(InvalidOptionError);
    expect(arrived).toMatchObject({ message: error.message, problems: error.problems });
  });

  it('keeps its cause', () => {
    const arrived = across(new StoreUnavailableError('later', { cause: new RangeError('the reason') }));

    expect(arrived.cause).toMatchObject({ name: 'RangeError', message: 'the reason' });
  });

  it('keeps the stack of a fault of our own', () => {
    const fault = new TypeError('undefined is not a function');

    expect(across(fault)).toMatchObject({ name: 'TypeError', message: fault.message, stack: fault.stack });
  });

  it('is an error even if what was thrown is none', () => {
    expect(across('oops')).toMatchObject({ name: 'Error', message: 'oops' });
  });
});
