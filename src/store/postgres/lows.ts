import type { Clock } from '../../runtime/clock.ts';

/** Jobs are claimed about in the order of their numbers; one that was committed this much later is still seen. */
const SLACK = 1_000;
/** A look from the very start costs at most a fortieth of the time. */
const PAUSES = 40;
const LEAST_PAUSE_MS = 250;
/** From the start. */
const BOTTOM = -1;

interface Mark {
  high: number;
  /** When the next claim looks from the start, by the monotonic clock. */
  sweepAt: number;
  /** When a claim that finds nothing may do so. */
  sweepEmptyAt: number;
}

/**
 * From which number on to look for waiting jobs. Rows that were claimed stay where they were until nobody can see them
 * any more, and while somebody's transaction is open that may be millions; a claim that begins behind them does not
 * walk over them. A hint and no more: what lies before it is found by the next look from the start.
 */
export class Lows {
  readonly #clock: Clock;
  readonly #marks = new Map<string, Mark>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whoever is told to look from the start does it for all: those that ask meanwhile begin where they may. */
  lowOf(queue: string): number {
    const mark = this.#marks.get(queue);
    if (mark === undefined) return BOTTOM;
    const now = this.#clock.monotonic();
    if (now < mark.sweepAt) return this.nearOf(queue);
    mark.sweepAt = now + LEAST_PAUSE_MS;
    return BOTTOM;
  }

  /** Where jobs begin that are new. */
  nearOf(queue: string): number {
    return Math.max(BOTTOM, (this.#marks.get(queue)?.high ?? BOTTOM) - SLACK);
  }

  /** Whether a claim that found nothing from there on has to look from the start, and may. */
  mayHide(queue: string, low: number): boolean {
    if (low <= BOTTOM) return false;
    const mark = this.#marks.get(queue);
    if (mark === undefined) return true;
    const now = this.#clock.monotonic();
    if (now < mark.sweepEmptyAt) return false;
    mark.sweepEmptyAt = Math.max(mark.sweepEmptyAt, now + LEAST_PAUSE_MS / PAUSES);
    return true;
  }

  /** After a claim: the highest number that it gave, and, where it looked from the start, how long it took. */
  learn(queue: string, { high, low, tookMs }: { high: number | null; low: number; tookMs: number }): void {
    const mark = this.#marks.get(queue) ?? { high: BOTTOM, sweepAt: 0, sweepEmptyAt: 0 };
    this.#marks.set(queue, mark);
    if (high !== null) mark.high = Math.max(mark.high, high);
    if (low > BOTTOM) return;
    const now = this.#clock.monotonic();
    mark.sweepAt = now + Math.max(LEAST_PAUSE_MS, PAUSES * tookMs);
    mark.sweepEmptyAt = now + (tookMs < LEAST_PAUSE_MS / PAUSES ? 0 : PAUSES * tookMs);
  }
}
