/**
 * Decides when sessions beat, and beats them by one call. The same on the thread of a store and on the application's own.
 */

import { StoreUnavailableError } from '../errors.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import { asError } from '../runtime/emitter.ts';
import { within } from '../runtime/within.ts';
import type { PulsedSession } from '../store/pulse.ts';
import type { BeatResult, Session } from '../store/store.ts';
import { Sheet } from './sheet.ts';

export interface BeaterOptions {
  readonly clock: Clock;
  /** Null for a session that is not known: nothing is acknowledged. */
  readonly beat: (sessions: readonly Session[]) => Promise<readonly (BeatResult | null)[]>;
  /** Told at every failure, with the ids of the sessions that did not beat. */
  readonly onFault: (error: Error, ids: readonly string[]) => void;
  /**
   * The application's event loop beats by itself, and this one only while that stands still. Sessions must not be
   * without a beat for longer than a suspicion takes, so it looks more often.
   */
  readonly standsIn?: boolean;
}

export type Beaten = Omit<PulsedSession, 'onFault'>;

/** What the store relies on to tell a jump of its clock from a worker that died: see `suspicionMs`. */
const BEATS_A_LIFE = 12;
/** The same for lives of any length. */
const MAX_EVERY_MS = 2_500;
/** Without leases there is nothing to lose, and each beat is a flush to disk. */
const IDLE_BEATS_A_LIFE = 3;
const MAX_IDLE_EVERY_MS = 10_000;
/** A beat may be sent again while the last one is on its way: it says the same. */
const TRIES_A_LIFE = 4;
/** A timer may come a little early. */
const EARLY = 0.9;
/** The beacon comes several times a second; less than this is no silence. */
const PAUSE_MS = 1_000;
/** The same where sessions are short. */
const PAUSES_A_LIFE = 4;
/** Looks of who stands in, for each beat. */
const LOOKS_A_BEAT = 4;

interface Kept {
  readonly session: Session;
  readonly maxBlockMs: number;
  readonly sheet: Sheet;
}

export class Beater {
  readonly #options: BeaterOptions;
  readonly #kept = new Map<string, Kept>();
  #timer: Timer | null = null;
  #nextMs = Number.POSITIVE_INFINITY;
  #underWay: Promise<void> | null = null;

  constructor(options: BeaterOptions) {
    this.#options = options;
  }

  keep({ session, maxBlockMs, sheet: buffer }: Beaten): void {
    const sheet = new Sheet(buffer);
    this.#kept.set(session.id, { session, maxBlockMs, sheet });
    this.#arm();
  }

  /** Resolves when no beat of it is under way. */
  async drop(id: string): Promise<void> {
    this.#kept.delete(id);
    if (this.#kept.size === 0) this.#disarm();
    await this.#underWay;
  }

  stop(): void {
    this.#kept.clear();
    this.#disarm();
  }

  /** Sessions that come and go must not put off the beat of those that stay. */
  #arm(): void {
    const { clock, standsIn = false } = this.#options;
    const lives = [...this.#kept.values()].map(({ session }) => session.ttlMs);
    const beatMs = Math.min(Math.min(...lives) / BEATS_A_LIFE, MAX_EVERY_MS);
    const atMs = clock.monotonic() + (standsIn ? beatMs / LOOKS_A_BEAT : beatMs);
    if (atMs >= this.#nextMs) return;
    this.#disarm();
    this.#nextMs = atMs;
    this.#timer = clock.after(atMs - clock.monotonic(), () => this.#tick(), { background: true });
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#nextMs = Number.POSITIVE_INFINITY;
  }

  #tick(): void {
    this.#disarm();
    const { clock, standsIn = false } = this.#options;
    const nowMs = clock.monotonic();
    const kept = [...this.#kept.values()].filter((one) => {
      const forMs = silentMs(one, nowMs);
      return forMs <= one.maxBlockMs && (!standsIn || forMs > pauseMs(one.session));
    });
    // One flush to disk serves all: when one is due, the others go with it.
    if (this.#underWay === null && kept.some((one) => isDue(one, nowMs))) {
      this.#underWay = this.#beat(kept, nowMs);
    }
    if (this.#kept.size > 0) this.#arm();
  }

  /** Never rejects. */
  async #beat(kept: readonly Kept[], askedMs: number): Promise<void> {
    const { clock, onFault } = this.#options;
    const sessions = kept.map((one) => present(one, askedMs));
    try {
      const results = await this.#answerTo(sessions);
      const answeredMs = clock.monotonic();
      for (const [index, { session, sheet }] of kept.entries()) {
        const result = results[index];
        if (result === null) continue;
        const outcome = result?.outcome ?? 'begun';
        sheet.acknowledge({ outcome, ttlMs: session.ttlMs, askedMs, answeredMs });
      }
    } catch (thrown) {
      const ids = sessions.map(({ id }) => id);
      onFault(asError(thrown), ids);
    } finally {
      this.#underWay = null;
    }
  }

  /** A call that is never answered must not be the last one. */
  async #answerTo(sessions: readonly Session[]): Promise<readonly (BeatResult | null)[]> {
    const { clock, beat } = this.#options;
    const patienceMs = Math.min(...sessions.map(({ ttlMs }) => ttlMs)) / TRIES_A_LIFE;
    const answer = beat(sessions);
    if (await within(clock, answer, patienceMs)) return answer;
    throw new StoreUnavailableError(`the store did not answer a heartbeat within ${patienceMs} ms.`);
  }
}

/** Counted from the last answer: a store that is away is asked again at every tick. */
function isDue({ session, sheet }: Kept, nowMs: number): boolean {
  const { ttlMs } = session;
  const everyMs =
    sheet.load.held > 0
      ? Math.min(ttlMs / BEATS_A_LIFE, MAX_EVERY_MS)
      : Math.min(ttlMs / IDLE_BEATS_A_LIFE, MAX_IDLE_EVERY_MS);
  return nowMs - sheet.ackedMs >= everyMs * EARLY;
}

/** How long the event loop of its application has not turned. */
function silentMs({ sheet }: Kept, nowMs: number): number {
  return nowMs - sheet.beaconMs;
}

/** Longer than this is no pause of a garbage collector: the event loop stands still. */
function pauseMs({ ttlMs }: Session): number {
  return Math.min(PAUSE_MS, ttlMs / PAUSES_A_LIFE);
}

function present(kept: Kept, nowMs: number): Session {
  const { slots, busy, lagMs } = kept.sheet.load;
  const silence = silentMs(kept, nowMs);
  return {
    ...kept.session,
    queues: kept.session.queues.map(({ queue }) => ({ queue, slots, busy })),
    lagMs: Math.max(lagMs, silence > PAUSE_MS ? silence : 0),
  };
}
