/**
 * Knows whether the leases of a worker still hold. They are bound to its session, which somebody else keeps beating;
 * here it is watched, by the monotonic clock, how long that is good for. A few times a lease the store is asked about
 * all of them in one call, since a job may also be lost or cancelled one by one.
 *
 * After a pause of the process nothing is taken for held before the store has said so.
 */

import { StoreUnavailableError } from '../errors.ts';
import { MAX_BATCH_JOBS } from '../job/limits.ts';
import type { LeaseRef } from '../job/record.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import { asError } from '../runtime/emitter.ts';
import { NumberMap } from '../runtime/number-map.ts';
import { within } from '../runtime/within.ts';
import type { RenewResult } from '../store/store.ts';

/** Who is told about a lease. */
export interface Holder {
  readonly lease: LeaseRef;
  /** Another worker may be running the job; the lease is not kept any more. */
  lost(why: string): void;
  /** Somebody asked the job to stop. Told at every look from then on. */
  cancel(reason: string): void;
}

/** What the leases are bound to. */
export interface LeaseSession {
  /** Until then they cannot have been given away. */
  readonly untilMs: number;
  /** How often the session was over, or may have been: leases of before may be lost. */
  readonly gaps: number;
  beat(): Promise<void>;
}

export interface LeaseKeeperOptions {
  readonly clock: Clock;
  readonly leaseMs: number;
  readonly session: LeaseSession;
  readonly renew: (leases: readonly LeaseRef[], leaseMs: number) => Promise<readonly RenewResult[]>;
  /** Of this worker, as the store has them. */
  readonly leases: () => Promise<readonly LeaseRef[]>;
  /** Hands back what was granted and never came here. */
  readonly handBack: (lease: LeaseRef) => Promise<unknown>;
  readonly onRenewed: () => void;
  /** Told at every failure. */
  readonly onFault: (error: Error) => void;
}

interface Kept {
  readonly holder: Holder;
  /** Gaps of the session before the store last said that the lease holds. */
  gaps: number;
}

/** Leases that the store has just confirmed. */
export interface Confirmed {
  readonly tokens: ReadonlySet<number>;
  readonly gaps: number;
}

const LOOKS_A_LEASE = 3;
const MAX_EVERY_MS = 10_000;
const TRIES_A_LEASE = 12;
/** A timer that comes later than this part of a lease tells of a pause, in which no beat could be heard. */
const LATE_LEASES: number = 1 / 12;
/** So much of a session must be left for a job to begin; it beats much oftener. */
const FRESH_LEASES = 0.5;
/** After a pause the store has this part of a lease to answer, but not less than this. */
const DOUBT_LEASES: number = 1 / 6;
const MIN_DOUBT_MS = 1_000;
/** Hints that may mean anything lead to at most one look in this time. */
const HINT_MS = 1_000;

export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions;
  readonly #everyMs: number;
  /** By token. */
  readonly #kept = new NumberMap<Kept>();
  /** Given up without the store's word. While the session lives they would be held for nobody. */
  readonly #abandoned = new Map<number, LeaseRef>();
  /** Leases that the store has for this worker, and that are not known here, as of the last look. */
  #strangers: ReadonlySet<number> = new Set();
  readonly #disowned = new Set<number>();
  /** On their way back to the store. */
  readonly #returning = new Map<number, LeaseRef>();
  #timer: Timer | null = null;
  #armedMs = 0;
  /** The timer comes before the session may end: that stays so, as its end only ever moves away. */
  #isInTime = false;
  #nextLookMs: number;
  #lastLookMs = Number.NEGATIVE_INFINITY;
  #underWay: Promise<void> | null = null;
  /** Somebody asked for a look while one was under way, which may have been too early for it. */
  #again = false;
  #failure: Error | null = null;
  /** The store is asked whether the leases still hold, though by our own clock they may not. */
  #inDoubt = false;
  #lost = 0;
  #started = false;
  #stopped = false;

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
    this.#everyMs = Math.min(options.leaseMs / LOOKS_A_LEASE, MAX_EVERY_MS);
    this.#nextLookMs = options.clock.monotonic();
  }

  get size(): number {
    return this.#kept.size;
  }

  /** Leases lost so far. */
  get lost(): number {
    return this.#lost;
  }

  /** What `isUnbroken` and `hold` want to know of the moment in which a claim was sent. */
  get gaps(): number {
    return this.#options.session.gaps;
  }

  /** Whether leases that held when the session had so many gaps hold now, as far as one knows without asking. */
  isUnbroken(gaps: number): boolean {
    const { clock, session } = this.#options;
    return clock.monotonic() < session.untilMs && session.gaps === gaps;
  }

  /** The same, with enough time left to begin something: no job shall begin only to be given up. */
  isFresh(gaps: number): boolean {
    return this.#isFarFromOver() && this.#options.session.gaps === gaps;
  }

  #isFarFromOver(): boolean {
    const { clock, session, leaseMs } = this.#options;
    return session.untilMs - clock.monotonic() >= leaseMs * FRESH_LEASES;
  }

  /** `gaps`: from when the claim was sent, or from `confirm`. */
  hold(holder: Holder, gaps: number): void {
    this.#kept.set(holder.lease.token, { holder, gaps });
    if (this.#timer !== null) {
      this.#isInTime ||= this.#armedMs <= this.#options.session.untilMs;
      if (this.#isInTime) return;
    }
    if (this.#timer === null) this.#nextLookMs = this.#options.clock.monotonic() + this.#everyMs;
    this.#arm();
  }

  /** From now on it looks for leases that the worker does not know of, too. */
  start(): void {
    this.#started = true;
    this.#nextLookMs = this.#options.clock.monotonic() + this.#everyMs;
    this.#arm();
  }

  /** The session begins anew. */
  revive(): Promise<void> {
    return this.#options.session.beat();
  }

  /** It was handed back before its answer came. */
  disowns(token: number): boolean {
    return this.#disowned.has(token);
  }

  holds(token: number): boolean {
    return this.#kept.has(token);
  }

  release(token: number): void {
    this.#kept.delete(token);
  }

  /** What became of it is not known, and nobody here goes on with it: the store is told as soon as it can be. */
  abandon(lease: LeaseRef): void {
    this.#kept.delete(lease.token);
    this.#abandoned.set(lease.token, lease);
    if (this.#timer === null) this.#arm();
  }

  /**
   * Asks the store whether this lease holds, and tells its holder if not.
   *
   * @throws the error because of which the store could not say.
   */
  async verify(token: number): Promise<boolean> {
    await this.#look();
    const kept = this.#kept.get(token);
    if (kept === undefined) return false;
    if (this.#failure === null && this.isUnbroken(kept.gaps)) return true;
    throw this.#failure ?? new StoreUnavailableError('the store could not say whether the lease holds.');
  }

  /**
   * Asks about leases that are not kept yet: they came by a claim in whose time the session had a gap, or by one whose
   * answer was lost.
   */
  async confirm(leases: readonly LeaseRef[]): Promise<Confirmed> {
    const [gaps, results] = await this.#ask(leases);
    const held = leases.filter((_, index) => results[index]?.outcome === 'ok');
    return { gaps, tokens: new Set(held.map(({ token }) => token)) };
  }

  /** After a pause: resolves when it is known what is lost, or when the store cannot say. Never rejects. */
  async catchUp(): Promise<void> {
    if (this.#kept.values().every(({ gaps }) => this.isUnbroken(gaps))) return;
    await this.#lookInDoubt();
  }

  /** A hint came. `urgent`: it says that a job shall stop; else it may mean anything. */
  hint(urgent: boolean): void {
    if (this.#kept.size === 0) return;
    if (!urgent && this.#options.clock.monotonic() - this.#lastLookMs < HINT_MS) return;
    if (urgent || this.#underWay === null) void this.#look();
  }

  stop(): void {
    this.#stopped = true;
    this.#kept.clear();
    this.#abandoned.clear();
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** Without leases there is no timer; the next `hold` sets it again. */
  #arm(): void {
    this.#timer?.cancel();
    this.#timer = null;
    const isIdle = this.#kept.size + this.#abandoned.size === 0;
    if (this.#stopped || (isIdle && !this.#started)) return;
    const { clock, session } = this.#options;
    const mayEnd = !this.#inDoubt && this.#kept.size > 0;
    const endMs = mayEnd ? session.untilMs : Number.POSITIVE_INFINITY;
    // Not moved to now when it is over already: how late it comes tells of a pause, whoever sets the timer after it.
    this.#armedMs = Math.min(this.#nextLookMs, endMs);
    this.#isInTime = false;
    // In whole milliseconds: the sheet counts in microseconds, and less than that would never pass.
    const waitMs = Math.ceil(Math.max(0, this.#armedMs - clock.monotonic()));
    this.#timer = clock.after(waitMs, () => this.#tick(), { background: true });
  }

  #tick(): void {
    const { clock, session, leaseMs } = this.#options;
    const nowMs = clock.monotonic();
    const wasPaused = nowMs - this.#armedMs > leaseMs * LATE_LEASES;
    if (nowMs >= session.untilMs && !this.#inDoubt) {
      if (wasPaused) void this.#lookInDoubt();
      else this.#giveUp();
    }
    if (nowMs >= this.#nextLookMs) {
      this.#nextLookMs = nowMs + this.#everyMs;
      if (this.#underWay === null) void this.#look();
    }
    this.#arm();
  }

  #giveUp(): void {
    for (const { holder } of this.#kept.values()) {
      this.#lose(holder, 'its worker could not reach the store in time');
      if (!this.#stopped) this.abandon(holder.lease);
    }
  }

  #lose(holder: Holder, why: string): void {
    if (!this.#kept.delete(holder.lease.token)) return;
    this.#lost += 1;
    holder.lost(why);
  }

  async #lookInDoubt(): Promise<void> {
    const { clock, session, leaseMs } = this.#options;
    this.#inDoubt = true;
    await within(clock, this.#look(), Math.max(leaseMs * DOUBT_LEASES, MIN_DOUBT_MS));
    this.#inDoubt = false;
    if (clock.monotonic() >= session.untilMs) this.#giveUp();
    this.#arm();
  }

  /** Resolves after a look that began no earlier than this call. Never rejects. */
  #look(): Promise<void> {
    if (this.#underWay !== null) {
      this.#again = true;
      return this.#underWay;
    }
    this.#underWay = this.#lookAtAll().finally(() => {
      this.#underWay = null;
    });
    return this.#underWay;
  }

  async #lookAtAll(): Promise<void> {
    do {
      this.#again = false;
      const holders = this.#kept.values().map(({ holder }) => holder);
      await this.#lookAt(holders);
    } while (this.#again && !this.#stopped);
  }

  async #lookAt(holders: readonly Holder[]): Promise<void> {
    const { clock, leaseMs, onRenewed, onFault } = this.#options;
    this.#lastLookMs = clock.monotonic();
    try {
      const [gaps, results] = await this.#ask(holders.map(({ lease }) => lease));
      for (const [index, { lease }] of holders.entries()) this.#looked(lease, results[index], gaps);
      await this.#tellAbandoned();
      if (this.#started) await this.#lookForStrangers();
      this.#failure = null;
      onRenewed();
    } catch (thrown) {
      this.#failure = asError(thrown);
      this.#nextLookMs = clock.monotonic() + Math.min(leaseMs / TRIES_A_LEASE, MAX_EVERY_MS);
      this.#arm();
      onFault(this.#failure);
    }
  }

  /** Their jobs run again soon, by way of reclaim. */
  async #tellAbandoned(): Promise<void> {
    const leases = [...this.#abandoned.values()].slice(0, MAX_BATCH_JOBS);
    if (leases.length === 0) return;
    await this.#options.renew(leases, 0);
    for (const { token } of leases) {
      this.#abandoned.delete(token);
      this.#disown(token);
    }
  }

  /**
   * A claim that was late on its way may be granted when nobody waits for its answer any more, and such a lease would
   * live as long as the session. What is unknown in two looks is handed back.
   */
  async #lookForStrangers(): Promise<void> {
    const isKnown = (token: number): boolean =>
      this.#kept.has(token) || this.#abandoned.has(token) || this.#disowned.has(token);
    const unknown = (await this.#options.leases()).filter(({ token }) => !isKnown(token));
    for (const lease of unknown.filter(({ token }) => this.#strangers.has(token))) {
      this.#disown(lease.token);
      this.#returning.set(lease.token, lease);
    }
    this.#strangers = new Set(unknown.map(({ token }) => token));
    for (const lease of this.#returning.values()) {
      await this.#options.handBack(lease);
      this.#returning.delete(lease.token);
    }
  }

  /** Answers are not late for ever. */
  #disown(token: number): void {
    this.#disowned.add(token);
    const [oldest] = this.#disowned;
    if (this.#disowned.size > MAX_BATCH_JOBS && oldest !== undefined) this.#disowned.delete(oldest);
  }

  /** The gaps are counted before: what comes between is found by the next look. */
  async #ask(leases: readonly LeaseRef[]): Promise<[number, RenewResult[]]> {
    const { clock, leaseMs } = this.#options;
    // A lease whose session is over holds nothing, though nobody may have taken the job yet.
    const answer = this.#isFarFromOver() ? this.#renew(leases) : this.#beatAndRenew(leases);
    if (await within(clock, answer, leaseMs)) return answer;
    throw new StoreUnavailableError(`the store did not say within ${leaseMs} ms which leases hold.`);
  }

  async #beatAndRenew(leases: readonly LeaseRef[]): Promise<[number, RenewResult[]]> {
    await this.#options.session.beat();
    return this.#renew(leases);
  }

  async #renew(leases: readonly LeaseRef[]): Promise<[number, RenewResult[]]> {
    const { gaps } = this.#options.session;
    const results: RenewResult[] = [];
    for (let from = 0; from < leases.length; from += MAX_BATCH_JOBS) {
      const some = leases.slice(from, from + MAX_BATCH_JOBS);
      results.push(...(await this.#options.renew(some, this.#options.leaseMs)));
    }
    return [gaps, results];
  }

  #looked({ token }: LeaseRef, result: RenewResult | undefined, gaps: number): void {
    const kept = this.#kept.get(token);
    if (kept === undefined || result === undefined) return;
    if (result.outcome !== 'ok') {
      this.#lose(kept.holder, result.outcome);
      return;
    }
    kept.gaps = gaps;
    if (result.cancelReason !== null) kept.holder.cancel(result.cancelReason);
  }
}
