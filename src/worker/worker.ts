import { connect, type SharedStore } from '../connect.ts';
import { ClosedError, UnsupportedError } from '../errors.ts';
import type { Control } from '../job/control.ts';
import { type Duration, durationMs } from '../job/duration.ts';
import { MAX_REASON_BYTES } from '../job/limits.ts';
import { checkOptions, duration, flag } from '../job/option-rules.ts';
import { storableText } from '../job/storable-text.ts';
import type { JobOf, NameOf, ResultOf, UntypedJobs } from '../queue/types.ts';
import { Deferred } from '../runtime/deferred.ts';
import { Emitter } from '../runtime/emitter.ts';
import { Telemetry } from '../telemetry/telemetry.ts';
import { announceWorker } from './announce.ts';
import type { ProcessorContext } from './context.ts';
import { Engine } from './engine.ts';
import type { Tell, WorkerEvents } from './events.ts';
import { isChild } from './isolation/in-child.ts';
import type { IsolationOptions } from './isolation/options.ts';
import { checkedConcurrency, resolveWorkerOptions, type WorkerOptions } from './options.ts';

/**
 * Does the work of one job. What it returns becomes the job's result; what it throws fails the attempt. It may
 * also return `retryIn(ms)`, `discard()` or `release()`.
 */
export type Processor<Jobs extends object = UntypedJobs> = (
  job: JobOf<Jobs>,
  ctx: ProcessorContext,
) => Processed<Jobs> | Promise<Processed<Jobs>>;

/**
 * A module whose default export, or the one named `processor`, is a `Processor`; each job runs in a child. As
 * `new URL('./processor.js', import.meta.url)`, or as an absolute path.
 */
export type ProcessorFile = URL | string;

type Processed<Jobs extends object> = ResultOf<Jobs, NameOf<Jobs>> | Control;

export interface CloseOptions {
  /** Do not wait for running jobs: abort them now and hand them back. @default false */
  readonly force?: boolean;
  /** How long to wait for running jobs. @default the worker's `closeTimeout` */
  readonly timeout?: Duration;
}

const CLOSE_RULES = { force: flag, timeout: duration() };

/**
 * Claims jobs of one queue and runs the processor on them. It starts by itself, and keeps the process alive until
 * it is closed.
 *
 * @example
 * const worker = new Worker('emails', async (job, ctx) => send(job.data, ctx.signal), { concurrency: 10 });
 * worker.on('failed', (job, error) => console.error(job?.id, error));
 */
export class Worker<Jobs extends object = UntypedJobs> extends Emitter<WorkerEvents<Jobs>> {
  /** Of the queue. */
  readonly name: string;
  /** Under which the registry and the records of attempts know this worker. */
  readonly id: string;
  readonly #engine: Engine;
  readonly #tell: Tell = (event, ...args) => {
    if (event === 'ready') this.#ready.resolve();
    this.emit(event, ...(args as never));
  };
  readonly #closeTimeoutMs: number;
  readonly #ready = new Deferred();
  readonly #closed = new Deferred();
  #started = false;
  #paused = false;
  #closing: Promise<void> | null = null;

  /**
   * @throws InvalidOptionError with everything that is wrong with the name, the processor and the options.
   * @throws UnsupportedError in a child that runs the jobs of another worker.
   */
  constructor(name: string, processor: Processor<Jobs>, options?: WorkerOptions<Jobs>);
  constructor(name: string, processor: ProcessorFile, options?: WorkerOptions<Jobs> & IsolationOptions);
  constructor(
    name: string,
    processor: Processor<Jobs> | ProcessorFile,
    options: WorkerOptions<Jobs> & IsolationOptions = {},
  ) {
    if (isChild()) throw workerInChild(name);
    const resolved = resolveWorkerOptions(name, processor, options);
    const shared: SharedStore = connect(options.connection);
    const telemetry = new Telemetry(resolved.telemetry, shared.telemetry);
    super((error) => telemetry.unheard(`worker of queue "${name}"`, error));
    this.name = name;
    this.#closeTimeoutMs = resolved.closeTimeoutMs;
    this.#engine = new Engine({
      ...{ queue: name, options: resolved, shared, telemetry },
      processor: typeof processor === 'function' ? processor : null,
      tell: this.#tell,
    });
    this.id = this.#engine.id;
    announceWorker({ worker: this, store: shared.store });
    if (resolved.autorun) void this.run();
  }

  /** Jobs that run here at once. May be changed at any time; running jobs go on. */
  get concurrency(): number {
    return this.#engine.concurrency;
  }

  set concurrency(value: number) {
    this.#engine.concurrency = checkedConcurrency(value);
    this.#engine.wake();
  }

  /**
   * Starts the worker, if it is not running; only needed with `autorun: false`. Resolves when it is closed.
   *
   * @throws ClosedError after `close()`.
   */
  async run(): Promise<void> {
    if (this.#closing !== null && !this.#started) throw this.#closedError();
    if (!this.#started) {
      this.#started = true;
      this.#engine.start().catch((thrown: unknown) => this.#ready.reject(thrown));
    }
    await this.#closed.promise;
  }

  /**
   * Resolves when the store has answered for the first time.
   *
   * @throws the error by which the store could not be opened, or ClosedError. The worker goes on trying until it
   * is closed.
   */
  waitUntilReady(): Promise<void> {
    return this.#ready.promise;
  }

  isRunning(): boolean {
    return this.#started && this.#closing === null;
  }

  isPaused(): boolean {
    return this.#paused;
  }

  /** This worker claims no more jobs; resolves when those that run are done, unless told not to wait for them. */
  async pause(doNotWaitActive = false): Promise<void> {
    if (this.#paused) return;
    this.#paused = true;
    this.#engine.pause();
    if (!doNotWaitActive) await this.#engine.idle();
    this.#tell('paused');
  }

  async resume(): Promise<void> {
    if (!this.#paused) return;
    this.#paused = false;
    this.#engine.resume();
    this.#tell('resumed');
  }

  /**
   * Cancels a job of this queue, wherever it runs; one that runs here stops at once. False when it is over, or not
   * there.
   */
  cancelJob(id: string, reason = 'cancelled by request'): Promise<boolean> {
    return this.#engine.cancel(id, storableText(reason, MAX_REASON_BYTES));
  }

  /**
   * Stops claiming, waits for running jobs, then aborts those that still run and hands them back without burning
   * an attempt. Whatever the store and the processors do, it is over soon after that. Calling it again joins the first call, with `force` it hurries it.
   *
   * @throws InvalidOptionError when the options are wrong.
   */
  async close(options: CloseOptions | boolean = {}): Promise<void> {
    const { force = false, timeout } = typeof options === 'boolean' ? { force: options } : options;
    if (typeof options !== 'boolean')
      checkOptions(`close of the worker of "${this.name}"`, options, CLOSE_RULES);
    if (force) this.#engine.hurry();
    this.#closing ??= this.#close(timeout === undefined ? null : durationMs(timeout));
    await this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(timeoutMs: number | null): Promise<void> {
    this.#tell('closing');
    await this.#engine.close(timeoutMs ?? this.#closeTimeoutMs);
    this.#ready.reject(this.#closedError());
    this.#closed.resolve();
    this.#tell('closed');
  }

  #closedError(): ClosedError {
    return new ClosedError(`the worker of queue "${this.name}"`);
  }
}

/** It would be made anew in every child, and each would start children of its own. */
function workerInChild(name: string): UnsupportedError {
  return new UnsupportedError(
    `a worker of queue "${name}" cannot be made in a child that runs jobs: the file of a processor is loaded there. ` +
      'Put the processor into a file of its own, which makes no worker.',
  );
}
