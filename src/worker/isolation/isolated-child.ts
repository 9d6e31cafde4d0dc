import { LeaseLostError, ProcessorLoadError } from '../../errors.ts';
import { discard, release, retryIn } from '../../job/control.ts';
import { decodeJson } from '../../job/payload.ts';
import type { Clock, Timer } from '../../runtime/clock.ts';
import { Deferred } from '../../runtime/deferred.ts';
import { within } from '../../runtime/within.ts';
import { ABORT_GRACE_MS } from '../attempt.ts';
import type { ProcessorContext } from '../context.ts';
import { RefusedResult } from '../refused-result.ts';
import type { RunningJob } from '../running-job.ts';
import { answerCall } from './answer-call.ts';
import { carryError, restoreError } from './carry-error.ts';
import { errorOfEnd } from './child-end.ts';
import type { ChildEnd, Link, LinkOptions, MakeLink } from './link.ts';
import type { Call, CarriedControl, FromChild, Outcome } from './messages.ts';

interface Current {
  readonly run: number;
  readonly job: RunningJob;
  readonly outcome: Deferred<Outcome>;
  /** The child has been told of it. */
  began: boolean;
}

export interface ChildOptions extends LinkOptions {
  readonly makeLink: MakeLink;
  readonly clock: Clock;
  readonly maxPayloadBytes: number;
}

/** Killed this much before the attempt would leave it behind, so that nothing is. */
const KILL_AFTER_MS: number = ABORT_GRACE_MS - 300;
/** A module that takes longer than this to load hangs. */
const START_MS = 60_000;
/** For what the application does when its process exits. */
const END_MS = 1_000;

/** A child from its start to its end. It runs one job at a time. */
export class IsolatedChild {
  readonly #options: ChildOptions;
  readonly #link: Link;
  readonly #ready = new Deferred();
  readonly #gone = new Deferred();
  #current: Current | null = null;
  #runs = 0;
  #usedMb = 0;
  #isGone = false;
  #isUsable = false;
  #killTimer: Timer | null = null;

  constructor(options: ChildOptions) {
    this.#options = options;
    this.#link = options.makeLink(options, {
      told: (message) => this.#hear(message),
      ended: (end) => this.#ended(end),
    });
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** It has its processor. */
  get isUsable(): boolean {
    return this.#isUsable;
  }

  /** Jobs that it was given. */
  get runs(): number {
    return this.#runs;
  }

  /** After its latest job. */
  get usedMb(): number {
    return this.#usedMb;
  }

  /** Runs once the child is no more. */
  onGone(listener: () => void): void {
    void this.#gone.promise.then(listener);
  }

  /**
   * As the processor does it: answers what it returned, throws what it threw.
   *
   * @throws ProcessorLoadError, ProcessorCrashedError, ProcessorMemoryError
   */
  async run(job: RunningJob, ctx: ProcessorContext): Promise<unknown> {
    const { signal } = ctx;
    const current: Current = { run: ++this.#runs, job, outcome: new Deferred<Outcome>(), began: false };
    this.#current = current;
    const abort = (): void => this.#abort(current, signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    try {
      if (signal.aborted) throw signal.reason;
      await this.#started(current);
      this.#begin(current, ctx);
      return resultOf(await current.outcome.promise);
    } finally {
      signal.removeEventListener('abort', abort);
      this.#killTimer?.cancel();
      this.#current = null;
    }
  }

  /** In good order if it can. Resolves when it is no more. */
  async end(): Promise<void> {
    if (this.#isGone) return;
    this.#link.send({ kind: 'end' });
    if (await within(this.#options.clock, this.#gone.promise, END_MS)) return;
    await this.kill();
  }

  /** Resolves when it is no more. */
  async kill(): Promise<void> {
    if (!this.#isGone) this.#link.kill();
    await this.#gone.promise;
  }

  async #started({ outcome }: Current): Promise<void> {
    const { clock, start } = this.#options;
    // A child that is gone says so by the outcome.
    const started = Promise.race([this.#ready.promise, outcome.promise.then(() => {})]);
    if (await within(clock, started, START_MS)) return started;
    await this.kill();
    throw new ProcessorLoadError(start.file, `it did not finish loading within ${START_MS} ms`);
  }

  #begin(current: Current, { attempt, lastAttempt, workerId, deadlineMs }: ProcessorContext): void {
    current.began = true;
    this.#link.send({
      kind: 'run',
      run: current.run,
      record: current.job.snapshot,
      context: { attempt, lastAttempt, workerId, deadlineMs },
      maxPayloadBytes: this.#options.maxPayloadBytes,
    });
  }

  /** Whatever the processor makes of it, the attempt is over in a moment, and then nothing may run any more. */
  #abort({ began, run }: Current, reason: unknown): void {
    if (!began) {
      this.#link.kill();
      return;
    }
    this.#link.send({ kind: 'abort', run, reason: carryError(reason) });
    this.#killTimer = this.#options.clock.after(KILL_AFTER_MS, () => this.#link.kill());
  }

  #hear(message: FromChild): void {
    switch (message.kind) {
      case 'ready':
        this.#isUsable = true;
        this.#ready.resolve();
        return;
      case 'unloadable': {
        const options = message.error === null ? {} : { cause: restoreError(message.error) };
        this.#ready.reject(new ProcessorLoadError(this.#options.start.file, message.why, options));
        return;
      }
      case 'call':
        void this.#call(message);
        return;
      case 'ended':
        this.#usedMb = message.usedMb;
        if (message.run === this.#current?.run) this.#current.outcome.resolve(message.outcome);
        return;
      default:
        message satisfies never;
    }
  }

  /** A call that comes after the end of its run is refused as a write under an old lease is. */
  async #call(call: Call): Promise<void> {
    const { job, run } = this.#current ?? { job: null, run: 0 };
    if (job === null || run !== call.run) {
      const error = new LeaseLostError('unknown', 'of an earlier run', 'the attempt is over');
      this.#link.send({ kind: 'answer', id: call.id, error: carryError(error) });
    } else {
      this.#link.send(await answerCall(job, call));
    }
  }

  #ended(end: ChildEnd): void {
    if (this.#isGone) return;
    this.#isGone = true;
    if (this.#current !== null) {
      const { job, outcome } = this.#current;
      const what = `the ${this.#link.name} that ran job "${job.id}" of queue "${job.queueName}"`;
      outcome.reject(errorOfEnd(end, what, this.#options.start.maxMemoryMb));
    }
    this.#gone.resolve();
  }
}

function resultOf(outcome: Outcome): unknown {
  switch (outcome.how) {
    case 'returned':
      return outcome.result === null ? undefined : decodeJson(outcome.result, 'result');
    case 'control':
      return controlOf(outcome.control);
    case 'threw':
      throw restoreError(outcome.error);
    case 'refused':
      throw new RefusedResult(restoreError(outcome.error));
    default:
      return outcome satisfies never;
  }
}

function controlOf(control: CarriedControl): unknown {
  switch (control.to) {
    case 'retry':
      return retryIn(control.afterMs, restoreError(control.error) as Error);
    case 'discarded':
      return discard(control.reason);
    case 'released':
      return release({ afterMs: control.afterMs, why: control.why });
    default:
      return control satisfies never;
  }
}
