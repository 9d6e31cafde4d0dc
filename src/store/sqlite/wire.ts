/** Errors on their way out of the engine thread, where classes do not survive. */

import {
  DriverMissingError,
  EnvironmentError,
  InvalidOptionError,
  LimitExceededError,
  MillraceError,
  type Problem,
  SchemaVersionError,
  StoreCorruptError,
  StoreFullError,
  StoreUnavailableError,
  UnsupportedError,
} from '../../errors.ts';

export interface WireError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | null;
  readonly problems: readonly Problem[] | null;
  readonly cause: WireError | null;
}

const CLASSES = {
  DriverMissingError,
  EnvironmentError,
  LimitExceededError,
  SchemaVersionError,
  StoreCorruptError,
  StoreFullError,
  StoreUnavailableError,
  UnsupportedError,
} as const;

export function encodeError(error: unknown): WireError {
  if (!(error instanceof Error)) {
    return { name: 'Error', message: String(error), stack: null, problems: null, cause: null };
  }
  return {
    name: error.name,
    message: error.message,
    stack: error instanceof MillraceError ? null : (error.stack ?? null),
    problems: error instanceof InvalidOptionError ? error.problems : null,
    cause: error.cause === undefined ? null : encodeError(error.cause),
  };
}

export function decodeError(wire: WireError): Error {
  if (wire.problems !== null) {
    const [subject = ''] = wire.message.split(' is not valid:');
    return new InvalidOptionError(subject, wire.problems);
  }
  const cause = wire.cause === null ? undefined : { cause: decodeError(wire.cause) };
  if (isKnown(wire.name)) return withCause(new CLASSES[wire.name](wire.message), cause);
  const error = withCause(new Error(wire.message), cause);
  error.name = wire.name;
  // Where it happened is in the engine; the stack of this side would say nothing.
  if (wire.stack !== null) error.stack = wire.stack;
  return error;
}

function isKnown(name: string): name is keyof typeof CLASSES {
  return Object.hasOwn(CLASSES, name);
}

function withCause(error: Error, options: { cause: Error } | undefined): Error {
  if (options !== undefined)
    Object.defineProperty(error, 'cause', { value: options.cause, configurable: true });
  return error;
}
