import { systemClock } from '../../runtime/clock.ts';
import { isBusy } from './map-error.ts';

/** Short, so that a gap between two transactions of a busy neighbour is not missed. */
const PAUSE_MS = 1;

/**
 * Tries again while another connection holds the lock. SQLite's own waiting sleeps up to a tenth of a second
 * between tries, and so can starve beside a process that writes without a break.
 */
export function patiently<T>(patienceMs: number, step: () => T): T {
  const untilMs = systemClock.monotonic() + patienceMs;
  for (;;) {
    try {
      return step();
    } catch (error) {
      if (!isBusy(error) || systemClock.monotonic() >= untilMs) throw error;
      pause(PAUSE_MS);
    }
  }
}

/** Blocks this thread, which is the engine's own. */
function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
