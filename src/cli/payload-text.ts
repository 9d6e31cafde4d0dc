/**
 * Payloads that come as text. They are checked as JSON and stored as they were written, so that numbers beyond 2^53
 * keep their digits.
 */

import { InvalidPayloadError, LimitExceededError } from '../errors.ts';
import { MAX_JSON_DEPTH } from '../job/limits.ts';
import type { Bytes } from '../job/record.ts';

export interface Payload {
  readonly body: Bytes;
  readonly value: unknown;
}

const encoder = new TextEncoder();

/**
 * @throws InvalidPayloadError when it is not JSON or nested too deep, LimitExceededError when it is too large.
 */
export function readPayload(text: string, maxBytes: number): Payload {
  const body = encoder.encode(text.trim());
  if (body.byteLength > maxBytes) {
    throw new LimitExceededError(
      `the payload is ${body.byteLength} bytes long, more than ${maxBytes}. Raise --max-bytes (64 MiB at most).`,
    );
  }
  const value = parse(text);
  if (isDeeper(value, MAX_JSON_DEPTH)) {
    throw new InvalidPayloadError('payload', `is nested more than ${MAX_JSON_DEPTH} levels deep`);
  }
  return { body, value };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new InvalidPayloadError('payload', `is not JSON: ${detail}`, { cause });
  }
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  return Object.values(value).some((member) => isDeeper(member, levels - 1));
}

/** The value at a path such as `order.id`, as an id: a string, or a number that is kept exactly. */
export function idAt(value: unknown, path: readonly string[]): string {
  let found = value;
  for (const key of path) {
    const inside = typeof found === 'object' && found !== null && Object.hasOwn(found, key);
    found = inside ? (found as Record<string, unknown>)[key] : undefined;
  }
  if (typeof found === 'string') return found;
  if (Number.isSafeInteger(found)) return String(found);
  const name = path.join('.');
  if (typeof found === 'number')
    throw new InvalidPayloadError(name, 'is no exact whole number; write it as a string');
  throw new InvalidPayloadError(name, 'is no string or number, so it cannot be the id');
}
