import type { Bytes, JobRecord } from '../../job/record.ts';

/** What the caller gave is copied on the way in, so that nothing done to it later reaches the store. */
export function own<T>(value: T): T {
  return copy(value) as T;
}

function copy(value: unknown): unknown {
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (Array.isArray(value)) return Object.freeze(value.map(copy));
  if (typeof value !== 'object' || value === null) return value;
  // Object.fromEntries defines properties, so that a key `__proto__` is data like any other.
  return Object.freeze(Object.fromEntries(Object.entries(value).map(([key, member]) => [key, copy(member)])));
}

/** The record as it goes out. All but its bytes is frozen already. */
export function give(record: JobRecord): JobRecord {
  return {
    ...record,
    body: new Uint8Array(record.body),
    progress: giveBytes(record.progress),
    result: giveBytes(record.result),
  };
}

export function giveBytes(bytes: Bytes | null): Bytes | null {
  return bytes === null ? null : new Uint8Array(bytes);
}
