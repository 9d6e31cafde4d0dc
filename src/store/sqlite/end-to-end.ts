import type { Bytes } from '../../job/record.ts';

/** Many payloads as one value of a statement, which finds each by where it begins. */
export function endToEnd(parts: readonly Bytes[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}

/** Where a payload lies, as SQLite counts, and how long it is. */
export type Stretch = readonly [begin: number, length: number];

export function stretchesOf(parts: readonly Bytes[]): Stretch[] {
  let begin = 1;
  return parts.map(({ byteLength }) => {
    begin += byteLength;
    return [begin - byteLength, byteLength];
  });
}

/** A payload out of the whole; of no bytes `substr` would make null where the whole is empty. */
export function stretchIn(whole: string, row: string): string {
  return `iif(${row} ->> 1 = 0, x'', substr(${whole}, ${row} ->> 0, ${row} ->> 1))`;
}
