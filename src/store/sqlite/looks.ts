import type { Clock, Timer } from '../../runtime/clock.ts';

/** Writes come in bursts; one look serves all of a burst. */
const SETTLE_MS = 3;
/**
 * The log is written before its commit can be seen, by as long as a disk takes to flush. So the look is repeated, with
 * waits that double, until there is something to see; after this long the write is taken for one of our own.
 */
const LAST_WAIT_MS = 400;

/** Looks again and again after a write, until one look finds news. */
export class Looks {
  readonly #clock: Clock;
  readonly #look: () => boolean;
  #timer: Timer | null = null;
  #waitMs = 0;

  constructor(clock: Clock, look: () => boolean) {
    this.#clock = clock;
    this.#look = look;
  }

  soon(): void {
    if (this.#timer !== null && this.#waitMs === SETTLE_MS) return;
    this.#lookIn(SETTLE_MS);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #lookIn(waitMs: number): void {
    this.stop();
    this.#waitMs = waitMs;
    const due = (): void => {
      this.#timer = null;
      if (!this.#look() && waitMs < LAST_WAIT_MS) this.#lookIn(waitMs * 2);
    };
    this.#timer = this.#clock.after(waitMs, due, { background: true });
  }
}
