import { inspect } from 'node:util';
import { InvalidPayloadError } from '../errors.ts';
import type { JobOptions } from '../job/options.ts';
import { optionsOf } from '../job/options-of.ts';
import { DAMAGED_TYPE, decodeJson, isJsonType } from '../job/payload.ts';
import type {
  Bytes,
  EndCause,
  Headers,
  JobPolicy,
  JobRecord,
  JobState,
  Origin,
  StoredError,
} from '../job/record.ts';
import type { Loose } from './types.ts';

/** A job as plain data, for logs and JSON answers. */
export interface JobJson {
  readonly id: string;
  readonly name: string;
  readonly queueName: string;
  readonly state: JobState;
  readonly data: unknown;
  readonly opts: JobOptions;
  readonly progress: unknown;
  readonly returnvalue: unknown;
  readonly failedReason: string | undefined;
  readonly cause: EndCause | null;
  readonly attemptsMade: number;
  readonly attemptsStarted: number;
  readonly crashes: number;
  readonly timestamp: number;
  readonly processedOn: number | undefined;
  readonly finishedOn: number | undefined;
}

/** The fields of a job: a snapshot of its record, decoded when it is asked for. */
export abstract class JobView<Data = Loose, Result = Loose, Name extends string = string> {
  static {
    // `console.log(job)` shows what JSON shows, not the bytes it is made of.
    Object.defineProperty(JobView.prototype, inspect.custom, {
      value(this: JobView) {
        return this.toJSON();
      },
    });
  }

  #record: JobRecord | (() => JobRecord);
  /** Not copied into the record before somebody looks; mostly nobody does. */
  #changes: Partial<JobRecord> | null = null;
  #data: { readonly value: Data } | null = null;

  /** `record` may be made when it is first looked at. */
  constructor(record: JobRecord | (() => JobRecord)) {
    this.#record = record;
  }

  /** Under a name of its own, so that verbs in `Job` may replace it. */
  protected get record(): JobRecord {
    if (typeof this.#record === 'function') this.#record = this.#record();
    if (this.#changes !== null) this.#record = { ...this.#record, ...this.#changes };
    this.#changes = null;
    return this.#record;
  }

  protected set record(record: JobRecord) {
    this.#changes = null;
    this.#record = record;
  }

  abstract getState(): Promise<JobState | 'unknown'>;

  async isCompleted(): Promise<boolean> {
    return (await this.getState()) === 'completed';
  }

  async isFailed(): Promise<boolean> {
    return (await this.getState()) === 'failed';
  }

  async isActive(): Promise<boolean> {
    return (await this.getState()) === 'active';
  }

  async isWaiting(): Promise<boolean> {
    return (await this.getState()) === 'waiting';
  }

  async isDelayed(): Promise<boolean> {
    return (await this.getState()) === 'delayed';
  }

  protected change(changes: Partial<JobRecord>): void {
    this.#changes = this.#changes === null ? changes : { ...this.#changes, ...changes };
  }

  get id(): string {
    return this.record.id;
  }

  get name(): Name {
    return this.record.name as Name;
  }

  /** The queue it is in now: another than it was added to after a dead letter or a redrive moved it. */
  get queueName(): string {
    return this.record.queue;
  }

  /**
   * The payload; bytes when its content type is not JSON.
   *
   * @throws InvalidPayloadError when what was stored is not JSON after all.
   */
  get data(): Data {
    this.#data ??= { value: decodeBody(this.record) as Data };
    return this.#data.value;
  }

  get state(): JobState {
    return this.record.state;
  }

  get headers(): Headers {
    return this.record.headers;
  }

  get policy(): JobPolicy {
    return this.record.policy;
  }

  /** The options that it was added with, defaults of the queue included. */
  get opts(): JobOptions {
    return optionsOf(this.record);
  }

  /** As last reported by `updateProgress`; 0 before. */
  get progress(): Loose {
    return this.record.progress === null ? 0 : decodeJson(this.record.progress, 'progress');
  }

  /** What the processor returned; null while it has not, and when it returned nothing. */
  get returnvalue(): Result | null {
    return decodeResult(this.record.result) as Result | null;
  }

  get failedReason(): string | undefined {
    return this.record.error?.message;
  }

  /** Stack of the latest failure. `attempts()` has them all. */
  get stacktrace(): string[] {
    const stack = this.record.error?.stack ?? null;
    return stack === null ? [] : [stack];
  }

  /** The latest failure, also of an attempt that was retried. */
  get error(): StoredError | null {
    return this.record.error;
  }

  /** Why it is in `failed` or `cancelled`. */
  get cause(): EndCause | null {
    return this.record.cause;
  }

  /** Where it came from, when it was moved here as a dead letter or by redrive. */
  get origin(): Origin | null {
    return this.record.origin;
  }

  /** Attempts that ended by success or failure, since it was added or redriven. */
  get attemptsMade(): number {
    return this.record.failures + (this.record.state === 'completed' ? 1 : 0);
  }

  /** Attempts ever started, those that crashed or were handed back included. */
  get attemptsStarted(): number {
    return this.record.claims;
  }

  /** Times that a worker was lost while running it, since it was added or redriven. */
  get crashes(): number {
    return this.record.crashes;
  }

  /** Number of the attempt that runs, or would run next: 1 for the first. */
  get attempt(): number {
    return this.record.failures + 1;
  }

  get maxAttempts(): number {
    return this.record.policy.attempts;
  }

  /** If this attempt fails, none follows. */
  get isLastAttempt(): boolean {
    return this.attempt >= this.maxAttempts;
  }

  get priority(): number {
    return this.record.priority;
  }

  /** Milliseconds between being added and being due, for a job that is delayed; else 0. */
  get delay(): number {
    return this.record.dueAt === null ? 0 : Math.max(0, this.record.dueAt - this.record.addedAt);
  }

  /** When it was added, in epoch milliseconds of the store's clock, like the two that follow. */
  get timestamp(): number {
    return this.record.addedAt;
  }

  get processedOn(): number | undefined {
    return this.record.claimedAt ?? undefined;
  }

  get finishedOn(): number | undefined {
    return this.record.finishedAt ?? undefined;
  }

  /** Fencing number of the latest claim; 0 before the first. It only ever rises. */
  get token(): number {
    return this.record.token;
  }

  /** 1, and one more with each redrive. */
  get generation(): number {
    return this.record.generation;
  }

  /** Same for all attempts at this job until a redrive: hand it to services that take such a key. */
  get idempotencyKey(): string {
    return `${this.record.queue}/${this.record.id}/${this.record.generation}`;
  }

  toJSON(): JobJson {
    const { id, name, queueName, state, opts, failedReason, cause, crashes } = this;
    const { attemptsMade, attemptsStarted, timestamp, processedOn, finishedOn } = this;
    return {
      ...{ id, name, queueName, state, data: readable(() => this.data), opts },
      ...{ progress: readable(() => this.progress), returnvalue: readable(() => this.returnvalue) },
      ...{ failedReason, cause, attemptsMade, attemptsStarted, crashes, timestamp, processedOn, finishedOn },
    };
  }

  /** The snapshot is replaced; what was decoded from the old one is forgotten. */
  protected replace(record: JobRecord): void {
    this.record = record;
    this.#data = null;
  }
}

/** JSON of a job has to be had also when its payload cannot be read. */
function readable(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return null;
  }
}

function decodeBody(record: JobRecord): unknown {
  if (record.contentType === DAMAGED_TYPE) throw damaged(record);
  return isJsonType(record.contentType) ? decodeJson(record.body) : record.body;
}

function damaged({ queue, id }: JobRecord): InvalidPayloadError {
  const message =
    `the payload of job "${id}" of queue "${queue}" is not what was stored: the store is damaged. Run ` +
    '`millrace doctor --verify` to see how far; `job.updateData` gives this job a payload again.';
  return new InvalidPayloadError('data', message);
}

export function decodeResult(result: Bytes | null): unknown {
  return result === null ? null : decodeJson(result, 'result');
}
