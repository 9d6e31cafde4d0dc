import { createHash } from 'node:crypto';
import type { Bytes } from '../job/record.ts';

/** Hashing costs more than all the rest of a line; a body is often seen more than once in a process. */
const known = new WeakMap<Bytes, string>();

/**
 * 64 bits of SHA-256: tells a payload that changed from one that did not, and gives none back. Short payloads can be
 * guessed and compared, which is why histories are kept as logs are.
 */
export function digest(bytes: Bytes): string {
  const before = known.get(bytes);
  if (before !== undefined) return before;
  const made = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
  known.set(bytes, made);
  return made;
}
