import { type BackoffStrategies, customBackoffMs } from '../job/backoff.ts';
import { type AttemptEnd, type Decision, decideNext, failureOf, finalCause } from '../job/outcome.ts';
import type { LeaseRef } from '../job/record.ts';
import { asError } from '../runtime/emitter.ts';
import { NumberMap } from '../runtime/number-map.ts';
import type { Claimed, Settlement } from '../store/store.ts';
import { Attempt, type AttemptHost, type Ran } from './attempt.ts';
import type { Tell } from './events.ts';
import type { LeaseKeeper } from './lease-keeper.ts';
import type { Settled } from './outbox.ts';
import { Prefetch, type Prefetched } from './prefetch.ts';
import type { Quarantine, Stay } from './quarantine.ts';
import { report, reportUnsettled } from './report.ts';

export interface AttemptsOptions {
  readonly host: AttemptHost;
  readonly keeper: Pick<LeaseKeeper, 'hold' | 'isFresh' | 'release' | 'abandon'>;
  readonly strategies: BackoffStrategies<never>;
  readonly mode: Settlement['mode'];
  readonly settle: (settlement: Settlement) => Promise<Settled>;
  readonly tell: Tell;
  readonly quarantine: Quarantine;
  readonly slots: () => number;
  readonly leaseMs: number;
  /** Jobs that are claimed ahead of their slots at most. */
  readonly prefetch: number;
  /** The last attempt is over and settled. */
  readonly onIdle: () => void;
  /** A slot came free without a settlement that would make the loop look for work. */
  readonly onSlotFree: () => void;
}

/** The attempts of a worker, from their claim until the store has their end. */
export class Attempts {
  readonly #options: AttemptsOptions;
  /** By the tokens of their leases, as are those that follow. */
  readonly #running = new NumberMap<Attempt>();
  /** Ended, and not yet in the store. */
  readonly #settling = new NumberMap<Attempt>();
  readonly #ahead: Prefetch;
  #waiting: (() => void)[] = [];

  constructor(options: AttemptsOptions) {
    const { host, prefetch, leaseMs } = options;
    this.#options = options;
    this.#ahead = new Prefetch({
      ...{ clock: host.client.clock, max: prefetch, leaseMs },
      onLate: (late) => this.#handBackAll(late, 'no slot came free for it in time'),
    });
  }

  /** Slots in use. */
  get running(): number {
    return this.#running.size;
  }

  /** Jobs that may be claimed now. */
  get room(): number {
    const slots = this.#options.slots();
    return slots - this.#running.size + this.#ahead.target(slots) - this.#ahead.size;
  }

  /** Jobs that may be here at once. */
  get most(): number {
    const slots = this.#options.slots();
    return slots + this.#ahead.target(slots);
  }

  /** Nothing runs, waits to run or waits to be settled. */
  get isIdle(): boolean {
    return this.#running.size + this.#ahead.size + this.#settling.size === 0;
  }

  /** Resolves when all attempts are over and settled. */
  idle(): Promise<void> {
    if (this.isIdle) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** `gaps`: those of the session since which its lease holds. */
  begin(claimed: Claimed, gaps: number): void {
    const { host, keeper } = this.#options;
    const attempt = new Attempt(host, claimed);
    if (!claimed.settled) {
      const lost = (why: string): void => this.#lose(attempt, why);
      keeper.hold({ lease: claimed.lease, lost, cancel: (reason) => attempt.cancel(reason) }, gaps);
    }
    if (this.#running.size < this.#options.slots()) this.#enter(attempt);
    else this.#ahead.put(attempt, gaps);
  }

  #enter(attempt: Attempt): void {
    this.#running.set(attempt.claimed.lease.token, attempt);
    const stay = this.#options.quarantine.enter(attempt);
    if (stay === null) void this.#wait(attempt);
    else this.#start(attempt, stay);
  }

  /** Its slot goes to the job that waits longest for one. */
  #leaveSlot(attempt: Attempt): void {
    if (!this.#running.delete(attempt.claimed.lease.token)) return;
    while (this.#running.size < this.#options.slots()) {
      const next = this.#ahead.take();
      if (next === null) return;
      if (this.#mayBegin(next)) this.#enter(next.attempt);
      else this.#handBackAll([next, ...this.#ahead.empty()], 'it waited too long for a slot');
    }
  }

  /** A process that was paused, or a loop that was blocked, must not begin what may be somebody else's by now. */
  #mayBegin(next: Prefetched): boolean {
    if (next.attempt.claimed.settled || next.attempt.stopped !== null) return true;
    return !this.#ahead.isLate(next) && this.#options.keeper.isFresh(next.gaps);
  }

  /** What waits for a slot goes back: the worker pauses or closes. */
  handBackAhead(why: string): void {
    this.#handBackAll(this.#ahead.empty(), why);
  }

  /** What was completed by its claim cannot go back: it runs. */
  #handBackAll(waiting: readonly Prefetched[], why: string): void {
    for (const { attempt } of waiting) {
      if (attempt.claimed.settled) this.#enter(attempt);
      else void this.#handBack(attempt, { afterMs: 0, why });
    }
  }

  #start(attempt: Attempt, stay: Stay | null): void {
    const { host, tell } = this.#options;
    host.telemetry.tell('onAttemptStart', attempt.info);
    tell('active', attempt.job);
    void this.#follow(attempt, stay);
  }

  /** It may not begin yet, or not here. Who is told to stop meanwhile begins, to end by that at once. */
  async #wait(attempt: Attempt): Promise<void> {
    const { quarantine } = this.#options;
    const stay = await quarantine.wait(attempt);
    if (stay !== null || attempt.stopped !== null) this.#start(attempt, stay);
    else {
      const why = 'a job that may have ended its process runs alone';
      await this.#handBack(attempt, { afterMs: quarantine.handBackMs(attempt), why });
    }
  }

  async #handBack(attempt: Attempt, { afterMs, why }: { afterMs: number; why: string }): Promise<void> {
    const { mode, settle, tell } = this.#options;
    const { lease } = attempt.claimed;
    this.#settling.set(lease.token, attempt);
    this.#leaveSlot(attempt);
    const settled = await settle({ lease, next: { to: 'released', afterMs, why }, mode });
    this.#letGo(lease, settled);
    if (settled.outcome === 'ok') tell('released', attempt.job, why);
    this.#forget(attempt);
  }

  /** Tells a running attempt to stop; false when none of that job runs here. */
  cancel(id: string, reason: string): boolean {
    const waiting = [...this.#ahead].map(({ attempt }) => attempt);
    const attempt = [...this.#running.values(), ...waiting].find(({ claimed }) => claimed.job.id === id);
    attempt?.cancel(reason);
    return attempt !== undefined;
  }

  /** The worker closes: what runs is told to stop, and will be handed back. */
  shutDown(): void {
    for (const attempt of this.#running.values()) attempt.shutDown();
  }

  /** While its end is on the way, the store's answer to it is what counts. */
  #lose(attempt: Attempt, why: string): void {
    if (!this.#running.has(attempt.claimed.lease.token)) {
      if (this.#ahead.remove(attempt) && this.isIdle) this.#rest();
      return;
    }
    attempt.lose(why);
    this.#options.tell('lease-lost', attempt.job, why);
  }

  /** Never rejects. */
  async #follow(attempt: Attempt, stay: Stay | null): Promise<void> {
    try {
      const ran = await attempt.run();
      if (attempt.claimed.settled) this.#overUnsettled(attempt, ran);
      else await this.#over(attempt, ran);
    } catch (thrown) {
      this.#options.tell('error', asError(thrown));
    } finally {
      this.#forget(attempt);
      stay?.leave();
    }
  }

  #forget(attempt: Attempt): void {
    this.#settling.delete(attempt.claimed.lease.token);
    this.#leaveSlot(attempt);
    if (this.isIdle) this.#rest();
  }

  #rest(): void {
    this.#options.onIdle();
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #overUnsettled(attempt: Attempt, ran: Ran): void {
    this.#leaveSlot(attempt);
    const failed = ran.end !== null && failureOf(ran.end) !== null;
    this.#tellEnd(attempt, ran, failed ? 'failed' : 'completed');
    reportUnsettled(this.#options.tell, attempt, ran);
    this.#options.onSlotFree();
  }

  async #over(attempt: Attempt, ran: Ran): Promise<void> {
    const { host, keeper, mode, settle, tell, onSlotFree } = this.#options;
    const { lease } = attempt.claimed;
    const decision = ran.end === null ? null : await this.#decide(attempt, ran.end, ran.ranMs);
    // The lease may also have been lost while a strategy was asked.
    if (decision === null || attempt.stopped?.how === 'lost') {
      this.#leaveSlot(attempt);
      this.#tellEnd(attempt, ran, 'lost');
      keeper.release(lease.token);
      onSlotFree();
      return;
    }
    this.#settling.set(lease.token, attempt);
    this.#ahead.learn(ran.ranMs);
    this.#leaveSlot(attempt);
    this.#tellEnd(attempt, ran, decision.to);
    const { clock } = host.client;
    const endedMs = clock.monotonic();
    const { traceId } = attempt.info;
    const settled = await settle({ lease, next: decision, mode, ...(traceId !== null && { traceId }) });
    this.#letGo(lease, settled);
    const tookMs = clock.monotonic() - endedMs;
    host.telemetry.tell('onSettle', { attempt: attempt.info, outcome: settled.outcome, tookMs });
    report(tell, { attempt, ran, decision, settled, nowMs: clock.now() });
  }

  /** The store may still have the lease, and its session goes on. */
  #letGo(lease: LeaseRef, { outcome }: Settled): void {
    const { keeper } = this.#options;
    if (outcome === 'unknown' || outcome === 'expired') keeper.abandon(lease);
    else keeper.release(lease.token);
  }

  async #decide(attempt: Attempt, end: AttemptEnd, ranMs: number): Promise<Decision> {
    const { job, elapsedMs } = attempt.claimed;
    const ended = {
      ...{ job, end, elapsedMs: elapsedMs + ranMs, strategyMs: null },
      random: this.#options.host.client.random,
    };
    if (failureOf(end) === null || finalCause(ended) !== null) return decideNext(ended);
    return decideNext({ ...ended, strategyMs: await this.#askStrategy(attempt, end) });
  }

  /** A strategy that is missing or broken must not lose the job: the delay that came with the backoff serves. */
  async #askStrategy(attempt: Attempt, end: AttemptEnd): Promise<number | 'give-up' | null> {
    const { job } = attempt.claimed;
    const { backoff } = job.policy;
    const failure = end.how === 'control' ? null : failureOf(end);
    if (failure === null || backoff?.type !== 'custom') return null;
    const failed = { failures: job.failures + 1, error: asError(failure.error), job: attempt.job as never };
    try {
      return await customBackoffMs(this.#options.strategies, backoff, failed);
    } catch (thrown) {
      this.#options.tell('error', asError(thrown));
      return null;
    }
  }

  #tellEnd(attempt: Attempt, ran: Ran, to: Decision['to'] | 'lost'): void {
    const failure = ran.end === null ? null : failureOf(ran.end);
    this.#options.host.telemetry.tell('onAttemptEnd', {
      attempt: attempt.info,
      ranMs: ran.ranMs,
      to,
      error: failure === null ? null : asError(failure.error),
      leftBehind: ran.leftBehind,
    });
  }
}
