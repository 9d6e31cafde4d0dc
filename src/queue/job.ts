import { JobNotFoundError } from '../errors.ts';
import { type Duration, durationMs } from '../job/duration.ts';
import { MAX_DELAY_MS, MAX_LOG_LINE_BYTES, MAX_PAGE, MAX_PRIORITY, MAX_REASON_BYTES } from '../job/limits.ts';
import { checkOptions, duration, flag, queueName, whole } from '../job/option-rules.ts';
import { encodeJson, JSON_TYPE } from '../job/payload.ts';
import type { AttemptRecord, JobRecord, JobRef, JobState, LeaseRef, LogLine } from '../job/record.ts';
import { applySchema, type StandardSchema } from '../job/schema.ts';
import { storableText } from '../job/storable-text.ts';
import type { Target } from '../store/store.ts';
import type { Client } from './client.ts';
import { JobView } from './job-view.ts';
import { type AwaitOptions, awaitResult } from './result.ts';
import type { Loose } from './types.ts';
import { type Move, moveJob } from './write.ts';

/** What a job knows beside its record. */
export interface JobContext {
  /** Whether `add` made it; default true. */
  readonly created?: boolean;
  /** The lease of the attempt that runs: every write then carries its token. */
  readonly lease?: LeaseRef | undefined;
  readonly maxPayloadBytes?: number;
  /** Checked by `updateData`. */
  readonly dataSchema?: StandardSchema | undefined;
}

/**
 * One job: a snapshot of its record, and what can be done to it. The fields do not change by themselves;
 * `refresh()` reads them again.
 */
export class Job<Data = Loose, Result = Loose, Name extends string = string> extends JobView<
  Data,
  Result,
  Name
> {
  /** False when `add` found a job with this id in the queue and left that one as it was. */
  readonly created: boolean;
  readonly #client: Client;
  readonly #context: JobContext;

  /** Jobs are made by queues and workers. */
  constructor(client: Client, record: JobRecord | (() => JobRecord), context: JobContext = {}) {
    super(record);
    this.#client = client;
    this.#context = context;
    this.created = context.created ?? true;
  }

  /**
   * Reads the record again.
   *
   * @throws JobNotFoundError when it was discarded or pruned.
   */
  async refresh(): Promise<this> {
    const record = await this.#client.store.job(this.#ref);
    if (record === null) throw new JobNotFoundError(this.queueName, this.id);
    this.replace(record);
    return this;
  }

  /** The state now, or `unknown` when the job is gone. */
  override async getState(): Promise<JobState | 'unknown'> {
    const record = await this.#client.store.job(this.#ref);
    if (record !== null) this.replace(record);
    return record?.state ?? 'unknown';
  }

  /**
   * Stores how far the job is: any JSON value.
   *
   * @throws LeaseLostError in a processor whose lease is lost; nothing was written then. The same for `updateData`
   * and `log`.
   */
  async updateProgress(value: unknown): Promise<void> {
    const bytes = encodeJson(value, 'progress', this.#sizes);
    await moveJob(this.#client, { op: 'progress', job: this.#target, value: bytes });
    this.record = { ...this.record, progress: bytes };
  }

  /** Replaces the payload, checked by the queue's schema if there is one. */
  async updateData(value: Data): Promise<void> {
    const { dataSchema } = this.#context;
    const subject = `data of job "${this.id}" of queue "${this.queueName}"`;
    const checked = dataSchema === undefined ? value : await applySchema(dataSchema, value, subject, 'data');
    const body = encodeJson(checked, 'data', this.#sizes);
    await moveJob(this.#client, { op: 'data', job: this.#target, body, contentType: JSON_TYPE });
    this.replace({ ...this.record, body, contentType: JSON_TYPE });
  }

  /** Appends a line to the job's log. The newest 1,000 are kept; a line beyond 16 KiB is cut. */
  async log(line: string): Promise<void> {
    const lines = [storableText(String(line), MAX_LOG_LINE_BYTES)];
    await moveJob(this.#client, { op: 'log', job: this.#target, lines });
  }

  /** Lines of the log after number `after`, oldest first, 1,000 at most. */
  getLogs(options: { readonly after?: number; readonly limit?: number } = {}): Promise<LogLine[]> {
    return this.#client.store.logs(this.#ref, options.after ?? 0, options.limit ?? MAX_PAGE);
  }

  /** Every attempt so far, oldest first, with its error. The newest 1,000 are kept. */
  attempts(): Promise<AttemptRecord[]> {
    return this.#client.store.attempts(this.#ref);
  }

  /**
   * Waits until the job has ended and gives back what its processor returned.
   *
   * A job that is not kept (`removeOnComplete: true`) can be awaited only by one who began before it ended, and
   * its result up to 64 KiB; `removeOnComplete: { age: 60 }` has neither limit.
   *
   * @throws JobFailedError when it became a dead letter; its `cause` is the last attempt's error.
   * @throws CancelledError when it was cancelled, TimeoutError after `timeout`, JobNotFoundError when it is gone.
   */
  result(options: AwaitOptions = {}): Promise<Result> {
    return awaitResult(this.#client, this.record, options) as Promise<Result>;
  }

  /** Ends an open job; one that runs is asked to stop, by the AbortSignal of its processor. */
  async cancel(reason = 'cancelled by request'): Promise<void> {
    const kept = storableText(String(reason), MAX_REASON_BYTES);
    await this.#move((job) => ({ op: 'cancel', job, reason: kept }));
  }

  /** Sends a job that has ended back to its queue; same as `redrive()`. */
  retry(): Promise<void> {
    return this.redrive();
  }

  /** Sends a job that has ended back to its queue, or to another, with all its attempts before it. */
  async redrive(options: { readonly toQueue?: string } = {}): Promise<void> {
    checkOptions(`redrive of job "${this.id}"`, options, REDRIVE_RULES);
    await this.#move((job) => ({ op: 'redrive', job, toQueue: options.toQueue ?? null }));
  }

  /** Makes a delayed job ready at once. */
  async promote(): Promise<void> {
    await this.#move((job) => ({ op: 'promote', job }));
  }

  /** The job becomes due this long from now; 0 makes it ready at once. */
  async changeDelay(delay: Duration): Promise<void> {
    checkOptions(`the new delay of job "${this.id}"`, { delay }, DELAY_RULES);
    const delayMs = durationMs(delay) ?? 0;
    await this.#move((job) => ({ op: 'reschedule', job, delayMs }));
  }

  /** `lifo` moves it before the other jobs of its new priority, else it keeps its place by age. */
  async changePriority(options: { readonly priority?: number; readonly lifo?: boolean }): Promise<void> {
    checkOptions(`the new priority of job "${this.id}"`, options, PRIORITY_RULES);
    const { priority = this.priority, lifo = false } = options;
    await this.#move((job) => ({ op: 'prioritize', job, priority, lifo }));
  }

  /**
   * Discards the job: its record, attempts and log are deleted.
   *
   * @throws WrongStateError while it is active.
   */
  async remove(): Promise<void> {
    await this.#move((job) => ({ op: 'discard', job }));
  }

  /** A job that moved to another queue since it was read, as a dead letter, is followed there. */
  async #move(moveOf: (job: JobRef) => Move): Promise<void> {
    try {
      await moveJob(this.#client, moveOf(this.#ref));
    } catch (error) {
      if (!(error instanceof JobNotFoundError)) throw error;
      const record = await this.#client.store.job(this.#ref);
      if (record === null || record.queue === this.record.queue) throw error;
      this.replace(record);
      await moveJob(this.#client, moveOf(this.#ref));
    }
  }

  get #ref(): JobRef {
    return { queue: this.record.queue, id: this.record.id };
  }

  get #target(): Target {
    return this.#context.lease ?? this.#ref;
  }

  get #sizes(): { readonly maxBytes?: number } {
    const { maxPayloadBytes } = this.#context;
    return maxPayloadBytes === undefined ? {} : { maxBytes: maxPayloadBytes };
  }
}

const REDRIVE_RULES = { toQueue: queueName };
const DELAY_RULES = { delay: duration({ min: 0, max: MAX_DELAY_MS }) };
const PRIORITY_RULES = { priority: whole({ min: 0, max: MAX_PRIORITY }), lifo: flag };
