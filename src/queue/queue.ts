import { connect, type SharedStore } from '../connect.ts';
import { ClosedError } from '../errors.ts';
import { checkHeaders } from '../job/check-policy.ts';
import type { JobFilter } from '../job/filter.ts';
import { anything, between, checkOptions, choice, flag, queueName } from '../job/option-rules.ts';
import type { JobOptions } from '../job/options.ts';
import { Problems } from '../job/problems.ts';
import type { QueuePatch, QueueSettings } from '../job/queue-settings.ts';
import type { Headers, JobRecord, JobState } from '../job/record.ts';
import { asError, Emitter } from '../runtime/emitter.ts';
import type { QueueSummary } from '../store/store.ts';
import { printUnheard } from '../telemetry/print-unheard.ts';
import { type AddBulkOptions, type AddOptions, addMany, addOne, contextFor, type Intake } from './add.ts';
import {
  type AddStreamOptions,
  addStream,
  type BulkProgress,
  isSource,
  type JobSource,
} from './add-stream.ts';
import { type Answer, act, type CancelOptions, drainQueue, obliterateQueue, type Which } from './admin.ts';
import { type Client, clientFor } from './client.ts';
import { checkStates, type FindOptions, findRecords, readCounts, readRange, readSummary } from './inspect.ts';
import { Job } from './job.ts';
import type { Operation } from './operation.ts';
import {
  type QueueConfig,
  type QueueOptions,
  type ResolvedQueueOptions,
  resolveConfig,
  resolveQueueOptions,
} from './queue-options.ts';
import type { DataInput, JobOf, NameOf, UntypedJobs } from './types.ts';

/** Local events of a queue. What happens to its jobs, anywhere, is told by `QueueEvents`. */
export type QueueEventMap = {
  /** Something in the background went wrong, and no call could be told. */
  error: [error: Error];
};

/** One job of `addBulk`. */
export type BulkJob<Jobs> = {
  [Name in NameOf<Jobs>]: {
    readonly name: Name;
    readonly data: DataInput<Jobs, Name>;
    readonly opts?: JobOptions;
  };
}[NameOf<Jobs>];

/** One page of a search. */
export interface FoundJobs<Jobs> {
  readonly jobs: JobOf<Jobs>[];
  /** Pass it on to get the next page; null at the end. */
  readonly cursor: string | null;
  readonly scanned: number;
  /** False when the search stopped at its bound before the page was full: go on from the cursor. */
  readonly complete: boolean;
}

export interface RedriveOptions {
  /** Another queue to send them to. @default the queue they are in */
  readonly toQueue?: string;
  /** Jobs a second, so that what failed together does not come back together. @default no limit */
  readonly ratePerSecond?: number;
}

const REDRIVE_RULES = {
  toQueue: queueName,
  ratePerSecond: between({ min: Number.MIN_VALUE, max: 1_000_000 }),
};
const RETRY_RULES = { state: choice(['failed', 'completed', 'cancelled']) };

/**
 * A named place where jobs wait. Making one is cheap and writes nothing; the store is opened by the first call.
 *
 * @example
 * const emails = new Queue('emails');
 * await emails.add('welcome', { to: 'ada@example.org' });
 */
export class Queue<Jobs extends object = UntypedJobs> extends Emitter<QueueEventMap> {
  readonly name: string;
  readonly #shared: SharedStore;
  readonly #client: Client;
  readonly #options: ResolvedQueueOptions;
  /** Calls under way. */
  #pending = 0;
  readonly #succeeded = <T>(value: T): T => {
    this.#isOver();
    return value;
  };
  readonly #failed = (error: unknown): never => {
    this.#isOver();
    throw error;
  };
  /** Set by `close`, which waits until none is. */
  #atRest: (() => void) | null = null;
  /** Settings from the options that are not in the store yet. */
  #patch: QueuePatch | null;
  #configuring: Promise<void> | null = null;
  #closing: Promise<void> | null = null;

  /**
   * @throws InvalidOptionError with everything that is wrong with the name and the options.
   */
  constructor(name: string, options: QueueOptions<Jobs> = {}) {
    super((error) => printUnheard(`queue "${name}"`, error));
    this.#options = resolveQueueOptions(name, options);
    this.#patch = this.#options.patch;
    this.#shared = connect(options.connection);
    this.#client = clientFor(this.#shared);
    this.name = name;
  }

  /**
   * Adds a job. `created` of the answer is false when the queue has a job with this `jobId` already: that one is
   * answered, as it is, and nothing is stored.
   *
   * @throws InvalidOptionError, InvalidPayloadError, SchemaMismatchError or LimitExceededError before anything is
   * written; StoreUnavailableError when it is not known whether it was: adding it again with the same `jobId` is safe.
   */
  add<Name extends NameOf<Jobs>>(
    name: Name,
    data: DataInput<Jobs, Name>,
    options?: AddOptions,
  ): Promise<JobOf<Jobs, Name>> {
    const inTransaction = options?.tx !== undefined;
    return this.#run(() => addOne(this.#intake(), name, data, options), inTransaction) as Promise<
      JobOf<Jobs, Name>
    >;
  }

  /**
   * An array of up to 1,000 jobs is added in one step: all of them or, when this throws, none. What else can be iterated is
   * a source of any number of jobs, added slice by slice with bounded memory; it answers how many were added.
   *
   * @throws BulkStoppedError when a source fails, or a job from it, or the store: what was added before stays.
   */
  addBulk(jobs: readonly BulkJob<Jobs>[], options?: AddBulkOptions): Promise<JobOf<Jobs>[]>;
  addBulk(jobs: JobSource<BulkJob<Jobs>>, options?: AddStreamOptions): Promise<BulkProgress>;
  addBulk(
    jobs: readonly BulkJob<Jobs>[] | JobSource<BulkJob<Jobs>>,
    options: AddBulkOptions & AddStreamOptions = {},
  ): Promise<JobOf<Jobs>[] | BulkProgress> {
    const inTransaction = options.tx !== undefined;
    if (isSource(jobs)) return this.#run(() => addStream(this.#intake(), jobs, options), inTransaction);
    return this.#run(() => addMany(this.#intake(), jobs, options), inTransaction) as Promise<JobOf<Jobs>[]>;
  }

  /** The job with this id, also after it moved on as a dead letter. */
  getJob(id: string): Promise<JobOf<Jobs> | undefined> {
    return this.#run(async () => {
      const record = await this.#client.store.job({ queue: this.name, id });
      return record === null ? undefined : this.#jobOf(record);
    });
  }

  /** Jobs in these states, number `start` to `end` (included; -1 for all), those added last first unless `asc`. */
  getJobs(
    states: JobState | readonly JobState[] = [],
    start = 0,
    end = -1,
    asc = false,
  ): Promise<JobOf<Jobs>[]> {
    return this.#run(async () => {
      const wanted = typeof states === 'string' ? [states] : states;
      checkStates(`getJobs of queue "${this.name}"`, wanted);
      const filter: JobFilter = { queues: [this.name], ...(wanted.length > 0 && { states: wanted }) };
      const records = await readRange(this.#client.store, filter, { start, end, oldestFirst: asc });
      return records.map((record) => this.#jobOf(record));
    });
  }

  /**
   * One page of the jobs that match, by text (`state:failed error:"timed out" since:2h`) or a filter.
   *
   * @throws InvalidOptionError with everything that is wrong with the search.
   */
  find(search: string | JobFilter, options: FindOptions = {}): Promise<FoundJobs<Jobs>> {
    return this.#run(async () => {
      const { records, ...page } = await findRecords(this.#client.store, this.name, search, options);
      return { jobs: records.map((record) => this.#jobOf(record)), ...page };
    });
  }

  /** Jobs per state; all states when none is named. Counters of the store, so never a scan. */
  getJobCounts<State extends JobState = JobState>(...states: State[]): Promise<Record<State, number>> {
    return this.#run(() => readCounts(this.#client, this.name, states));
  }

  /** Settings, counts, totals and ages. A queue that is not there yet is told as it would be made now. */
  summary(): Promise<QueueSummary> {
    return this.#run(() => readSummary(this.#client, this.name));
  }

  /** No worker takes a job of this queue until `resume`, in any process. Jobs that run go on. */
  async pause(): Promise<void> {
    await this.configure({ paused: true });
  }

  async resume(): Promise<void> {
    await this.configure({ paused: false });
  }

  async isPaused(): Promise<boolean> {
    return (await this.summary()).settings.paused;
  }

  /** Changes settings of the queue for every process; what is left out stays. Answers all of them. */
  configure(config: QueueConfig & { readonly paused?: boolean }): Promise<QueueSettings> {
    return this.#run(async () => {
      const patch = resolveConfig(this.name, config);
      const { settings } = await this.#client.apply({ op: 'configure', queue: this.name, patch });
      return settings;
    });
  }

  /** Discards the jobs that wait now, and the delayed ones if asked. Answers how many. */
  drain(options: boolean | { readonly delayed?: boolean } = {}): Promise<number> {
    return this.#run(() => {
      const given = typeof options === 'boolean' ? { delayed: options } : options;
      checkOptions(`drain of queue "${this.name}"`, given, { delayed: flag });
      return drainQueue(this.#client, this.name, given.delayed ?? false);
    });
  }

  /**
   * Removes the queue with all its jobs, history and settings. Answers how many jobs.
   *
   * @throws ActiveJobsError while jobs are active, unless `force`: their workers then find their leases lost.
   */
  obliterate(options: { readonly force?: boolean } = {}): Promise<number> {
    return this.#run(async () => {
      checkOptions(`obliterate of queue "${this.name}"`, options, { force: flag });
      const removed = await obliterateQueue(this.#client, this.name, options.force ?? false);
      this.#patch = this.#options.patch;
      this.#configuring = null;
      return removed;
    });
  }

  /**
   * Ends open jobs; those that run are asked to stop, by the AbortSignal of their processors.
   *
   * One id: done, or an error. Several: what was done and what was not. A filter: an operation, which upkeep
   * carries out in whatever process runs a worker. The same for `redrive` and `discard`.
   *
   * With `tx` jobs named by id are cancelled if and only if the caller's own transaction commits.
   */
  cancel<W extends Which>(
    which: W,
    reason = 'cancelled by request',
    options: CancelOptions = {},
  ): Promise<Answer<W>> {
    const { tx } = options;
    const cancel = (): Promise<Answer<W>> => {
      checkOptions(`cancel in queue "${this.name}"`, options, { tx: anything });
      return act(this.#client, this.name, which, { kind: 'cancel', reason, tx });
    };
    return this.#run(async () => cancel(), tx !== undefined);
  }

  /** Sends jobs that have ended back to this queue or to another; a filter without states means dead letters. */
  redrive<W extends Which>(which: W, options: RedriveOptions = {}): Promise<Answer<W>> {
    return this.#run(() => {
      checkOptions(`redrive of queue "${this.name}"`, options, REDRIVE_RULES);
      return act(this.#client, this.name, which, { kind: 'redrive', ...options });
    });
  }

  /** Deletes jobs that are not active, with their attempts and logs. */
  discard<W extends Which>(which: W): Promise<Answer<W>> {
    return this.#run(() => act(this.#client, this.name, which, { kind: 'discard' }));
  }

  /** Redrives all dead letters, or all jobs that ended in another state. */
  retryJobs(options: { readonly state?: 'failed' | 'completed' | 'cancelled' } = {}): Promise<Operation> {
    return this.#run(() => {
      checkOptions(`retryJobs of queue "${this.name}"`, options, RETRY_RULES);
      return act(this.#client, this.name, { states: [options.state ?? 'failed'] }, { kind: 'redrive' });
    });
  }

  /** Makes all delayed jobs ready. */
  promoteJobs(): Promise<Operation> {
    return this.#run(() => act(this.#client, this.name, {}, { kind: 'promote' }));
  }

  /** Waits for the calls that are under way, then lets go of the store. Safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Settings from the options are written before the first call goes on; inside a transaction they go with it. */
  #run<T>(work: () => Promise<T>, inTransaction = false): Promise<T> {
    if (this.#closing !== null) return Promise.reject(new ClosedError(`queue "${this.name}"`));
    const answer = this.#begin(work, inTransaction);
    this.#pending += 1;
    // What is given out is a promise that nobody here has a hand in: a failure that the caller overlooks must be heard.
    return answer.then(this.#succeeded, this.#failed);
  }

  #isOver(): void {
    this.#pending -= 1;
    if (this.#pending === 0) this.#atRest?.();
  }

  #begin<T>(work: () => Promise<T>, inTransaction: boolean): Promise<T> {
    if (this.#patch !== null && !inTransaction) return this.#applyPatch(this.#patch).then(work);
    try {
      return work();
    } catch (thrown) {
      return Promise.reject(thrown);
    }
  }

  #applyPatch(patch: QueuePatch): Promise<void> {
    this.#configuring ??= this.#client.apply({ op: 'configure', queue: this.name, patch }).then(
      () => {
        this.#patch = null;
      },
      (error: unknown) => {
        this.#configuring = null;
        throw error;
      },
    );
    return this.#configuring;
  }

  async #end(): Promise<void> {
    if (this.#pending > 0)
      await new Promise<void>((resolve) => {
        this.#atRest = resolve;
      });
    await this.#shared.release();
  }

  #intake(): Intake {
    return {
      queue: this.name,
      client: this.#client,
      options: this.#options,
      patch: this.#patch,
      headers: this.#traceHeaders(),
    };
  }

  /** Tracing that fails must not fail the job. */
  #traceHeaders(): Headers | null {
    const { propagation } = this.#options;
    if (propagation === null) return null;
    try {
      const headers = propagation.inject();
      const problems = new Problems();
      checkHeaders(problems, 'headers', headers);
      problems.throwIfAny('what propagation.inject() gave');
      return headers;
    } catch (thrown) {
      this.emit('error', asError(thrown));
      return null;
    }
  }

  #jobOf(record: JobRecord): JobOf<Jobs> {
    return new Job(this.#client, record, contextFor(this.#options, record.name)) as JobOf<Jobs>;
  }
}
