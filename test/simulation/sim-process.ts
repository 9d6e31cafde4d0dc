import type { Clock, Timer } from '../../src/runtime/clock.ts';
import type { Chance } from './chance.ts';
import { EPOCH_MS, type SimEvent, type Timeline } from './timeline.ts';

/** How a process stands still: a stopped one finds its clock ahead, a suspended machine stops that clock, too. */
export type PauseKind = 'stopped' | 'suspended';

interface Alarm {
  readonly dueMs: number;
  readonly callback: () => void;
  event: SimEvent | null;
}

/**
 * A process as the operating system makes one: its own clocks, its own randomness, a life that may end or stand
 * still between any two things it does. What runs in it gets time, chance and the store from here and nowhere else,
 * so that nothing of it can happen when it is dead.
 */
export class SimProcess {
  readonly name: string;
  readonly chance: Chance;
  readonly clock: Clock;
  isAlive = true;
  /** Cut off from the store. */
  isCut = false;
  /** Asked to end gracefully. */
  isClosing = false;
  /** Last instant at which it was let go on after a pause. */
  resumedAtMs: number = Number.NEGATIVE_INFINITY;
  /** Length of the last pause. */
  pausedMs = 0;
  /** Last instant at which a packet of it was lost or late. */
  troubledAtMs: number = Number.NEGATIVE_INFINITY;
  /** Last instant at which its machine was suspended: its monotonic clock does not know of the time since. */
  suspendedAtMs: number = Number.NEGATIVE_INFINITY;
  skewMs = 0;
  readonly #timeline: Timeline;
  #pause: { readonly kind: PauseKind; readonly sinceMs: number } | null = null;
  /** Time that the monotonic clock stood still. */
  #lostMs: number;
  /** What came in while it stood still. */
  #held: (() => void)[] = [];
  readonly #onDeath: (() => void)[] = [];

  constructor(name: string, timeline: Timeline, chance: Chance) {
    this.name = name;
    this.chance = chance;
    this.#timeline = timeline;
    // Machines have been up for different times.
    this.#lostMs = -chance.whole(0, 1_000_000);
    this.clock = {
      now: () => EPOCH_MS + Math.floor(timeline.nowMs) + this.skewMs,
      monotonic: () => this.#monotonic(),
      after: (ms, callback) => this.#after(Math.max(0, ms), callback),
    };
  }

  get isPaused(): boolean {
    return this.#pause !== null;
  }

  /** Happens in this process: not when it is dead, and later when it stands still. */
  enter(run: () => void): void {
    if (!this.isAlive) return;
    if (this.#pause === null) run();
    else this.#held.push(run);
  }

  /** From now on nothing of it happens any more. */
  die(): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    this.#held = [];
    for (const told of this.#onDeath.splice(0)) told();
  }

  onDeath(told: () => void): void {
    if (this.isAlive) this.#onDeath.push(told);
    else told();
  }

  pause(kind: PauseKind): void {
    if (!this.isAlive || this.#pause !== null) return;
    this.#pause = { kind, sinceMs: this.#timeline.nowMs };
    if (kind === 'suspended') this.suspendedAtMs = this.#timeline.nowMs;
  }

  /** What was held back comes now, in any order: timers that are overdue, answers, hints. */
  resume(): void {
    if (this.#pause === null) return;
    const { kind, sinceMs } = this.#pause;
    this.pausedMs = this.#timeline.nowMs - sinceMs;
    if (kind === 'suspended') this.#lostMs += this.#timeline.nowMs - sinceMs;
    this.#pause = null;
    this.resumedAtMs = this.#timeline.nowMs;
    for (const run of this.#held.splice(0)) this.#timeline.after(0, () => this.enter(run));
  }

  #monotonic(): number {
    const untilMs = this.#pause?.kind === 'suspended' ? this.#pause.sinceMs : this.#timeline.nowMs;
    return untilMs - this.#lostMs;
  }

  #after(ms: number, callback: () => void): Timer {
    const alarm: Alarm = { dueMs: this.#monotonic() + ms, callback, event: null };
    this.#arm(alarm, ms);
    return {
      cancel: () => {
        if (alarm.event !== null) alarm.event.run = null;
        alarm.event = null;
      },
    };
  }

  #arm(alarm: Alarm, ms: number): void {
    alarm.event = this.#timeline.after(ms, () => this.enter(() => this.#ring(alarm)));
  }

  /** Its clock may have stood still meanwhile. */
  #ring(alarm: Alarm): void {
    if (alarm.event === null) return;
    const leftMs = alarm.dueMs - this.#monotonic();
    if (leftMs > 0.001) {
      this.#arm(alarm, leftMs);
      return;
    }
    alarm.event = null;
    alarm.callback();
  }
}
