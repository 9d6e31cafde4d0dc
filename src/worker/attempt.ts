/**
 * One run of the processor. It ends by the processor, or by being told to stop: then the signal aborts, the
 * processor gets a short while to end, and after that it is left behind, because a slot must not be lost to code
 * that does not listen. What it writes later is refused by the fence.
 */

import { setMaxListeners } from 'node:events';
import {
  CancelledError,
  InvalidPayloadError,
  LeaseLostError,
  LimitExceededError,
  SchemaMismatchError,
  ShutdownError,
  TimeoutError,
} from '../errors.ts';
import { isControl } from '../job/control.ts';
import type { AttemptEnd } from '../job/outcome.ts';
import { encodeJson } from '../job/payload.ts';
import type { LeaseRef } from '../job/record.ts';
import { applySchema, type Schemas, type StandardSchema, schemaFor } from '../job/schema.ts';
import type { Client } from '../queue/client.ts';
import type { Timer } from '../runtime/clock.ts';
import type { Claimed } from '../store/store.ts';
import type { AttemptInfo } from '../telemetry/hooks.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { traceContextOf } from '../telemetry/trace-context.ts';
import { AttemptContext, type ContextParts, type ProcessorContext } from './context.ts';
import type { Holder } from './lease-keeper.ts';
import type { Stay } from './quarantine.ts';
import { RefusedResult } from './refused-result.ts';
import { type Listening, RunningJob } from './running-job.ts';

/** Processors of all types look like this from within. */
export type AnyProcessor = (job: never, ctx: ProcessorContext) => unknown;

export interface AttemptHost {
  readonly client: Client;
  readonly worker: string;
  readonly processor: AnyProcessor;
  readonly schemas: Schemas | undefined;
  readonly maxPayloadBytes: number;
  readonly telemetry: Telemetry;
  readonly onProgress: (job: RunningJob, value: unknown) => void;
  /** Asks the store; who holds the lease has been told by then if not. See `LeaseKeeper.verify`. */
  readonly stillHeld: (token: number) => Promise<boolean>;
  /** The lease is lost while it runs. */
  readonly onLost: (attempt: Attempt, why: string) => void;
  /** Told once of an attempt that began. */
  readonly onEnd: (attempt: Attempt, ran: Ran) => void;
}

/** Why an attempt is told to stop. The first one counts, but a lost lease always does. */
export type Stop =
  | { readonly how: 'timed-out'; readonly error: TimeoutError }
  | { readonly how: 'cancelled'; readonly reason: string; readonly error: CancelledError }
  | { readonly how: 'shutdown'; readonly why: string; readonly error: ShutdownError }
  | { readonly how: 'lost'; readonly why: string; readonly error: LeaseLostError };

export interface Ran {
  /** Null: the lease is lost and there is nothing to settle. */
  readonly end: AttemptEnd | null;
  /** What the processor returned, when it did. */
  readonly value: unknown;
  readonly ranMs: number;
  readonly leftBehind: boolean;
}

/** Shorter than the store's own grace after a timeout (5 s), so that the timeout can still be stored. */
export const ABORT_GRACE_MS = 2_000;

/** Most processors return nothing. */
const NOTHING: AttemptEnd = Object.freeze({ how: 'returned', result: null });

/** What it is to others it is itself: objects and functions made for each of them would cost more than all the rest. */
export class Attempt implements Holder, Listening, ContextParts {
  readonly job: RunningJob;
  readonly claimed: Claimed;
  /** Leave to run, to be given back once the store has its end. */
  stay: Stay | null = null;
  readonly #host: AttemptHost;
  #info: AttemptInfo | null = null;
  #abort: AbortController | null = null;
  #startedMs = 0;
  #timers: Timer[] | null = null;
  #stop: Stop | null = null;
  #isOver = false;
  #value: unknown = undefined;

  constructor(host: AttemptHost, claimed: Claimed) {
    const { lease, job, settled } = claimed;
    const { client, maxPayloadBytes } = host;
    this.#host = host;
    this.claimed = claimed;
    const dataSchema = schemaFor(host.schemas, job.name, 'data');
    this.job = new RunningJob(
      client,
      job,
      { maxPayloadBytes, dataSchema, lease: settled ? undefined : lease },
      this,
    );
  }

  get lease(): LeaseRef {
    return this.claimed.lease;
  }

  get worker(): string {
    return this.#host.worker;
  }

  /** For those who watch; mostly nobody does. */
  get info(): AttemptInfo {
    this.#info ??= infoOf(this.claimed, this.#host.worker);
    return this.#info;
  }

  get traceId(): string | null {
    return traceContextOf(this.claimed.job.headers)?.traceId ?? null;
  }

  /** Why it was told to stop, if it was. */
  get stopped(): Stop | null {
    return this.#stop;
  }

  get deadlineMs(): number | null {
    const { timeoutMs } = this.claimed.job.policy;
    if (timeoutMs === null) return null;
    return Math.max(0, this.#startedMs + timeoutMs - this.#host.client.clock.monotonic());
  }

  onProgress(value: unknown): void {
    this.#host.onProgress(this.job, value);
  }

  /** Aborts the signal, and gives the processor a short while to end. */
  stop(stop: Stop): void {
    const first = this.#stop === null;
    if (first || stop.how === 'lost') this.#stop = stop;
    if (!first) return;
    this.#after(ABORT_GRACE_MS, () => this.#end(null));
    this.#abort?.abort(stop.error);
  }

  cancel(reason: string): void {
    const { queue, id } = this.claimed.job;
    this.stop({ how: 'cancelled', reason, error: new CancelledError(queue, id, reason) });
  }

  /** Told by who keeps the lease; `lose` by who has to hear of it before. */
  lost(why: string): void {
    this.#host.onLost(this, why);
  }

  lose(why: string): void {
    const { queue, id } = this.claimed.job;
    this.stop({ how: 'lost', why, error: new LeaseLostError(queue, id, why) });
  }

  shutDown(): void {
    const why = 'its worker closed before it was done';
    this.stop({
      how: 'shutdown',
      why,
      error: new ShutdownError(`job "${this.job.id}" is handed back: ${why}`),
    });
  }

  /** A queue that delivers at most once has no leases: what was claimed stays claimed. */
  async stillHeld(): Promise<boolean> {
    return this.claimed.settled || (await this.#host.stillHeld(this.claimed.lease.token));
  }

  async assertLease(): Promise<void> {
    const { queue, id } = this.claimed.job;
    const held = await this.stillHeld();
    if (this.#stop !== null) throw this.#stop.error;
    if (!held) throw new LeaseLostError(queue, id, 'the attempt is over');
  }

  /** Made when it is asked for: it costs more than all the rest of a small attempt. */
  get signal(): AbortSignal {
    if (this.#abort === null) {
      this.#abort = new AbortController();
      // A processor may pass its signal to any number of calls.
      setMaxListeners(0, this.#abort.signal);
      if (this.#stop !== null) this.#abort.abort(this.#stop.error);
    }
    return this.#abort.signal;
  }

  run(): void {
    this.#startedMs = this.#host.client.clock.monotonic();
    this.#armTimeout();
    void this.#process();
  }

  /** `ended` is null when the processor is left behind; what it does later is no end any more. */
  #end(ended: AttemptEnd | null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const timer of this.#timers ?? []) timer.cancel();
    const ranMs = this.#host.client.clock.monotonic() - this.#startedMs;
    const end = this.#conclude(ended);
    this.#host.onEnd(this, { end, value: this.#value, ranMs, leftBehind: ended === null });
  }

  #after(ms: number, callback: () => void): void {
    this.#timers ??= [];
    this.#timers.push(this.#host.client.clock.after(ms, callback));
  }

  #armTimeout(): void {
    const { timeoutMs } = this.claimed.job.policy;
    if (timeoutMs === null) return;
    const { queue, id } = this.claimed.job;
    const message = `attempt ${this.info.attempt} at job "${id}" of queue "${queue}" ran longer than its timeout of ${timeoutMs} ms.`;
    const expire = (): void => this.stop({ how: 'timed-out', error: new TimeoutError(message) });
    this.#after(timeoutMs, expire);
  }

  /** Whoever was told to stop has stopped for that reason, whatever it says about it. */
  #conclude(ended: AttemptEnd | null): AttemptEnd | null {
    const stop = this.#stop;
    if (stop === null) return ended;
    switch (stop.how) {
      case 'lost':
        return null;
      case 'shutdown':
        // A control value says exactly what shall become of the job.
        return ended?.how === 'control' ? ended : { how: 'shutdown', why: stop.why };
      case 'timed-out':
        return { how: 'timed-out', error: stop.error };
      case 'cancelled':
        return { how: 'cancelled', reason: stop.reason };
      default:
        return stop satisfies never;
    }
  }

  /** One function for all of it: each that is awaited on the way costs a promise, and turns. Never rejects. */
  async #process(): Promise<void> {
    const check = this.#checkData();
    let end = check instanceof Promise ? await check : check;
    if (end === null && this.#stop !== null) end = { how: 'threw', error: this.#stop.error };
    if (end === null) {
      try {
        this.#value = await this.#askProcessor();
        const encoded = this.#encode(this.#value);
        end = encoded instanceof Promise ? await encoded : encoded;
      } catch (error) {
        end =
          error instanceof RefusedResult ? { how: 'refused', error: error.error } : { how: 'threw', error };
      }
    }
    if (this.job.isWriting) await this.job.written();
    this.#end(end);
  }

  #askProcessor(): unknown {
    const { telemetry, processor } = this.#host;
    const run = (): unknown => processor(this.job as never, new AttemptContext(this));
    return telemetry.surrounds ? telemetry.around(this.info, async () => run()) : run();
  }

  /**
   * Null when it is fit to run. Also without a schema the payload is read here: bytes that are not JSON are no better
   * the next time.
   */
  #checkData(): AttemptEnd | Promise<AttemptEnd | null> | null {
    try {
      const { data } = this.job;
      const schema = schemaFor(this.#host.schemas, this.job.name, 'data');
      return schema === undefined ? null : this.#applySchema(schema, data);
    } catch (error) {
      return endOf(error);
    }
  }

  async #applySchema(schema: StandardSchema, data: unknown): Promise<AttemptEnd | null> {
    try {
      await applySchema(schema, data, this.#subject('data'), 'data');
      return null;
    } catch (error) {
      return endOf(error);
    }
  }

  /** Never throws or rejects. */
  #encode(value: unknown): AttemptEnd | Promise<AttemptEnd> {
    if (isControl(value)) return { how: 'control', control: value };
    const schema = schemaFor(this.#host.schemas, this.job.name, 'result');
    return schema === undefined ? this.#encodeChecked(value) : this.#checkAndEncode(schema, value);
  }

  async #checkAndEncode(schema: StandardSchema, value: unknown): Promise<AttemptEnd> {
    try {
      return this.#encodeChecked(await applySchema(schema, value, this.#subject('result'), 'result'));
    } catch (error) {
      return endOf(error);
    }
  }

  #encodeChecked(value: unknown): AttemptEnd {
    if (value === undefined) return NOTHING;
    try {
      const result = encodeJson(value, 'result', { maxBytes: this.#host.maxPayloadBytes });
      return { how: 'returned', result };
    } catch (error) {
      return endOf(error);
    }
  }

  #subject(part: string): string {
    return `${part} of job "${this.job.id}" ("${this.job.name}") of queue "${this.job.queueName}"`;
  }
}

/** Of a payload or a result that could not be read, checked or written. */
function endOf(error: unknown): AttemptEnd {
  return isMismatch(error) ? { how: 'refused', error } : { how: 'threw', error };
}

function isMismatch(error: unknown): boolean {
  const kinds = [SchemaMismatchError, InvalidPayloadError, LimitExceededError];
  return kinds.some((kind) => error instanceof kind);
}

function infoOf({ job, lease, waitedMs }: Claimed, worker: string): AttemptInfo {
  const trace = traceContextOf(job.headers);
  return {
    queue: job.queue,
    jobId: job.id,
    jobName: job.name,
    token: lease.token,
    attempt: job.failures + 1,
    worker,
    waitedMs,
    traceparent: trace?.traceparent ?? null,
    traceId: trace?.traceId ?? null,
  };
}
