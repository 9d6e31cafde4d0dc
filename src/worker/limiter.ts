import type { Clock } from '../runtime/clock.ts';

interface Taken {
  readonly atMs: number;
  readonly count: number;
}

/** At most `max` jobs in any window of `durationMs`, counted in this worker alone, by the monotonic clock. */
export class Limiter {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #durationMs: number;
  /** One entry a claim, oldest first. */
  #taken: Taken[] = [];
  #sum = 0;

  constructor(clock: Clock, limit: { readonly max: number; readonly durationMs: number }) {
    this.#clock = clock;
    this.#max = limit.max;
    this.#durationMs = limit.durationMs;
  }

  /** Jobs that may be claimed now. */
  allowance(): number {
    this.#forget();
    return Math.max(0, this.#max - this.#sum);
  }

  count(jobs: number): void {
    if (jobs === 0) return;
    this.#taken.push({ atMs: this.#clock.monotonic(), count: jobs });
    this.#sum += jobs;
  }

  /** Until the allowance rises; 0 when there is one. */
  waitMs(): number {
    if (this.allowance() > 0) return 0;
    const [oldest] = this.#taken;
    return oldest === undefined ? 0 : Math.max(1, oldest.atMs + this.#durationMs - this.#clock.monotonic());
  }

  #forget(): void {
    const sinceMs = this.#clock.monotonic() - this.#durationMs;
    let over = 0;
    for (const { atMs, count } of this.#taken) {
      if (atMs > sinceMs) break;
      this.#sum -= count;
      over++;
    }
    if (over > 0) this.#taken = this.#taken.slice(over);
  }
}
