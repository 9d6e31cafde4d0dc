/** The only place that asks the machine for randomness. */

import { randomFillSync } from 'node:crypto';

export interface Random {
  /** Evenly from [0, 1). */
  fraction(): number;
  bytes(length: number): Uint8Array;
}

export const systemRandom: Random = Object.freeze({
  fraction: () => Math.random(),
  bytes: (length: number) => randomFillSync(new Uint8Array(length)),
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
