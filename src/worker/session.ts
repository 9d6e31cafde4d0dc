/**
 * The worker's session: its entry in the registry, and what its leases are bound to. It begins here; then a pulse
 * beats it, on a thread of the store's where there is one. Here the event loop is watched and its beacon lit.
 */

import { openPulse } from '../pulse/open.ts';
import { Sheet } from '../pulse/sheet.ts';
import { type Clock, systemClock, type Timer } from '../runtime/clock.ts';
import { asError } from '../runtime/emitter.ts';
import type { Machine } from '../runtime/machine.ts';
import type { Session as Presented, Pulse, Store } from '../store/store.ts';

export interface SessionOptions {
  readonly store: Pick<Store, 'beat' | 'endSession' | 'openPulse'>;
  readonly clock: Clock;
  readonly id: string;
  readonly queue: string;
  readonly machine: Machine;
  /** How long the session lives without a beat. */
  readonly ttlMs: number;
  readonly maxBlockMs: number;
  /** `held`: leases bound to the session. */
  readonly load: () => { readonly slots: number; readonly busy: number; readonly held: number };
  /** Told after beats that were answered. */
  readonly onBeat: () => void;
  /** The session was over, or may have been: of what is bound to it some may be lost. */
  readonly onGap: () => void;
  /** Leases lost so far, for whatever reason. */
  readonly lost: () => number;
  /**
   * The event loop turns again, after it did not for so long: it was blocked, or the process was paused.
   * `lostBefore`: leases lost when it last turned.
   */
  readonly onBlocked: (blockedMs: number, lostBefore: number) => void;
  /** Told at every failure. */
  readonly onFault: (error: Error) => void;
}

/** The beacon is lit a dozen times in the life of a session, within these bounds. */
const BEACONS_A_LIFE = 12;
const MIN_TICK_MS = 20;
const MAX_TICK_MS = 250;
/** With a clock in a test's hands there is no thread that would look for the beacon. */
const LAZY_TICK_MS = 1_000;
/** A timer that is so late is told as a blocked event loop, but no pause of the garbage collector is. */
const BLOCKED_LIVES: number = 1 / 3;
const MIN_BLOCKED_MS = 100;

export class Session {
  readonly #options: SessionOptions;
  readonly #sheet = new Sheet();
  #timer: Timer | null = null;
  #pulse: Pulse | null = null;
  #entering: Promise<void> | null = null;
  #nextEntryMs = 0;
  #lagMs = 0;
  #heardMs = Number.NEGATIVE_INFINITY;
  #gapsSeen = 0;
  #lostSeen = 0;
  #ended = false;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** Until then, by the monotonic clock, no store can have given away what is bound to this session. */
  get untilMs(): number {
    return this.#sheet.ackedMs + this.#options.ttlMs;
  }

  /** How often the session was over, or may have been. */
  get gaps(): number {
    return this.#sheet.gaps;
  }

  /** Enters the registry. Rejects when the store does not answer; it is tried again. Keeps the process alive. */
  async start(): Promise<void> {
    this.#signal();
    this.#tick();
    await this.#enter();
  }

  /** Beats now, from this thread: whoever comes out of a pause cannot wait for the next beat. */
  async beat(): Promise<void> {
    const { store, clock, ttlMs, onBeat } = this.#options;
    const askedMs = clock.monotonic();
    const [result] = await store.beat([this.#presented()]);
    const outcome = result?.outcome ?? 'begun';
    this.#sheet.acknowledge({ outcome, ttlMs, askedMs, answeredMs: clock.monotonic() });
    onBeat();
  }

  /** The leases that this worker still has are handed back. */
  async end(): Promise<void> {
    this.#ended = true;
    this.#timer?.cancel();
    // A beat that arrives after the end would make the session again.
    await this.#entering?.catch(() => {});
    await this.#pulse?.drop(this.#options.id);
    await this.#options.store.endSession(this.#options.id);
  }

  #enter(): Promise<void> {
    const { clock, ttlMs } = this.#options;
    this.#nextEntryMs = clock.monotonic() + ttlMs / BEACONS_A_LIFE;
    this.#entering = this.#beginAndJoin().finally(() => {
      this.#entering = null;
    });
    return this.#entering;
  }

  async #beginAndJoin(): Promise<void> {
    const { store, clock, maxBlockMs, onFault } = this.#options;
    await this.beat();
    const pulse = await openPulse(store, clock);
    if (this.#ended) return;
    this.#pulse = pulse;
    pulse.keep({
      ...{ session: this.#presented(), maxBlockMs, sheet: this.#sheet.buffer },
      onFault: (error) => {
        if (!this.#ended) onFault(error);
      },
    });
  }

  #tick(): void {
    const { clock } = this.#options;
    const sinceMs = clock.monotonic();
    const everyMs = this.#tickMs();
    this.#timer = clock.after(everyMs, () => {
      this.#tick();
      this.#turned(clock.monotonic() - sinceMs, everyMs);
    });
  }

  #tickMs(): number {
    const { clock, ttlMs } = this.#options;
    const most = clock === systemClock ? MAX_TICK_MS : LAZY_TICK_MS;
    return Math.min(most, Math.max(MIN_TICK_MS, ttlMs / BEACONS_A_LIFE));
  }

  #turned(silentMs: number, everyMs: number): void {
    const { ttlMs, lost, onBlocked, onGap } = this.#options;
    const lateMs = Math.max(0, silentMs - everyMs);
    this.#hearBeats(lateMs);
    this.#signal();
    if (this.gaps !== this.#gapsSeen) onGap();
    this.#gapsSeen = this.gaps;
    if (lateMs > Math.max(ttlMs * BLOCKED_LIVES, MIN_BLOCKED_MS)) {
      onBlocked(silentMs, this.#lostSeen);
    }
    this.#lostSeen = lost();
    const mayEnter = this.#pulse === null && this.#entering === null && !this.#ended;
    if (mayEnter && this.#options.clock.monotonic() >= this.#nextEntryMs) void this.#enterAgain();
  }

  /** The registry shows the longest lag since the last beat. */
  #hearBeats(lateMs: number): void {
    const { ackedMs } = this.#sheet;
    const isNew = ackedMs > this.#heardMs;
    this.#heardMs = ackedMs;
    this.#lagMs = isNew ? lateMs : Math.max(this.#lagMs, lateMs);
    if (isNew) this.#options.onBeat();
  }

  async #enterAgain(): Promise<void> {
    try {
      await this.#enter();
    } catch (thrown) {
      if (!this.#ended) this.#options.onFault(asError(thrown));
    }
  }

  #signal(): void {
    const { clock, load } = this.#options;
    this.#sheet.signal(clock.monotonic(), { ...load(), lagMs: this.#lagMs });
  }

  #presented(): Presented {
    const { id, ttlMs, machine, queue, load } = this.#options;
    const { host, pid, version } = machine;
    const { slots, busy } = load();
    return { id, ttlMs, host, pid, version, queues: [{ queue, slots, busy }], lagMs: this.#lagMs };
  }
}
