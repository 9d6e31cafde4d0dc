/**
 * The only place that asks the machine for the time. Everything else is handed a Clock, so that tests and the
 * simulator decide what time it is.
 */

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Epoch milliseconds. May jump; only for stamping records and for people. */
  now(): number;
  /** Milliseconds that never go back, the same on every thread. For durations, deadlines and renewals. */
  monotonic(): number;
  /**
   * Calls back once after `ms`, also beyond the 2^31 ms that a Node timer can hold.
   * `background` timers do not keep the process alive.
   */
  after(ms: number, callback: () => void, options?: { readonly background?: boolean }): Timer;
}

/** Node fires at once for longer delays than this (2^31 − 1 ms), so long ones are cut into chunks. */
const MAX_TIMER_MS = 2_147_483_647;

function systemAfter(ms: number, callback: () => void, options?: { readonly background?: boolean }): Timer {
  let handle: NodeJS.Timeout;
  const arm = (leftMs: number): void => {
    const chunkMs = Math.min(leftMs, MAX_TIMER_MS);
    handle = setTimeout(() => (leftMs > chunkMs ? arm(leftMs - chunkMs) : callback()), chunkMs);
    if (options?.background) handle.unref();
  };
  arm(Math.max(0, ms));
  return { cancel: () => clearTimeout(handle) };
}

/** `performance.now` is the cheaper one, but counts from the start of each thread; this one from that of the machine. */
const THREAD_STARTED_MS = Number(process.hrtime.bigint()) / 1e6 - performance.now();

export const systemClock: Clock = Object.freeze({
  now: () => Date.now(),
  monotonic: () => THREAD_STARTED_MS + performance.now(),
  after: systemAfter,
});

/** Resolves after `ms`, or at once when the signal aborts. Never rejects. */
export function sleep(
  clock: Clock,
  ms: number,
  signal?: AbortSignal,
  options?: { readonly background?: boolean },
): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const wake = (): void => {
      timer.cancel();
      signal?.removeEventListener('abort', wake);
      resolve();
    };
    const timer = clock.after(ms, wake, options);
    signal?.addEventListener('abort', wake, { once: true });
  });
}
