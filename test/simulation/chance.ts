import { type Random, seededRandom } from '../../src/runtime/random.ts';

/** Draws of one history, or of one part of it: all come from its seed. */
export class Chance implements Random {
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    // The first numbers of seeds that lie side by side are alike.
    for (let n = 0; n < 3; n += 1) this.#random.fraction();
  }

  fraction(): number {
    return this.#random.fraction();
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += 1) bytes[at] = this.#random.fraction() * 256;
    return bytes;
  }

  /** True in `share` of the cases. */
  is(share: number): boolean {
    return this.#random.fraction() < share;
  }

  /** A whole number from `from` to `to`, both included. */
  whole(from: number, to: number): number {
    return from + Math.floor(this.#random.fraction() * (to - from + 1));
  }

  pick<T>(choices: readonly T[]): T {
    const choice = choices[this.whole(0, choices.length - 1)];
    if (choice === undefined) throw new Error('nothing to pick from');
    return choice;
  }

  /** Mostly around `usualMs`, now and then many times that, at most `mostMs`. */
  delay(usualMs: number, mostMs: number): number {
    const heavy = usualMs / (1 - this.#random.fraction()) ** 0.7;
    return Math.min(Math.round(heavy * this.#random.fraction()), mostMs);
  }

  /** An independent part with draws of its own. */
  part(): Chance {
    return new Chance(Math.floor(this.#random.fraction() * 4_294_967_296));
  }
}
