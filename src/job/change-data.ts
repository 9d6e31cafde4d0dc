import type { Bytes, StoredError } from './record.ts';

/** A change carries this much at most; a larger value is left out, and the reader asks for the job. */
export const MAX_CHANGE_BYTES: number = 64 * 1024;

export function changeData(value: Bytes | null): Bytes | null {
  return value === null || value.byteLength > MAX_CHANGE_BYTES ? null : value;
}

/** The error as JSON, its fields in one order, so that every store tells it in the same bytes. */
export function errorData(error: StoredError): Bytes | null {
  const { name, message, stack, code, fingerprint } = error;
  return changeData(new TextEncoder().encode(JSON.stringify({ name, message, stack, code, fingerprint })));
}
