/**
 * The hot path: ends of attempts go out and jobs come in by the same round trip. While one call is under way,
 * what ends gathers, and leaves together with a claim for the slots that came free. When many have gathered before that,
 * they leave by a call of their own, so that the store has work while the answer to the claim is read here. An idle loop sleeps until a
 * hint, the next due job, or the poll that catches what no hint told.
 */

import { ClosedError } from '../errors.ts';
import { backoffMs } from '../job/backoff.ts';
import { MAX_BATCH_JOBS } from '../job/limits.ts';
import { type Clock, sleep, type Timer } from '../runtime/clock.ts';
import { asError } from '../runtime/emitter.ts';
import type { MakeId } from '../runtime/ids.ts';
import type { Random } from '../runtime/random.ts';
import type { ClaimAnswer, Claimed, ClaimRequest, Settlement, Store } from '../store/store.ts';
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
  #sendingEnds = false;
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
    if (this.#underWay) {
      this.#sendEnds();
      return;
    }
    const batch = this.#outbox.take();
    const claim = this.#unanswered ?? this.#nextClaim(batch.length > 0);
    if (batch.length === 0 && claim === null) return;
    this.#underWay = true;
    this.#lastTrip = this.#send(batch, claim).then(() => this.#pump());
  }

  #sendEnds(): void {
    if (this.#sendingEnds || this.#outbox.size < Math.max(ENDS_ALONE_FROM, this.#share() / 2)) return;
    this.#sendingEnds = true;
    this.#lastEnds = this.#deliver(this.#outbox.take(), null).then(() => {
      this.#sendingEnds = false;
      this.#pump();
    });
  }

  /** With settlements it costs nothing to ask, hungry or not. */
  #nextClaim(withSettlements: boolean): Claim | null {
    const { limiter, makeId, queue, worker } = this.#options;
    if (!this.#claiming || !(this.#hungry || withSettlements)) return null;
    // Ends that did not fit into this call still hold their leases.
    const free = this.#options.freeSlots() - this.#outbox.size - this.#coming;
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
    const arrival = await this.#deliver(batch, claim);
    this.#underWay = false;
    if (arrival !== null) this.#begin(arrival);
  }

  /** Never rejects; null when no claim was answered. */
  async #deliver(batch: readonly Outgoing[], claim: Claim | null): Promise<Arrival | null> {
    const sentMs = this.#options.clock.monotonic();
    const { gaps } = this.#options.keeper;
    let unsent = batch;
    try {
      const answer = await this.#call(batch, claim);
      unsent = [];
      this.#unanswered = null;
      this.#failuresInRow = 0;
      const tookMs = this.#options.clock.monotonic() - sentMs;
      const { asked, got } = { asked: claim?.request.limit ?? 0, got: answer?.jobs.length ?? 0 };
      this.#options.onTrip({ settled: batch.length, asked, got, tookMs });
      return claim === null || answer === null ? null : await this.#receive(claim, answer, gaps);
    } catch (thrown) {
      await this.#recover(thrown, unsent, claim);
      return null;
    }
  }

  /** The next call goes out first: the store works on it while these jobs begin. */
  #begin({ jobs, gaps, isShort }: Arrival): void {
    this.#coming = jobs.length;
    this.#pump();
    this.#coming = 0;
    if (jobs.length > 0) this.#options.onClaimed(jobs, gaps);
    if (isShort && !this.#hungry) this.#options.onShort();
  }

  async #call(batch: readonly Outgoing[], claim: Claim | null): Promise<ClaimAnswer | null> {
    const { store } = this.#options;
    const requests = claim === null ? [] : [claim.request];
    if (batch.length === 0) return (await store.claim(requests))[0] ?? null;
    const settlements = batch.map(({ settlement }) => settlement);
    const { settled, claimed } = await store.commit(settlements, requests);
    for (let index = 0; index < batch.length; index++) {
      const result = settled[index];
      if (result === undefined) continue;
      batch[index]?.onSettled({ outcome: result.outcome, state: result.state, refusal: null });
    }
    return claimed[0] ?? null;
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
