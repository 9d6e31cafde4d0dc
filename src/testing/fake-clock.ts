import { InvalidOptionError } from '../errors.ts';
import { DURATION_EXAMPLES, type Duration, durationMs } from '../job/duration.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import { settle } from '../runtime/settle.ts';

/** 2026-01-01T00:00:00Z: a time like any other, and the same one in every run. */
const START_MS = 1_767_225_600_000;

interface Alarm {
  readonly dueMs: number;
  readonly callback: () => void;
}

/**
 * A clock for tests: it stands still until it is told how much time passes.
 *
 * ```ts
 * const clock = new FakeClock();
 * const store = memoryStore({ clock });
 * await clock.advance('1h30m');
 * ```
 */
export class FakeClock implements Clock {
  #nowMs: number;
  #monotonicMs = 0;
  /** In the order of their making; those of one instant fire in it. */
  readonly #alarms = new Set<Alarm>();

  /** @param startMs Epoch milliseconds at which it starts. Default: 2026-01-01T00:00:00Z. */
  constructor(startMs: number = START_MS) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonic(): number {
    return this.#monotonicMs;
  }

  after(ms: number, callback: () => void): Timer {
    const alarm = { dueMs: this.#monotonicMs + Math.max(0, ms), callback };
    this.#alarms.add(alarm);
    return { cancel: () => this.#alarms.delete(alarm) };
  }

  /** Timers that wait. */
  get timers(): number {
    return this.#alarms.size;
  }

  /**
   * Lets time pass: timers that come due fire one by one, each at its own time, and what they start settles
   * (promises and the next turns of the event loop) before the next one fires. Real input and output is not
   * waited for.
   *
   * @param time Milliseconds, or text such as `'500ms'`, `'30s'`, `'1h30m'`, `'7d'`.
   * @throws InvalidOptionError when `time` is not a length of time.
   */
  async advance(time: Duration): Promise<void> {
    const endMs = this.#monotonicMs + lengthOf(time);
    await settle();
    for (let next = this.#next(endMs); next !== null; next = this.#next(endMs)) {
      this.#pass(next.dueMs);
      this.#alarms.delete(next);
      next.callback();
      await settle();
    }
    this.#pass(endMs);
    await settle();
  }

  /**
   * Sets the wall clock forward, or back when negative, as an administrator or a time server does. The monotonic
   * time goes on as if nothing had happened, and no timer fires.
   */
  shift(ms: number): void {
    this.#nowMs += ms;
  }

  /**
   * Lets time pass while nothing runs, as in a process that is paused or whose event loop is blocked. Timers that come
   * due meanwhile fire late, with the next `advance`.
   *
   * @throws InvalidOptionError when `time` is not a length of time.
   */
  stall(time: Duration): void {
    this.#pass(this.#monotonicMs + lengthOf(time));
  }

  #next(endMs: number): Alarm | null {
    let next: Alarm | null = null;
    for (const alarm of this.#alarms) {
      if (alarm.dueMs <= endMs && (next === null || alarm.dueMs < next.dueMs)) next = alarm;
    }
    return next;
  }

  /** A timer set for an instant that is over fires now: time never goes back. */
  #pass(untilMs: number): void {
    const passedMs = Math.max(0, untilMs - this.#monotonicMs);
    this.#nowMs += passedMs;
    this.#monotonicMs += passedMs;
  }
}

function lengthOf(time: Duration): number {
  const ms = durationMs(time);
  if (ms !== null) return ms;
  const message = `must be ${DURATION_EXAMPLES}; is ${JSON.stringify(time) ?? String(time)}`;
  throw new InvalidOptionError('advance', [{ path: 'time', message }]);
}
