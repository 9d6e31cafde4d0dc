import type { RunningJob } from './running-job.ts';

/** What a processor gets beside the job. */
export interface ProcessorContext {
  /**
   * Aborts when the attempt shall stop: the job was cancelled, its timeout is over, its lease is lost, or the
   * worker closes. Its reason is a CancelledError, TimeoutError, LeaseLostError or ShutdownError. Pass it on to
   * whatever takes a signal, and throw when it aborts: from then on that reason decides what becomes of the
   * attempt, and a result that is returned all the same is not stored.
   */
  readonly signal: AbortSignal;
  /** Fencing number of this claim; it only ever rises. For fencing in systems of your own. */
  readonly token: number;
  /** 1 for the first. */
  readonly attempt: number;
  /** If this attempt fails, none follows. */
  readonly lastAttempt: boolean;
  /** Id under which this worker is known in the registry and in the records of attempts. */
  readonly workerId: string;
  /** Milliseconds that are left of the job's timeout; null without one. */
  readonly deadlineMs: number | null;
  /**
   * Asks the store whether this attempt still has the job: for the moment before something that cannot be undone,
   * after a long step. Between its answer and the effect the process can still be paused; a system that checks
   * `token` closes that gap.
   *
   * @throws LeaseLostError when another worker may have the job, or the reason of `signal` when it has aborted.
   * @throws StoreUnavailableError when the store cannot say.
   */
  assertLease(): Promise<void>;
  /** Appends a line to the job's log. */
  log(line: string): Promise<void>;
  /** Stores how far the job is: any JSON value. */
  progress(value: unknown): Promise<void>;
}

/** The attempt, as its context sees it. */
export interface ContextParts {
  readonly job: RunningJob;
  readonly worker: string;
  /** Made when it is read. */
  readonly signal: AbortSignal;
  readonly deadlineMs: number | null;
}

/** Its functions need no `this`, so that a processor may take it apart, or copy it. */
export class AttemptContext implements ProcessorContext {
  readonly #parts: ContextParts;
  declare readonly signal: AbortSignal;
  readonly deadlineMs: number | null = null;
  readonly token: number;
  readonly attempt: number;
  readonly lastAttempt: boolean;
  readonly workerId: string;
  readonly log: ProcessorContext['log'];
  readonly progress: ProcessorContext['progress'];
  readonly assertLease: ProcessorContext['assertLease'];

  /**
   * What `signal` and `deadlineMs` are is known when they are read. Own properties, as the others are; with functions
   * of its own for each context they would cost each a hidden class, and everything that these functions know
   * would be kept with it until the next full collection of garbage: half of all that a small attempt is made of.
   */
  static readonly #read: Readonly<Record<'signal' | 'deadlineMs', PropertyDescriptor>> = {
    signal: {
      ...{ enumerable: true, configurable: true },
      get(this: AttemptContext) {
        return this.#parts.signal;
      },
    },
    deadlineMs: {
      ...{ enumerable: true, configurable: true },
      get(this: AttemptContext) {
        return this.#parts.deadlineMs;
      },
    },
  };

  constructor(parts: ContextParts) {
    const { job, worker } = parts;
    this.#parts = parts;
    Object.defineProperty(this, 'signal', AttemptContext.#read.signal);
    // Without a timeout it stays as it is, and to define a property takes as long as all the others together.
    if (job.policy.timeoutMs !== null) {
      Object.defineProperty(this, 'deadlineMs', AttemptContext.#read.deadlineMs);
    }
    this.token = job.token;
    this.attempt = job.attempt;
    this.lastAttempt = job.isLastAttempt;
    this.workerId = worker;
    this.log = (line) => job.log(line);
    this.progress = (value) => job.updateProgress(value);
    this.assertLease = () => job.assertLease();
  }
}
