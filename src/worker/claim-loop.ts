/**
 * The hot path: ends of attempts go out and jobs come in by the same round trip. While one call is under way, what ends
 * gathers, and leaves together with a claim for the slots that came free. Where many end, they leave by calls of their
 * own, beside the claims: a store with several connections works at all of them at once, and a claim, which has nothing
 * to keep, need not wait until the ends are on the disk. An idle loop sleeps until a hint, the next due job, or the poll
 * that catches what no hint told.
 */

import { ClosedError } from '../errors.ts';
import { backoffMs } from '../job/backoff.ts';
import { MAX_BATCH_JOBS } from '../job/limits.ts';
import { type Clock, sleep, type Timer } from '../runtime/clock.ts';
import { asError } from '../runtime/emitter.ts';
import type { MakeId } from '../runtime/ids.ts';
import type { Random } from '../runtime/random.ts';
import type { ClaimAnswer, Claimed, ClaimRequest, CommitAnswer, Settlement, Store } from '../store/store.ts';
import type { Confirmed, LeaseKeeper } from './lease-keeper.ts';
import type { Limiter } from './limiter.ts';
import { Outbox, type Outgoing } from './outbox.ts';
import { deliverOneByOne, isRefusal } from './refusal.ts';

export interface ClaimLoopOptions {
  readonly store: Pick<Store, 'claim' | 'commit'>;
  readonly keeper: Pick<LeaseKeeper, 'gaps' | 'holds' | 'isFresh' | 'confirm' | 'disowns' | 'revive'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly makeId: MakeId;
  readonly queue: string;
  readonly worker: string;
  readonly limiter: Limiter | null;
  /** All slots, in use or not, and the places ahead of them. */
  readonly slots: () => number;
  /** Those that have no job. */
  readonly freeSlots: () => number;
  /** `gaps`: those of the session since which the leases hold; see `LeaseKeeper.hold`. */
  readonly onClaimed: (claimed: readonly Claimed[], gaps: number) => void;
  /** The queue had fewer jobs than there were slots for. */
  readonly onShort: () => void;
  readonly onTrip: (trip: Trip) => void;
  /** Told at every failure. */
  readonly onFault: (error: Error) => void;
}

/** One round trip that came through. */
export interface Trip {
  readonly settled: number;
  readonly asked: number;
  readonly got: number;
  readonly tookMs: number;
}

/** Jobs that came in, and are to begin. */
interface Arrival {
  readonly jobs: readonly Claimed[];
  readonly gaps: number;
  /** The queue had fewer than there was room for. */
  readonly isShort: boolean;
}

/** A call that came through. */
interface Answered {
  readonly batch: readonly Outgoing[];
  readonly claim: Claim | null;
  readonly answer: CommitAnswer;
  readonly tookMs: number;
}

interface Delivered {
  /** null when no claim was answered. */
  readonly arrival: Arrival | null;
  /** To be called once: tells those who wait for what became of their settlements. */
  readonly tell: () => void;
}

interface Claim {
  readonly request: ClaimRequest;
  /** Its answer was lost: it may have been granted then. */
  readonly repeated: boolean;
}

/** The poll comes evenly from these two, so that the workers of many processes do not come together. */
const MIN_POLL_MS = 1_000;
const MAX_POLL_MS = 5_000;
/**
 * With so many slots a claim fills half of them at most, so that the store works for one half while the jobs of the
 * other run. With fewer, what a call costs by itself is more than what that saves.
 */
const HALVES_FROM_SLOTS = 32;
/** With fewer, a call of their own costs more than it saves. */
const ENDS_ALONE_FROM = 32;
/** So the store has the next ones when it is done with the first. More would wait there instead of here. */
const MAX_ENDS_CALLS = 2;
const AFTER_ERROR = { type: 'exponential', delayMs: 100, factor: 2, maxMs: 3_000, jitter: 0.5 } as const;

export class ClaimLoop {
  readonly #options: ClaimLoopOptions;
  readonly #outbox = new Outbox();
  readonly #ended = new AbortController();
  #claiming = false;
  #underWay = false;
  /** Jobs that have arrived and not begun: their slots are taken. */
  #coming = 0;
  #soon = false;
  /** There may be jobs to claim: nothing has said otherwise since the last look. */
  #hungry = false;
  /** A claim that was perhaps granted. It is repeated as it was before another one is made. */
  #unanswered: Claim | null = null;
  #failuresInRow = 0;
  #timer: Timer | null = null;
  #lastTrip: Promise<void> = Promise.resolve();
  /** Ends are under way without a claim. */
  #endsUnderWay = 0;
  #lastEnds: Promise<void> = Promise.resolve();

  constructor(options: ClaimLoopOptions) {
    this.#options = options;
  }

  startClaiming(): void {
    this.#claiming = true;
    this.wake();
  }

  /** Claims no more. What ends is still sent. */
  stopClaiming(): void {
    this.#claiming = false;
    this.#sleep(null);
  }

  /** There may be jobs now, or room for them. */
  wake(): void {
    this.#hungry = true;
    this.#pump();
  }

  /** Told when the store has it, or when its lease can no longer be held. */
  settle(settlement: Settlement, onSettled: Outgoing['onSettled']): void {
    this.#outbox.put({ settlement, onSettled });
    if (this.#ended.signal.aborted) this.#outbox.giveUp(() => true);
    else this.#pumpSoon();
  }

  /** Sends nothing any more; resolves when the call under way, if any, is over. */
  async end(): Promise<void> {
    this.stopClaiming();
    this.#ended.abort();
    this.#outbox.giveUp(() => true);
    await Promise.all([this.#lastTrip, this.#lastEnds]);
  }

  /** At the end of this turn of promises: attempts that began together often end together, too. */
  #pumpSoon(): void {
    if (this.#soon) return;
    this.#soon = true;
    void Promise.resolve().then(() => {
      this.#soon = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#ended.signal.aborted) return;
    const ends = this.#outbox.size;
    const areApart = ends >= ENDS_ALONE_FROM;
    if (this.#underWay) {
      if (areApart && ends >= this.#share()) this.#sendEnds();
      return;
    }
    // A call of their own, beside that of the claim: the store can work at both at once, and the claim waits for no disk.
    const areSent = areApart && this.#maySendEnds(ends);
    const batch = areApart ? [] : this.#outbox.take();
    const left = areSent ? Math.max(0, ends - this.#share()) : this.#outbox.size;
    const claim = this.#unanswered ?? this.#nextClaim({ withSettlements: ends > 0, left });
    if (batch.length > 0 || claim !== null) {
      this.#underWay = true;
      this.#lastTrip = this.#send(batch, claim).then(() => this.#pump());
    }
    if (areSent) this.#sendEnds();
  }

  /** While others are on their way only as many as a claim gives: what came together had better end together. */
  #maySendEnds(ends: number): boolean {
    return this.#endsUnderWay === 0 || (this.#endsUnderWay < MAX_ENDS_CALLS && ends >= this.#share());
  }

  #sendEnds(): void {
    if (this.#endsUnderWay === MAX_ENDS_CALLS) return;
    this.#endsUnderWay += 1;
    const batch = this.#outbox.take(Math.max(this.#share(), ENDS_ALONE_FROM));
    const sent = this.#deliver(batch, null).then(({ tell }) => {
      this.#endsUnderWay -= 1;
      this.#pump();
      tell();
    });
    const before = this.#lastEnds;
    this.#lastEnds = sent.then(() => before);
  }

  /** With settlements it costs nothing to ask, hungry or not. */
  #nextClaim({ withSettlements, left }: { withSettlements: boolean; left: number }): Claim | null {
    const { limiter, makeId, queue, worker } = this.#options;
    if (!this.#claiming || !(this.#hungry || withSettlements)) return null;
    // Ends that are not on their way yet still hold their leases.
    const free = this.#options.freeSlots() - left - this.#coming;
    const allowed = limiter?.allowance() ?? Number.POSITIVE_INFINITY;
    if (free < 1 || allowed < 1) {
      if (limiter !== null && free >= 1) this.#sleep(limiter.waitMs());
      return null;
    }
    this.#hungry = false;
    const limit = Math.min(free, allowed, this.#share(), MAX_BATCH_JOBS);
    return {
      request: { claimId: makeId(), queue, limit, worker, leaseMs: null, quarantine: true },
      repeated: false,
    };
  }

  /** Jobs that one claim asks for at most. */
  #share(): number {
    const slots = this.#options.slots();
    return slots < HALVES_FROM_SLOTS ? slots : Math.ceil(slots / 2);
  }

  /** Never rejects. */
  async #send(batch: readonly Outgoing[], claim: Claim | null): Promise<void> {
    const { arrival, tell } = await this.#deliver(batch, claim);
    this.#underWay = false;
    if (arrival === null) tell();
    else this.#begin(arrival, tell);
  }

  /** Never rejects. */
  async #deliver(batch: readonly Outgoing[], claim: Claim | null): Promise<Delivered> {
    const sentMs = this.#options.clock.monotonic();
    const { gaps } = this.#options.keeper;
    let tell = (): void => {};
    let arrival: Arrival | null = null;
    let unsent = batch;
    try {
      const answer = await this.#call(batch, claim);
      unsent = [];
      this.#unanswered = null;
      this.#failuresInRow = 0;
      tell = this.#teller({ batch, claim, answer, tookMs: this.#options.clock.monotonic() - sentMs });
      const [claimed] = answer.claimed;
      if (claim !== null && claimed !== undefined) arrival = await this.#receive(claim, claimed, gaps);
    } catch (thrown) {
      tell();
      tell = () => {};
      await this.#recover(thrown, unsent, claim);
    }
    return { arrival, tell };
  }

  /** For when the next call is on its way. */
  #teller({ batch, claim, answer, tookMs }: Answered): () => void {
    const { settled, claimed } = answer;
    const asked = claim?.request.limit ?? 0;
    const trip = { settled: batch.length, asked, got: claimed[0]?.jobs.length ?? 0, tookMs };
    return () => {
      for (let index = 0; index < settled.length; index++) {
        const result = settled[index];
        if (result === undefined) continue;
        batch[index]?.onSettled({ outcome: result.outcome, state: result.state, refusal: null });
      }
      this.#options.onTrip(trip);
    };
  }

  /** The next call goes out first: the store works on it while what ended is told and these jobs begin. */
  #begin({ jobs, gaps, isShort }: Arrival, tell: () => void): void {
    this.#coming = jobs.length;
    this.#pump();
    this.#coming = 0;
    tell();
    if (jobs.length > 0) this.#options.onClaimed(jobs, gaps);
    if (isShort && !this.#hungry) this.#options.onShort();
  }

  async #call(batch: readonly Outgoing[], claim: Claim | null): Promise<CommitAnswer> {
    const { store } = this.#options;
    const requests = claim === null ? [] : [claim.request];
    if (batch.length === 0) return { settled: [], claimed: await store.claim(requests) };
    return store.commit(
      batch.map(({ settlement }) => settlement),
      requests,
    );
  }

  async #receive(claim: Claim, answer: ClaimAnswer, sentGaps: number): Promise<Arrival | null> {
    const { keeper, limiter } = this.#options;
    if (answer.sessionOver === true) {
      this.#hungry = true;
      await keeper.revive();
      return null;
    }
    const isSure = !claim.repeated && keeper.isFresh(sentGaps);
    const [granted, gaps] = isSure ? [answer.jobs, sentGaps] : await this.#confirm(claim, answer);
    const jobs = granted.filter(({ lease }) => !keeper.disowns(lease.token));
    limiter?.count(jobs.length);
    const isShort = answer.jobs.length < claim.request.limit && !claim.repeated;
    if (isShort) this.#rest(answer);
    else this.#hungry = true;
    return { jobs, gaps, isShort: isShort && !answer.paused };
  }

  /**
   * Leases granted by a call whose answer was lost, or was long on the way, may be over. The store is asked before
   * their jobs start; those that are no longer ours are left to whoever has them.
   */
  async #confirm(claim: Claim, answer: ClaimAnswer): Promise<[Claimed[], number]> {
    const { keeper } = this.#options;
    const leased = answer.jobs.filter(({ settled }) => !settled);
    if (leased.length === 0) return [[...answer.jobs], keeper.gaps];
    // If this fails, the claim is repeated.
    this.#unanswered = { ...claim, repeated: true };
    let confirmed: Confirmed;
    // This answer, too, may be long on the way.
    do confirmed = await keeper.confirm(leased.map(({ lease }) => lease));
    while (!keeper.isFresh(confirmed.gaps));
    this.#unanswered = null;
    const { tokens, gaps } = confirmed;
    return [answer.jobs.filter(({ settled, lease }) => settled || tokens.has(lease.token)), gaps];
  }

  /** A hint that came meanwhile has made the loop hungry again, and then it does not rest. */
  #rest({ nextDueInMs }: ClaimAnswer): void {
    const pollMs = MIN_POLL_MS + this.#options.random.fraction() * (MAX_POLL_MS - MIN_POLL_MS);
    this.#sleep(Math.max(1, Math.min(nextDueInMs ?? pollMs, pollMs)));
  }

  #sleep(ms: number | null): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (ms === null || !this.#claiming) return;
    this.#timer = this.#options.clock.after(ms, () => this.wake(), { background: true });
  }

  async #recover(thrown: unknown, batch: readonly Outgoing[], claim: Claim | null): Promise<void> {
    const { clock, random, store, keeper, onFault } = this.#options;
    if (isRefusal(thrown) && batch.length > 0) {
      // Nothing was written, and the claim did not happen either.
      this.#hungry = true;
      this.#outbox.putBack(await deliverOneByOne(store, batch));
      return;
    }
    this.#outbox.putBack(batch);
    if (claim !== null) this.#unanswered = { ...claim, repeated: true };
    onFault(asError(thrown));
    if (thrown instanceof ClosedError) {
      void this.end();
      return;
    }
    const waitMs = backoffMs(AFTER_ERROR, ++this.#failuresInRow, random);
    await sleep(clock, waitMs, this.#ended.signal, { background: true });
    this.#outbox.giveUp(({ token }) => !keeper.holds(token));
  }
}
