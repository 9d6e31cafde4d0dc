/** The parts of a worker put together: it starts them in order, and ends them in order. */

import type { SharedStore } from '../connect.ts';
import { ClosedError } from '../errors.ts';
import type { BackoffStrategies } from '../job/backoff.ts';
import { type Client, clientFor } from '../queue/client.ts';
import { sleep } from '../runtime/clock.ts';
import { asError } from '../runtime/emitter.ts';
import { FaultState } from '../runtime/fault-state.ts';
import { machine } from '../runtime/machine.ts';
import { within } from '../runtime/within.ts';
import type { Claimed, Hint, Reclaimed } from '../store/store.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { joinUpkeep } from '../upkeep/shared.ts';
import { ABORT_GRACE_MS, type AnyProcessor } from './attempt.ts';
import { Attempts } from './attempts.ts';
import { ClaimLoop, type Trip } from './claim-loop.ts';
import type { Tell } from './events.ts';
import { gateOf } from './gate.ts';
import { type Isolated, isolate } from './isolation/isolate.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import { Limiter } from './limiter.ts';
import type { ResolvedWorkerOptions } from './options.ts';
import { Quarantine } from './quarantine.ts';
import { Session } from './session.ts';

export interface EngineOptions {
  readonly queue: string;
  /** Null: the options say which file has it. */
  readonly processor: AnyProcessor | null;
  readonly options: Omit<ResolvedWorkerOptions, 'strategies'> & {
    readonly strategies: BackoffStrategies<never>;
  };
  readonly shared: SharedStore;
  readonly telemetry: Telemetry;
  readonly tell: Tell;
}

/** The last calls of a worker are not waited for any longer than this, each; the store may be away. */
const LAST_CALL_MS = 3_000;
const NEVER_CAME = { to: 'released', afterMs: 0, why: 'its worker never got it' } as const;
const CLOSED_TOO_SOON = 'its worker closed before it began';
const WATCH_AGAIN_MS = 2_000;
/** A look that finds nothing writes nothing; looks are frequent, so that a lost job waits for its lease alone. */
const LOOKS_A_LEASE = 30;
const MIN_LOOK_MS = 100;
/** However long the leases of this worker are, those of others in need of being taken back may be short. */
const MAX_LOOK_MS = 1_000;

export class Engine {
  readonly id: string;
  concurrency: number;
  readonly #engine: EngineOptions;
  readonly #client: Client;
  readonly #keeper: LeaseKeeper;
  readonly #loop: ClaimLoop;
  readonly #attempts: Attempts;
  readonly #session: Session;
  readonly #isolated: Isolated | null;
  readonly #quarantine: Quarantine;
  #closeGate: () => void = () => {};
  readonly #faults = new FaultState();
  #faultySinceMs = 0;
  readonly #hurry = new AbortController();
  #unwatch: () => void = () => {};
  #leaveUpkeep: () => Promise<void> = async () => {};
  #phase: 'new' | 'started' | 'closing' = 'new';
  #paused = false;
  #ready = false;
  /** The latest claim found fewer jobs than there were slots for. */
  #foundEnd = false;
  /** Jobs were claimed since 'drained' was last told. */
  #worked = false;

  constructor(engine: EngineOptions) {
    const { options, shared } = engine;
    this.#engine = engine;
    this.#client = clientFor(shared);
    this.concurrency = options.concurrency;
    this.id = `${options.label ?? machine.host}:${machine.pid}:${this.#client.makeId()}`;
    this.#quarantine = this.#makeQuarantine();
    this.#session = this.#makeSession();
    this.#keeper = this.#makeKeeper();
    this.#loop = this.#makeLoop();
    this.#isolated = this.#makeIsolated();
    this.#attempts = this.#makeAttempts();
  }

  get isStarted(): boolean {
    return this.#phase === 'started';
  }

  /** Resolves when the store has answered. Rejects with its first error; the worker goes on trying all the same. */
  async start(): Promise<void> {
    if (this.#phase !== 'new') return;
    this.#phase = 'started';
    const { options, telemetry } = this.#engine;
    const entered = this.#enter();
    // The watch first, so that no job that is added from now on is overlooked until the poll.
    if (!(await this.#watch())) void this.#watchLater();
    if (this.#hasEnded()) return;
    this.#leaveUpkeep = joinUpkeep(this.#client, {
      reclaimEveryMs: Math.min(Math.max(options.leaseMs / LOOKS_A_LEASE, MIN_LOOK_MS), MAX_LOOK_MS),
      onReclaimed: (reclaimed) => this.#reclaimed(reclaimed),
      onWorked: () => this.#works('upkeep'),
      onError: (error) => this.#fault('upkeep', error),
      telemetry,
    });
    this.#closeGate = this.#quarantine.onOpen(() => this.#loop.wake());
    this.#keeper.start();
    if (!this.#paused) this.#loop.startClaiming();
    const thrown = await entered;
    if (thrown !== null) throw thrown;
  }

  /** Answers the error, if there was one: nobody may be waiting for it yet. */
  async #enter(): Promise<Error | null> {
    try {
      await this.#session.start();
      return null;
    } catch (thrown) {
      const error = asError(thrown);
      this.#fault('session', error);
      return error;
    }
  }

  /** Answers whether hints come from now on. Without them jobs are found by the poll. */
  async #watch(): Promise<boolean> {
    try {
      const unwatch = await this.#client.watch(this.#engine.queue, (hint) => this.#hear(hint));
      if (this.#hasEnded()) unwatch();
      else this.#unwatch = unwatch;
      this.#works('watch');
      return true;
    } catch (thrown) {
      this.#fault('watch', asError(thrown));
      return false;
    }
  }

  async #watchLater(): Promise<void> {
    do await sleep(this.#client.clock, WATCH_AGAIN_MS, undefined, { background: true });
    while (!this.#hasEnded() && !(await this.#watch()));
  }

  pause(): void {
    this.#paused = true;
    this.#loop.stopClaiming();
    this.#attempts.handBackAhead('its worker paused before it began');
  }

  resume(): void {
    this.#paused = false;
    if (this.#phase === 'started') this.#loop.startClaiming();
  }

  /** More slots may be free now. */
  wake(): void {
    this.#loop.wake();
  }

  /** When nothing runs and all ends are stored. */
  idle(): Promise<void> {
    return this.#attempts.idle();
  }

  /** Durable: whichever worker runs the job will stop. False when the job is over or unknown. */
  async cancel(id: string, reason: string): Promise<boolean> {
    if (this.#phase === 'closing') throw new ClosedError(`the worker of queue "${this.#engine.queue}"`);
    const job = { queue: this.#engine.queue, id };
    const { outcome } = await this.#client.apply({ op: 'cancel', job, reason });
    if (outcome === 'ok') this.#attempts.cancel(id, reason);
    return outcome === 'ok';
  }

  /** Waits no longer for running jobs, also when `close` is under way. */
  hurry(): void {
    this.#hurry.abort();
  }

  /** Never rejects, and is over in a bounded time whatever the store and the processors do. */
  async close(waitMs: number): Promise<void> {
    const started = this.#phase === 'started';
    this.#phase = 'closing';
    if (started) await this.#end(waitMs);
    await this.#last('store', this.#engine.shared.release());
  }

  async #end(waitMs: number): Promise<void> {
    const { clock } = this.#client;
    this.#closeGate();
    this.#loop.stopClaiming();
    this.#attempts.handBackAhead(CLOSED_TOO_SOON);
    await this.#waitForAttempts(waitMs);
    this.#attempts.shutDown();
    await within(clock, this.#attempts.idle(), ABORT_GRACE_MS + LAST_CALL_MS);
    await within(clock, this.#loop.end(), LAST_CALL_MS);
    await within(clock, this.#client.drained(), LAST_CALL_MS);
    this.#keeper.stop();
    if (this.#isolated !== null) await this.#last('children', this.#isolated.close());
    this.#unwatch();
    await this.#last('session', this.#session.end());
    await this.#last('upkeep', this.#leaveUpkeep());
  }

  async #waitForAttempts(waitMs: number): Promise<void> {
    const over = new AbortController();
    const idle = this.#attempts.idle().then(() => over.abort());
    const signal = AbortSignal.any([over.signal, this.#hurry.signal]);
    await Promise.race([idle, sleep(this.#client.clock, waitMs, signal)]);
  }

  /** What was not waited for any more meets a store that was closed meanwhile; that is no news after the end. */
  async #last(part: string, call: Promise<unknown>): Promise<void> {
    let isOver = false;
    const told = call.catch((thrown: unknown) => {
      if (!isOver) this.#fault(part, asError(thrown));
    });
    await within(this.#client.clock, told, LAST_CALL_MS);
    isOver = true;
  }

  #makeSession(): Session {
    const { clock, store } = this.#client;
    const { leaseMs, maxBlockMs } = this.#engine.options;
    return new Session({
      ...{ store, clock, id: this.id, queue: this.#engine.queue, machine, ttlMs: leaseMs, maxBlockMs },
      load: () => ({ slots: this.concurrency, busy: this.#attempts.running, held: this.#keeper.size }),
      onBeat: () => this.#works('session'),
      onGap: () => void this.#keeper.catchUp(),
      lost: () => this.#keeper.lost,
      onBlocked: (blockedMs, lostBefore) => void this.#blocked(Math.round(blockedMs), lostBefore),
      onFault: (error) => this.#fault('session', error),
    });
  }

  #makeKeeper(): LeaseKeeper {
    const { clock, store } = this.#client;
    return new LeaseKeeper({
      clock,
      leaseMs: this.#engine.options.leaseMs,
      session: this.#session,
      renew: (leases, leaseMs) => store.renew(leases, leaseMs),
      leases: () => store.leases(this.id),
      handBack: (lease) => store.commit([{ lease, next: NEVER_CAME, mode: 'lenient' }]),
      onRenewed: () => this.#works('renew'),
      onFault: (error) => this.#fault('renew', error),
    });
  }

  #makeLoop(): ClaimLoop {
    const { clock, random, store, makeId } = this.#client;
    const { limiter } = this.#engine.options;
    return new ClaimLoop({
      ...{ clock, random, store, makeId, keeper: this.#keeper },
      queue: this.#engine.queue,
      worker: this.id,
      limiter: limiter === null ? null : new Limiter(clock, limiter),
      slots: () => this.#attempts.most,
      freeSlots: () => (this.#quarantine.isOpen ? this.#attempts.room : 0),
      onClaimed: (claimed, gaps) => this.#begin(claimed, gaps),
      onShort: () => {
        this.#foundEnd = true;
        this.#checkDrained();
      },
      onTrip: (trip) => this.#tripped(trip),
      onFault: (error) => this.#fault('claim', error),
    });
  }

  #makeQuarantine(): Quarantine {
    const { clock } = this.#client;
    const { leaseMs, isolation } = this.#engine.options;
    return new Quarantine({
      ...{ gate: gateOf(this.#client), clock, leaseMs, inChild: isolation !== null },
      apply: (effect) => this.#client.apply(effect),
    });
  }

  #makeIsolated(): Isolated | null {
    const { isolation, maxPayloadBytes } = this.#engine.options;
    const { clock } = this.#client;
    if (isolation === null) return null;
    return isolate({ isolation, clock, maxPayloadBytes, size: () => this.concurrency });
  }

  #makeAttempts(): Attempts {
    const { options, telemetry, tell } = this.#engine;
    const processor = this.#engine.processor ?? this.#isolated?.processor ?? (() => undefined);
    const { schemas, maxPayloadBytes, strategies, mode, leaseMs, prefetch } = options;
    return new Attempts({
      host: {
        ...{ client: this.#client, worker: this.id, processor, schemas, maxPayloadBytes, telemetry },
        onProgress: (job, value) => tell('progress', job, value),
        stillHeld: (token) => this.#keeper.verify(token),
      },
      keeper: this.#keeper,
      ...{ strategies, mode, leaseMs, prefetch, tell, quarantine: this.#quarantine },
      slots: () => this.concurrency,
      settle: (settlement, onSettled) => this.#loop.settle(settlement, onSettled),
      onSlotFree: () => this.#loop.wake(),
      onIdle: () => this.#checkDrained(),
    });
  }

  /** Jobs that a call under way brought in after the worker began to close go back, but those that cannot. */
  #begin(claimed: readonly Claimed[], gaps: number): void {
    this.#worked = true;
    this.#foundEnd = false;
    for (const one of claimed) {
      if (this.#phase === 'started' || one.settled) this.#attempts.begin(one, gaps);
      else this.#handBack(one);
    }
  }

  #handBack({ lease }: Claimed): void {
    const next = { to: 'released', afterMs: 0, why: CLOSED_TOO_SOON } as const;
    this.#loop.settle({ lease, next, mode: this.#engine.options.mode }, () => {});
  }

  #checkDrained(): void {
    if (!this.#worked || !this.#foundEnd || !this.#attempts.isIdle || this.#phase !== 'started') return;
    this.#worked = false;
    this.#engine.tell('drained');
  }

  #hear({ news }: Hint): void {
    if (news === 'cancel' || news === 'unknown') this.#keeper.hint(news === 'cancel');
    if (news === 'ended' || news === 'cancel' || news === 'taken') return;
    this.#foundEnd = false;
    this.#loop.wake();
  }

  #tripped({ settled, asked, got, tookMs }: Trip): void {
    this.#works('claim');
    if (asked === 0) return;
    const { queue, telemetry } = this.#engine;
    telemetry.tell('onClaim', { queue, worker: this.id, asked, got, settled, tookMs });
  }

  /** Told when it is known what was lost by it. */
  async #blocked(blockedMs: number, lostBefore: number): Promise<void> {
    await this.#keeper.catchUp();
    const leasesLost = this.#keeper.lost - lostBefore;
    const { queue, telemetry, tell } = this.#engine;
    tell('blocked', { blockedMs, leasesLost });
    telemetry.tell('onBlocked', { queue, worker: this.id, blockedMs, leasesLost });
  }

  #reclaimed({ queue, id, crashes, state, worker }: Reclaimed): void {
    if (queue === this.#engine.queue) this.#engine.tell('reclaimed', { queue, id, crashes, state, worker });
  }

  #works(part: string): void {
    if (this.#faults.ok(part)) {
      this.#engine.tell('recovered', Math.round(this.#client.clock.monotonic() - this.#faultySinceMs));
    }
    if (this.#ready || part !== 'session') return;
    this.#ready = true;
    this.#engine.tell('ready');
  }

  #fault(part: string, error: Error): void {
    if (this.#faults.isClear) this.#faultySinceMs = this.#client.clock.monotonic();
    if (this.#faults.fail(error, part)) this.#engine.tell('error', error);
  }

  /** `close` may have been called while something was awaited. */
  #hasEnded(): boolean {
    return this.#phase === 'closing';
  }
}
