/**
 * Keeps the leases of a worker alive: one call for all of them, three times a lease, by the monotonic clock. What
 * cannot be renewed in time is given up here before the store gives it to another worker.
 *
 * It knows only a clock and a function that renews, so that it can move to a thread of its own.
 */

import { StoreUnavailableError } from '../errors.ts';
import { MAX_BATCH_JOBS } from '../job/limits.ts';
import type { LeaseRef } from '../job/record.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import { asError } from '../runtime/emitter.ts';
import { within } from '../runtime/within.ts';
import type { RenewResult } from '../store/store.ts';

/** Who is told about a lease. */
export interface Holder {
  readonly lease: LeaseRef;
  /** Another worker may be running the job; the lease is not kept any more. */
  lost(why: string): void;
  /** Somebody asked the job to stop. Told at every renewal from then on. */
  cancel(reason: string): void;
}

export interface LeaseKeeperOptions {
  readonly clock: Clock;
  readonly leaseMs: number;
  readonly renew: (leases: readonly LeaseRef[], leaseMs: number) => Promise<readonly RenewResult[]>;
  readonly onRenewed: () => void;
  /** Told at every failure. */
  readonly onFault: (error: Error) => void;
}

interface Kept {
  readonly holder: Holder;
  /** By the monotonic clock, counted from the moment the claim or renewal was asked for. */
  endsAtMs: number;
}

const RENEWALS_A_LEASE = 3;
/**
 * Long leases are renewed as often as those of 30 seconds: between two looks of upkeep for lost leases (15 s) a
 * worker that lives always renews, so that no jump of the store's clock takes its jobs.
 */
const MAX_EVERY_MS = 10_000;
const TRIES_A_LEASE = 12;
/** Hints that may mean anything lead to at most one renewal in this time. */
const HINT_MS = 1_000;

export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions;
  readonly #everyMs: number;
  readonly #kept = new Map<number, Kept>();
  #timer: Timer | null = null;
  #nextRenewalMs: number;
  #lastRenewalMs = Number.NEGATIVE_INFINITY;
  #underWay = false;
  /** Somebody asked for a renewal while one was under way, which may have been too early for it. */
  #again = false;
  #stopped = false;

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
    this.#everyMs = Math.min(options.leaseMs / RENEWALS_A_LEASE, MAX_EVERY_MS);
    this.#nextRenewalMs = options.clock.monotonic();
  }

  /** `sinceMs`: when the claim was sent. Its answer may have been long on the way. */
  hold(holder: Holder, sinceMs: number): void {
    this.#kept.set(holder.lease.token, { holder, endsAtMs: sinceMs + this.#options.leaseMs });
    const dueMs = sinceMs + this.#everyMs;
    // The timer that runs is early enough, unless the answer to the claim was long on the way.
    if (this.#timer !== null && this.#nextRenewalMs <= dueMs) return;
    this.#nextRenewalMs = dueMs;
    this.#arm();
  }

  holds(token: number): boolean {
    return this.#kept.has(token);
  }

  release(token: number): void {
    this.#kept.delete(token);
  }

  /** A hint came. `urgent`: it says that a job shall stop; else it may mean anything. */
  hint(urgent: boolean): void {
    if (this.#kept.size === 0) return;
    if (!urgent && this.#options.clock.monotonic() - this.#lastRenewalMs < HINT_MS) return;
    if (this.#underWay) this.#again ||= urgent;
    else void this.#renew();
  }

  stop(): void {
    this.#stopped = true;
    this.#kept.clear();
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** Without leases there is no timer; the next `hold` sets it again. */
  #arm(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#stopped || this.#kept.size === 0) return;
    const nowMs = this.#options.clock.monotonic();
    const atMs = Math.min(this.#nextRenewalMs, this.#firstEndMs());
    this.#timer = this.#options.clock.after(Math.max(0, atMs - nowMs), () => this.#tick(), {
      background: true,
    });
  }

  /** Goes on while a renewal is under way: a call that hangs must not keep leases that are over. */
  #tick(): void {
    this.#giveUpOverdue();
    const nowMs = this.#options.clock.monotonic();
    if (nowMs >= this.#nextRenewalMs) {
      this.#nextRenewalMs = nowMs + this.#everyMs;
      if (!this.#underWay) void this.#renew();
    }
    this.#arm();
  }

  #firstEndMs(): number {
    let first = Number.POSITIVE_INFINITY;
    for (const { endsAtMs } of this.#kept.values()) first = Math.min(first, endsAtMs);
    return first;
  }

  #giveUpOverdue(): void {
    const nowMs = this.#options.clock.monotonic();
    for (const [token, { holder, endsAtMs }] of this.#kept) {
      if (endsAtMs > nowMs) continue;
      this.#kept.delete(token);
      holder.lost('it could not be renewed in time');
    }
  }

  /** Never rejects. */
  async #renew(): Promise<void> {
    this.#underWay = true;
    do {
      this.#again = false;
      await this.#renewAll();
    } while (this.#again && !this.#stopped);
    this.#underWay = false;
  }

  async #renewAll(): Promise<void> {
    const all = [...this.#kept.values()].map(({ holder }) => holder.lease);
    if (all.length === 0) return;
    try {
      for (let from = 0; from < all.length; from += MAX_BATCH_JOBS) {
        await this.#renewSome(all.slice(from, from + MAX_BATCH_JOBS));
      }
      this.#options.onRenewed();
    } catch (thrown) {
      const { clock, leaseMs } = this.#options;
      this.#nextRenewalMs = clock.monotonic() + Math.min(leaseMs / TRIES_A_LEASE, MAX_EVERY_MS);
      this.#arm();
      this.#options.onFault(asError(thrown));
    }
  }

  async #renewSome(leases: readonly LeaseRef[]): Promise<void> {
    const { clock, leaseMs, renew } = this.#options;
    const askedMs = clock.monotonic();
    this.#lastRenewalMs = askedMs;
    const answer = renew(leases, leaseMs);
    if (!(await within(clock, answer, leaseMs))) {
      throw new StoreUnavailableError(`a renewal of leases was not answered within ${leaseMs} ms.`);
    }
    const results = await answer;
    for (const [index, lease] of leases.entries()) this.#renewed(lease, results[index], askedMs);
  }

  #renewed({ token }: LeaseRef, result: RenewResult | undefined, askedMs: number): void {
    const kept = this.#kept.get(token);
    if (kept === undefined || result === undefined) return;
    if (result.outcome === 'ok') {
      kept.endsAtMs = askedMs + this.#options.leaseMs;
      if (result.cancelReason !== null) kept.holder.cancel(result.cancelReason);
      return;
    }
    this.#kept.delete(token);
    kept.holder.lost(result.outcome);
  }
}
