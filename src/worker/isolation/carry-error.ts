/**
 * Errors across the border of a process. Class, message, stack, code, cause and the fields that can be copied come
 * out as they went in; an error of Node or of this package is an instance of its class again, one of the
 * application's own keeps the name of its class.
 */

import * as millrace from '../../errors.ts';

export type Carried =
  | {
      readonly kind: 'error';
      readonly name: string;
      readonly message: string;
      readonly stack: string | null;
      readonly cause: Carried | null;
      readonly errors: readonly Carried[] | null;
      readonly fields: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: 'value'; readonly value: unknown };

/** Causes of causes beyond this are left out; they may lead in a circle. */
const MAX_DEPTH = 8;
const MAX_ERRORS = 20;
const APART = new Set(['name', 'message', 'stack', 'cause', 'errors']);

/** Never throws, whatever it is given. */
export function carryError(thrown: unknown, depth = 0): Carried {
  if (!(thrown instanceof Error)) return { kind: 'value', value: copyOf(thrown) };
  const cause = read(thrown, 'cause');
  const errors = read(thrown, 'errors');
  const deeper = depth < MAX_DEPTH;
  const carried = deeper && Array.isArray(errors) ? errors.slice(0, MAX_ERRORS) : null;
  return {
    kind: 'error',
    name: textOf(thrown, 'name') ?? 'Error',
    message: textOf(thrown, 'message') ?? '',
    stack: textOf(thrown, 'stack'),
    cause: deeper && cause !== undefined ? carryError(cause, depth + 1) : null,
    errors: carried?.map((error) => carryError(error, depth + 1)) ?? null,
    fields: fieldsOf(thrown),
  };
}

export function restoreError(carried: Carried): unknown {
  if (carried.kind === 'value') return carried.value;
  const error = new Error(carried.message);
  const known = classNamed(carried.name);
  if (known !== null) Object.setPrototypeOf(error, known.prototype);
  if (error.name !== carried.name) define(error, 'name', carried.name);
  define(error, 'stack', carried.stack ?? undefined);
  if (carried.cause !== null) define(error, 'cause', restoreError(carried.cause));
  if (carried.errors !== null) define(error, 'errors', carried.errors.map(restoreError));
  for (const [name, value] of Object.entries(carried.fields)) Reflect.set(error, name, value);
  return error;
}

const OF_NODE = [
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
  AggregateError,
];

function classNamed(name: string): { readonly prototype: object } | null {
  const own = Object.hasOwn(millrace, name) ? Reflect.get(millrace, name) : undefined;
  if (typeof own === 'function') return own;
  return OF_NODE.find((each) => each.name === name) ?? null;
}

function define(error: Error, name: string, value: unknown): void {
  Object.defineProperty(error, name, { value, writable: true, configurable: true, enumerable: false });
}

function fieldsOf(error: Error): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const name of Object.keys(error)) {
    if (APART.has(name) || name === '__proto__') continue;
    const value = read(error, name);
    if (canCopy(value)) fields[name] = value;
  }
  return fields;
}

function canCopy(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}

function copyOf(value: unknown): unknown {
  if (canCopy(value)) return value;
  try {
    return String(value);
  } catch {
    return 'a value that cannot be shown as text';
  }
}

function textOf(error: Error, name: string): string | null {
  const value = read(error, name);
  return typeof value === 'string' ? value : null;
}

/** A getter of somebody's error class may throw. */
function read(error: Error, name: string): unknown {
  try {
    return Reflect.get(error, name);
  } catch {
    return undefined;
  }
}
