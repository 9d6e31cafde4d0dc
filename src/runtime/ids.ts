import type { Clock } from './clock.ts';
import type { Random } from './random.ts';

export type MakeId = () => string;

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Random bytes of an id, and of how many ids they are asked for at once: each time costs as much as an id. */
const TAIL_BYTES = 8;
const TAILS = 256;

/**
 * UUID version 7 (RFC 9562, 5.7, method 1): 48 bits of milliseconds, then a 12-bit counter that keeps ids of one
 * process in order within a millisecond, then 62 random bits. Sorting by id is sorting by time, roughly.
 */
export function uuid7(clock: Clock, random: Random): MakeId {
  let lastMs = 0;
  let counter = 0;
  let head = headOf(0);
  let tails: Uint8Array = new Uint8Array(0);
  let used = 0;
  return () => {
    const nowMs = clock.now();
    if (nowMs > lastMs) {
      lastMs = nowMs;
      counter = Math.floor(random.fraction() * 0x800);
      head = headOf(lastMs);
    } else if (++counter > 0xfff) {
      // The counter is full, or the clock went back: borrow from the future rather than lose the order.
      lastMs += 1;
      counter = 0;
      head = headOf(lastMs);
    }
    if (used === tails.length) {
      tails = random.bytes(TAIL_BYTES * TAILS);
      used = 0;
    }
    used += TAIL_BYTES;
    return head + (0x7000 | counter).toString(16) + tailOf(tails, used - TAIL_BYTES);
  };
}

/** Hundreds of ids are made in the same millisecond. */
function headOf(ms: number): string {
  const time = ms.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-`;
}

/** Spelled out: an id is made for every job, and by way of an array it costs ten times as much. */
function tailOf(bytes: Uint8Array, from: number): string {
  const hex = (index: number): string => HEX[bytes[from + index] ?? 0] ?? '';
  const variant = HEX[((bytes[from] ?? 0) & 0x3f) | 0x80] ?? '';
  const end = hex(2) + hex(3) + hex(4) + hex(5) + hex(6) + hex(7);
  return `-${variant}${hex(1)}-${end}`;
}
