/** The only place that asks the machine for randomness. */

import { randomFillSync } from 'node:crypto';

export interface Random {
  /** Evenly from [0, 1). */
  fraction(): number;
  bytes(length: number): Uint8Array;
}

/** One call to the machine fills this many bytes: an id takes 8, and asking for each costs a tenth of an import. */
const POOL_BYTES = 4_096;

/** Each byte is given out once. */
function pooledBytes(): (length: number) => Uint8Array {
  const pool = new Uint8Array(POOL_BYTES);
  let used = POOL_BYTES;
  return (length) => {
    if (length > POOL_BYTES) return randomFillSync(new Uint8Array(length));
    if (used + length > POOL_BYTES) {
      randomFillSync(pool);
      used = 0;
    }
    used += length;
    return pool.slice(used - length, used);
  };
}

export const systemRandom: Random = Object.freeze({
  fraction: () => Math.random(),
  bytes: pooledBytes(),
});

/** Repeatable: the same seed gives the same numbers (mulberry32). For tests and the simulator. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const fraction = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  return { fraction, bytes: (length) => Uint8Array.from({ length }, () => Math.floor(fraction() * 256)) };
}
