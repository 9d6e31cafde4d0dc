/**
 * Waiting for the end of a job. The state is read first; then hints wake the wait and a slow poll stands behind
 * them, so that a lost hint costs a second or two and never the answer.
 */

import {
  CancelledError,
  JobFailedError,
  JobNotFoundError,
  StoreUnavailableError,
  TimeoutError,
} from '../errors.ts';
import { type Duration, durationMs } from '../job/duration.ts';
import { anything, checkOptions, duration } from '../job/option-rules.ts';
import type { JobRecord, JobRef } from '../job/record.ts';
import { Bell } from '../runtime/bell.ts';
import type { Client } from './client.ts';
import { type Ending, EndingsFeed } from './endings-feed.ts';
import { decodeResult } from './job-view.ts';
import { errorFrom } from './stored-error.ts';

export interface AwaitOptions {
  /** Milliseconds or text such as `"30s"`. The job itself goes on when it is over. @default none */
  readonly timeout?: Duration;
  /** Ends the wait, not the job. */
  readonly signal?: AbortSignal;
}

const RULES = { timeout: duration(), signal: anything };
const FIRST_POLL_MS = 250;
const MAX_POLL_MS = 2_000;
/** Looks in a row that may find the store away before the wait gives up. */
const MAX_UNAVAILABLE = 5;

export async function awaitResult(
  client: Client,
  record: JobRecord,
  options: AwaitOptions,
): Promise<unknown> {
  checkOptions(`waiting for job "${record.id}"`, options, RULES);
  options.signal?.throwIfAborted();
  const vigil = new Vigil(client, record, options);
  try {
    const ending = await vigil.keep();
    if (ending.to === 'failed') throw ending.error;
    return ending.result;
  } finally {
    vigil.end();
  }
}

class Vigil {
  readonly #client: Client;
  readonly #bell: Bell;
  readonly #feed: EndingsFeed | null;
  readonly #options: AwaitOptions;
  readonly #deadline: number;
  #ref: JobRef;
  #state: string;
  #unwatch: (() => void) | null = null;
  #unavailable = 0;

  constructor(client: Client, record: JobRecord, options: AwaitOptions) {
    const { policy } = record;
    this.#client = client;
    this.#bell = new Bell(client.clock);
    this.#options = options;
    const timeoutMs = options.timeout === undefined ? null : durationMs(options.timeout);
    this.#deadline = client.clock.monotonic() + (timeoutMs ?? Number.POSITIVE_INFINITY);
    this.#ref = { queue: record.queue, id: record.id };
    this.#state = record.state;
    // A job that is not kept leaves no record to read: only the change feed tells how it ended.
    const vanishes = policy.keepCompletedMs === 0 || policy.keepFailedMs === 0;
    this.#feed = vanishes ? new EndingsFeed(client.store, this.#ref) : null;
  }

  async keep(): Promise<Ending> {
    await this.#watch();
    for (let pollMs = FIRST_POLL_MS; ; ) {
      const ending = await this.#look();
      if (ending !== null) return ending;
      const leftMs = this.#deadline - this.#client.clock.monotonic();
      if (leftMs <= 0) throw this.#timeout();
      const rang = await this.#bell.wait(Math.min(pollMs, leftMs), this.#options.signal);
      this.#options.signal?.throwIfAborted();
      if (!rang) pollMs = Math.min(pollMs * 2, MAX_POLL_MS);
    }
  }

  end(): void {
    this.#unwatch?.();
  }

  async #watch(): Promise<void> {
    this.end();
    this.#unwatch = await this.#client.watch(this.#ref.queue, ({ news }) => {
      if (news !== 'coming') this.#bell.ring();
    });
    await this.#feed?.start();
  }

  async #look(): Promise<Ending | null> {
    try {
      const record = await this.#client.store.job(this.#ref);
      const ending = record === null ? await this.#goneEnding() : await this.#endingOf(record);
      this.#unavailable = 0;
      return ending;
    } catch (error) {
      if (!(error instanceof StoreUnavailableError) || ++this.#unavailable >= MAX_UNAVAILABLE) throw error;
      return null;
    }
  }

  async #endingOf(record: JobRecord): Promise<Ending | null> {
    this.#state = record.state;
    if (record.queue !== this.#ref.queue) {
      if (record.origin?.cause !== 'redrive') return failed(record, this.#ref);
      this.#ref = { queue: record.queue, id: record.id };
      await this.#watch();
    }
    await this.#feed?.advance();
    if (record.state === 'completed') return { to: 'completed', result: decodeResult(record.result) };
    if (record.state === 'failed') return failed(record, this.#ref);
    return record.state === 'cancelled' ? cancelled(record) : null;
  }

  async #goneEnding(): Promise<Ending> {
    const ending = await this.#feed?.advance();
    return ending ?? { to: 'failed', error: new JobNotFoundError(this.#ref.queue, this.#ref.id) };
  }

  #timeout(): TimeoutError {
    const { queue, id } = this.#ref;
    return new TimeoutError(
      `job "${id}" of queue "${queue}" has not ended within ${this.#options.timeout}; it is ${this.#state}. Only the wait is over, the job goes on.`,
    );
  }
}

function failed(record: JobRecord, { queue, id }: JobRef): Ending {
  const message = record.error?.message ?? record.cause ?? 'no error was kept';
  const cause = record.error === null ? undefined : errorFrom(record.error);
  return { to: 'failed', error: new JobFailedError(queue, id, message, { cause }) };
}

function cancelled(record: JobRecord): Ending {
  const reason =
    record.cancelReason ?? (record.cause === 'expired' ? 'not started in time' : 'no reason given');
  return { to: 'failed', error: new CancelledError(record.queue, record.id, reason) };
}
