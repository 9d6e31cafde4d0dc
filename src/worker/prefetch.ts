/**
 * Jobs that are claimed a moment before there is a slot for them. What a round trip to the store costs by itself is
 * more than many a job; so while jobs end within milliseconds, the next ones are here already, and hundreds share a
 * trip, whatever the concurrency. How many: what will begin within `AHEAD_MS`, as far as the latest jobs tell.
 *
 * A job that is here is nobody else's. So one that could not begin within `HAND_BACK_MS`, because the ones before it
 * took longer than those of late, is handed back without burning an attempt.
 */

import type { Clock, Timer } from '../runtime/clock.ts';
import type { Attempt } from './attempt.ts';

/** A job that waits for a slot. */
export interface Prefetched {
  readonly attempt: Attempt;
  /** Of the session since which its lease holds. */
  readonly gaps: number;
  readonly untilMs: number;
}

export interface PrefetchOptions {
  readonly clock: Clock;
  /** Jobs that are claimed ahead at most. 0: none ever. */
  readonly max: number;
  readonly leaseMs: number;
  /** Those waited too long, and are to be handed back. */
  readonly onLate: (late: readonly Prefetched[]) => void;
}

/** Work of so many milliseconds is here ahead of time. A job of more than that is fetched when there is a slot. */
const AHEAD_MS = 10;
const HAND_BACK_MS = 100;
/** With a short lease it must be back long before that is over. */
const HAND_BACK_LEASES = 0.1;
/** Jobs that have to have ended before anything is known. */
const KNOWN_FROM = 32;
/** What the latest job weighs in the mean. */
const WEIGHT: number = 1 / 16;
/** The clock is not finer. */
const SHORTEST_MS = 0.01;

export class Prefetch {
  readonly #options: PrefetchOptions;
  readonly #waitMs: number;
  /** In the order of their coming. */
  #waiting: Prefetched[] = [];
  #timer: Timer | null = null;
  /** Jobs that ended in a row, all of them soon. */
  #known = 0;
  #meanMs = 0;

  constructor(options: PrefetchOptions) {
    this.#options = options;
    this.#waitMs = Math.min(HAND_BACK_MS, options.leaseMs * HAND_BACK_LEASES);
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** Jobs to have here while all of the slots are taken. */
  target(slots: number): number {
    if (this.#known < KNOWN_FROM || this.#meanMs > AHEAD_MS) return 0;
    const ahead = (slots * AHEAD_MS) / Math.max(this.#meanMs, SHORTEST_MS);
    return Math.min(Math.floor(ahead), this.#options.max);
  }

  /** How long a slot was taken. */
  learn(ranMs: number): void {
    if (ranMs > this.#waitMs) this.#forget();
    else {
      this.#meanMs += (ranMs - this.#meanMs) * (this.#known === 0 ? 1 : WEIGHT);
      this.#known += 1;
    }
  }

  put(attempt: Attempt, gaps: number): void {
    const { clock } = this.#options;
    this.#waiting.push({ attempt, gaps, untilMs: clock.monotonic() + this.#waitMs });
    this.#timer ??= clock.after(this.#waitMs, () => this.#look(), { background: true });
  }

  /** The one that waits longest. */
  take(): Prefetched | null {
    return this.#waiting.shift() ?? null;
  }

  isLate({ untilMs }: Prefetched): boolean {
    return this.#options.clock.monotonic() > untilMs;
  }

  /** Takes it out; false when it does not wait here. */
  remove(attempt: Attempt): boolean {
    const index = this.#waiting.findIndex((one) => one.attempt === attempt);
    if (index >= 0) this.#waiting.splice(index, 1);
    return index >= 0;
  }

  /** All of them. Nothing waits after that, and it is found out anew how long jobs take. */
  empty(): Prefetched[] {
    const all = this.#waiting;
    this.#waiting = [];
    this.#timer?.cancel();
    this.#timer = null;
    this.#forget();
    return all;
  }

  [Symbol.iterator](): Iterator<Prefetched> {
    return this.#waiting[Symbol.iterator]();
  }

  /** They came in the order of their times, so the first tells of all. */
  #look(): void {
    this.#timer = null;
    const [first] = this.#waiting;
    if (first === undefined) return;
    const { clock, onLate } = this.#options;
    const leftMs = first.untilMs - clock.monotonic();
    if (leftMs <= 0) onLate(this.empty());
    else this.#timer = clock.after(Math.ceil(leftMs), () => this.#look(), { background: true });
  }

  #forget(): void {
    this.#known = 0;
  }
}
