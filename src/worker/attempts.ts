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
import { type Ending, report, reportUnsettled } from './report.ts';

export interface AttemptsOptions {
  readonly host: Omit<AttemptHost, 'onLost' | 'onEnd'>;
  readonly keeper: Pick<LeaseKeeper, 'hold' | 'isFresh' | 'release' | 'abandon'>;
  readonly strategies: BackoffStrategies<never>;
  readonly mode: Settlement['mode'];
  /** `onSettled` must not throw. */
  readonly settle: (settlement: Settlement, onSettled: (settled: Settled) => void) => void;
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
  readonly #host: AttemptHost;
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
    this.#host = {
      ...host,
      onLost: (attempt, why) => this.#lose(attempt, why),
      onEnd: (attempt, ran) => this.#ended(attempt, ran),
    };
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
    const attempt = new Attempt(this.#host, claimed);
    if (!claimed.settled) this.#options.keeper.hold(attempt, gaps);
    if (this.#running.size < this.#options.slots()) this.#enter(attempt);
    else this.#ahead.put(attempt, gaps);
  }

  #enter(attempt: Attempt): void {
    this.#running.set(attempt.lease.token, attempt);
    const stay = this.#options.quarantine.enter(attempt);
    if (stay === null) void this.#wait(attempt);
    else this.#start(attempt, stay);
  }

  /** Its slot goes to the job that waits longest for one. */
  #leaveSlot({ lease }: Attempt): void {
    if (!this.#running.delete(lease.token)) return;
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
      else this.#handBack(attempt, { afterMs: 0, why });
    }
  }

  #start(attempt: Attempt, stay: Stay | null): void {
    const { telemetry } = this.#host;
    attempt.stay = stay;
    if (telemetry.hears('onAttemptStart')) telemetry.tell('onAttemptStart', attempt.info);
    this.#options.tell('active', attempt.job);
    attempt.run();
  }

  /** It may not begin yet, or not here. Who is told to stop meanwhile begins, to end by that at once. */
  async #wait(attempt: Attempt): Promise<void> {
    const { quarantine } = this.#options;
    const stay = await quarantine.wait(attempt);
    if (stay !== null || attempt.stopped !== null) this.#start(attempt, stay);
    else {
      const why = 'a job that may have ended its process runs alone';
      this.#handBack(attempt, { afterMs: quarantine.handBackMs(attempt), why });
    }
  }

  #handBack(attempt: Attempt, { afterMs, why }: { afterMs: number; why: string }): void {
    const { mode, settle, tell } = this.#options;
    const { lease } = attempt;
    this.#settling.set(lease.token, attempt);
    this.#leaveSlot(attempt);
    settle({ lease, next: { to: 'released', afterMs, why }, mode }, (settled) => {
      this.#letGo(lease, settled);
      if (settled.outcome === 'ok') tell('released', attempt.job, why);
      this.#forget(attempt);
    });
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
    if (!this.#running.has(attempt.lease.token)) {
      if (this.#ahead.remove(attempt) && this.isIdle) this.#rest();
      return;
    }
    attempt.lose(why);
    this.#options.tell('lease-lost', attempt.job, why);
  }

  /** Never throws. What goes wrong here is no fault of the job, and must not keep its slot. */
  #ended(attempt: Attempt, ran: Ran): void {
    try {
      if (attempt.claimed.settled) this.#overUnsettled(attempt, ran);
      else if (ran.end === null) this.#overLost(attempt, ran);
      else {
        const decision = this.#decide(attempt, ran.end, ran.ranMs);
        if (decision instanceof Promise) void this.#settleLater(attempt, ran, decision);
        else this.#settle(attempt, ran, decision);
      }
    } catch (thrown) {
      this.#broke(attempt, thrown);
    }
  }

  #broke(attempt: Attempt, thrown: unknown): void {
    this.#options.tell('error', asError(thrown));
    this.#forget(attempt);
  }

  #forget(attempt: Attempt): void {
    this.#settling.delete(attempt.lease.token);
    this.#leaveSlot(attempt);
    if (this.isIdle) this.#rest();
    attempt.stay?.leave();
    attempt.stay = null;
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
    this.#forget(attempt);
  }

  #overLost(attempt: Attempt, ran: Ran): void {
    const { keeper, onSlotFree } = this.#options;
    this.#leaveSlot(attempt);
    this.#tellEnd(attempt, ran, 'lost');
    keeper.release(attempt.lease.token);
    onSlotFree();
    this.#forget(attempt);
  }

  async #settleLater(attempt: Attempt, ran: Ran, deciding: Promise<Decision>): Promise<void> {
    try {
      const decision = await deciding;
      // The lease may also have been lost while a strategy was asked.
      if (attempt.stopped?.how === 'lost') this.#overLost(attempt, ran);
      else this.#settle(attempt, ran, decision);
    } catch (thrown) {
      this.#broke(attempt, thrown);
    }
  }

  #settle(attempt: Attempt, ran: Ran, decision: Decision): void {
    const { mode, settle } = this.#options;
    const { lease, traceId } = attempt;
    this.#settling.set(lease.token, attempt);
    this.#ahead.learn(ran.ranMs);
    this.#leaveSlot(attempt);
    this.#tellEnd(attempt, ran, decision.to);
    const { telemetry, client } = this.#host;
    const endedMs = telemetry.hears('onSettle') ? client.clock.monotonic() : null;
    const settlement: Settlement =
      traceId === null ? { lease, next: decision, mode } : { lease, next: decision, mode, traceId };
    settle(settlement, (settled) => this.#settled({ attempt, ran, decision, settled }, endedMs));
  }

  /** Never throws. `endedMs` is null when nobody wants to know how long it took. */
  #settled(ending: Ending, endedMs: number | null): void {
    const { attempt, settled } = ending;
    const { telemetry, client } = this.#host;
    try {
      this.#letGo(attempt.lease, settled);
      if (endedMs !== null) {
        const tookMs = client.clock.monotonic() - endedMs;
        telemetry.tell('onSettle', { attempt: attempt.info, outcome: settled.outcome, tookMs });
      }
      report(this.#options.tell, ending, client.clock.now());
      this.#forget(attempt);
    } catch (thrown) {
      this.#broke(attempt, thrown);
    }
  }

  /** The store may still have the lease, and its session goes on. */
  #letGo(lease: LeaseRef, { outcome }: Settled): void {
    const { keeper } = this.#options;
    if (outcome === 'unknown' || outcome === 'expired') keeper.abandon(lease);
    else keeper.release(lease.token);
  }

  /** A promise only where a strategy has to be asked. */
  #decide(attempt: Attempt, end: AttemptEnd, ranMs: number): Decision | Promise<Decision> {
    const { job, elapsedMs } = attempt.claimed;
    const { random } = this.#host.client;
    const ended = { job, end, elapsedMs: elapsedMs + ranMs, strategyMs: null, random };
    const isAsked = failureOf(end) !== null && job.policy.backoff?.type === 'custom';
    if (!isAsked || finalCause(ended) !== null) return decideNext(ended);
    return this.#askStrategy(attempt, end).then((strategyMs) => decideNext({ ...ended, strategyMs }));
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
    const { telemetry } = this.#host;
    if (!telemetry.hears('onAttemptEnd')) return;
    const failure = ran.end === null ? null : failureOf(ran.end);
    telemetry.tell('onAttemptEnd', {
      attempt: attempt.info,
      ranMs: ran.ranMs,
      to,
      error: failure === null ? null : asError(failure.error),
      leftBehind: ran.leftBehind,
    });
  }
}
