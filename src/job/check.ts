/**
 * Checks of single values against `limits.ts`. Pure; each tells `Problems` what is wrong and goes on, so that one
 * call reports everything at once.
 */

import { MAX_ID_BYTES, QUEUE_NAME } from './limits.ts';
import type { Problems } from './problems.ts';
import type { Bytes } from './record.ts';

/** A UTF-16 unit takes at most three bytes of UTF-8: shorter strings need no counting. */
const MAX_BYTES_A_UNIT = 3;

/** Control characters, and surrogates without their partner (with the `u` flag the others are not surrogates). */
const UNPRINTABLE = /[\p{Cc}\p{Cs}]/u;
const LONE_SURROGATE = /\p{Cs}/u;

/** From `min` to `max`, both included. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

export function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function exceedsBytes(text: string, maxBytes: number): boolean {
  return text.length * MAX_BYTES_A_UNIT > maxBytes && Buffer.byteLength(text) > maxBytes;
}

export function checkRecord(problems: Problems, part: string, value: unknown): value is object {
  if (isRecord(value)) return true;
  problems.invalid(part, `must be an object, is ${nameOf(value)}`);
  return false;
}

export function checkQueue(problems: Problems, part: string | number, value: unknown): void {
  if (typeof value === 'string' && QUEUE_NAME.test(value)) return;
  problems.invalid(
    part,
    `must be a queue name: 1 to 80 letters, digits, ".", "_" or "-", the first a letter or digit; is ${nameOf(value)}`,
  );
}

/** What nearly all ids and names are. It is told apart many times faster than by classes of Unicode. */
const PLAIN = /^[ -~]+$/;

/** Ids, keys, job names and whatever else names something: short, printable, not empty. */
export function checkKey(problems: Problems, part: string | number, value: unknown): void {
  if (typeof value !== 'string') problems.invalid(part, `must be a string, is ${nameOf(value)}`);
  else if (value === '') problems.invalid(part, 'must not be empty');
  else if (value.length <= MAX_ID_BYTES && PLAIN.test(value)) return;
  else if (exceedsBytes(value, MAX_ID_BYTES)) problems.invalid(part, `is longer than ${MAX_ID_BYTES} bytes`);
  else if (UNPRINTABLE.test(value)) {
    problems.invalid(part, 'must not contain control characters or lone surrogates');
  }
}

/**
 * Free text: any length up to the limit, but nothing that a store cannot give back as it was: U+0000 and lone
 * surrogates have no place in the text of the SQL stores.
 */
export function checkText(problems: Problems, part: string | number, value: unknown, maxBytes: number): void {
  if (typeof value !== 'string') problems.invalid(part, `must be a string, is ${nameOf(value)}`);
  else if (exceedsBytes(value, maxBytes)) problems.beyond(part, `is longer than ${maxBytes} bytes`);
  else if (value.includes('\0') || LONE_SURROGATE.test(value)) {
    problems.invalid(part, 'must not contain U+0000 or lone surrogates');
  }
}

export function checkInteger(problems: Problems, part: string | number, value: unknown, range: Range): void {
  if (Number.isInteger(value) && (value as number) >= range.min && (value as number) <= range.max) return;
  problems.invalid(part, `must be a whole number from ${range.min} to ${range.max}, is ${nameOf(value)}`);
}

export function checkBoolean(problems: Problems, part: string | number, value: unknown): void {
  if (typeof value !== 'boolean') problems.invalid(part, `must be true or false, is ${nameOf(value)}`);
}

export function checkChoice(
  problems: Problems,
  part: string | number,
  value: unknown,
  choices: readonly string[],
): void {
  if (typeof value === 'string' && choices.includes(value)) return;
  problems.invalid(part, `must be one of ${choices.join(', ')}; is ${nameOf(value)}`);
}

export function checkBytes(problems: Problems, part: string, value: unknown, maxBytes: number): void {
  if (!(value instanceof Uint8Array)) {
    problems.invalid(part, `must be bytes (a Uint8Array), is ${nameOf(value)}`);
    return;
  }
  const length = (value as Bytes).byteLength;
  problems.countPayload(length);
  if (length > maxBytes) problems.beyond(part, `is ${length} bytes long, more than ${maxBytes}`);
}

/** Calls `check` for each entry, within the path of that entry. */
export function checkEach<T>(
  problems: Problems,
  part: string,
  { values, max }: { readonly values: readonly T[]; readonly max: number },
  check: (value: T, index: number) => void,
): void {
  if (!Array.isArray(values)) {
    problems.invalid(part, `must be an array, is ${nameOf(values)}`);
    return;
  }
  if (values.length > max) {
    problems.beyond(part, `has ${values.length} entries, more than ${max}: send them in several calls`);
    return;
  }
  problems.enter(part);
  for (let index = 0; index < values.length; index++) check(values[index] as T, index);
  problems.leave();
}

/** How a wrong value is shown in a message: short, and never its whole content. */
export function nameOf(value: unknown): string {
  if (typeof value === 'string') return value.length > 60 ? `${quote(value.slice(0, 60))}…` : quote(value);
  if (typeof value === 'number' || typeof value === 'boolean' || value == null) return String(value);
  if (typeof value === 'bigint') return 'a bigint';
  return Array.isArray(value) ? 'an array' : `a ${typeof value}`.replace('a object', 'an object');
}

/** JSON quoting also escapes what would move a terminal's cursor. */
function quote(text: string): string {
  return JSON.stringify(text);
}
