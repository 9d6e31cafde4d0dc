import type { Clock } from '../runtime/clock.ts';

/**
 * Keeps the looks for lost leases apart. The store takes a lease back when two looks found it past due; between
 * the two a worker that lives must have had the time to renew, by a clock that does not jump. So the first look
 * is due one interval after this process began to lead: the one before may have been another leader's, just now.
 */
export class ReclaimPace {
  readonly #clock: Clock;
  #everyMs: number;
  /** End of the last look, or the start of leading; null while another one leads. */
  #sinceMs: number | null = null;
  #notBeforeMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, everyMs: number) {
    this.#clock = clock;
    this.#everyMs = everyMs;
  }

  get everyMs(): number {
    return this.#everyMs;
  }

  atLeastEvery(ms: number): void {
    this.#everyMs = Math.min(this.#everyMs, ms);
  }

  isDue(): boolean {
    return this.#sinceMs !== null && this.untilDueMs() === 0;
  }

  untilDueMs(): number {
    if (this.#sinceMs === null) return this.#everyMs;
    const dueMs = Math.max(this.#sinceMs + this.#everyMs, this.#notBeforeMs);
    return Math.max(0, dueMs - this.#clock.monotonic());
  }

  /** Leases were suspected: their workers get this time to show themselves, before the next look takes them. */
  suspected(ms: number): void {
    if (ms > 0) this.#notBeforeMs = this.#clock.monotonic() + ms;
  }

  /** A pass is over in which this process led or not, with a look or without. */
  passed(led: boolean, looked: boolean): void {
    if (!led) this.#sinceMs = null;
    else if (looked || this.#sinceMs === null) this.#sinceMs = this.#clock.monotonic();
  }

  /** Nobody knows whether a pass was done. If it was, with its look, the next one must keep its distance, too. */
  failed(looked: boolean): void {
    if (looked && this.#sinceMs !== null) this.#sinceMs = this.#clock.monotonic();
  }
}
