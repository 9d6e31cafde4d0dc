import type { Clock } from './clock.ts';

/**
 * Wakes one who waits. A ring that comes while nobody waits is kept for the next wait, so that no news is lost
 * between a look and the wait that follows it.
 */
export class Bell {
  readonly #clock: Clock;
  #rung = false;
  #wake: (() => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Until the bell rings, `ms` are over or the signal aborts. True if it rang. Never rejects. */
  async wait(ms: number, signal?: AbortSignal): Promise<boolean> {
    if (!this.#rung && !signal?.aborted) await this.#sleep(ms, signal);
    const rang = this.#rung;
    this.#rung = false;
    return rang;
  }

  #sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        timer.cancel();
        signal?.removeEventListener('abort', wake);
        this.#wake = null;
        resolve();
      };
      const timer = this.#clock.after(ms, wake);
      signal?.addEventListener('abort', wake, { once: true });
      this.#wake = wake;
    });
  }
}
