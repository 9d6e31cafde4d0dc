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
import { applySchema, type Schemas, type StandardSchema, schemaFor } from '../job/schema.ts';
import type { Client } from '../queue/client.ts';
import type { Timer } from '../runtime/clock.ts';
import type { Claimed } from '../store/store.ts';
import type { AttemptInfo } from '../telemetry/hooks.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { traceContextOf } from '../telemetry/trace-context.ts';
import { contextFor, type ProcessorContext } from './context.ts';
import { RefusedResult } from './refused-result.ts';
import { RunningJob } from './running-job.ts';

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

export class Attempt {
  readonly job: RunningJob;
  readonly claimed: Claimed;
  readonly info: AttemptInfo;
  readonly #host: AttemptHost;
  #abort: AbortController | null = null;
  #startedMs: number;
  readonly #timers: Timer[] = [];
  #stop: Stop | null = null;
  #leave: () => void = () => {};
  #value: unknown;

  constructor(host: AttemptHost, claimed: Claimed) {
    const { lease, job, settled } = claimed;
    const { client, maxPayloadBytes } = host;
    this.#host = host;
    this.claimed = claimed;
    this.#startedMs = client.clock.monotonic();
    const dataSchema = schemaFor(host.schemas, job.name, 'data');
    const context = { maxPayloadBytes, dataSchema, ...(settled ? {} : { lease }) };
    this.job = new RunningJob(client, job, context, {
      onProgress: (value) => host.onProgress(this.job, value),
      stillHeld: () => this.#stillHeld(),
      assertLease: () => this.#assertLease(),
    });
    this.info = infoOf(claimed, host.worker);
  }

  /** Why it was told to stop, if it was. */
  get stopped(): Stop | null {
    return this.#stop;
  }

  /** Aborts the signal, and gives the processor a short while to end. */
  stop(stop: Stop): void {
    const first = this.#stop === null;
    if (first || stop.how === 'lost') this.#stop = stop;
    if (!first) return;
    this.#timers.push(this.#host.client.clock.after(ABORT_GRACE_MS, () => this.#leave()));
    this.#abort?.abort(stop.error);
  }

  cancel(reason: string): void {
    const { queue, id } = this.claimed.job;
    this.stop({ how: 'cancelled', reason, error: new CancelledError(queue, id, reason) });
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
  async #stillHeld(): Promise<boolean> {
    return this.claimed.settled || (await this.#host.stillHeld(this.claimed.lease.token));
  }

  async #assertLease(): Promise<void> {
    const { queue, id } = this.claimed.job;
    const held = await this.#stillHeld();
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

  /** Never rejects. */
  run(): Promise<Ran> {
    const { clock } = this.#host.client;
    this.#startedMs = clock.monotonic();
    this.#armTimeout();
    return new Promise((resolve) => {
      this.#leave = () => resolve(this.#ran(null));
      void this.#processAndWrite().then((ended) => resolve(this.#ran(ended)));
    });
  }

  /** `ended` is null when the processor was left behind. */
  #ran(ended: AttemptEnd | null): Ran {
    for (const timer of this.#timers) timer.cancel();
    return {
      end: this.#conclude(ended),
      value: this.#value,
      ranMs: this.#host.client.clock.monotonic() - this.#startedMs,
      leftBehind: ended === null,
    };
  }

  #armTimeout(): void {
    const { timeoutMs } = this.claimed.job.policy;
    if (timeoutMs === null) return;
    const { queue, id } = this.claimed.job;
    const message = `attempt ${this.info.attempt} at job "${id}" of queue "${queue}" ran longer than its timeout of ${timeoutMs} ms.`;
    const expire = (): void => this.stop({ how: 'timed-out', error: new TimeoutError(message) });
    this.#timers.push(this.#host.client.clock.after(timeoutMs, expire));
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

  async #processAndWrite(): Promise<AttemptEnd> {
    const ended = await this.#process();
    if (this.job.isWriting) await this.job.written();
    return ended;
  }

  async #process(): Promise<AttemptEnd> {
    try {
      const check = this.#checkData();
      if (check !== null) await check;
    } catch (error) {
      return isMismatch(error) ? { how: 'refused', error } : { how: 'threw', error };
    }
    if (this.#stop !== null) return { how: 'threw', error: this.#stop.error };
    try {
      this.#value = await this.#askProcessor();
    } catch (error) {
      if (error instanceof RefusedResult) return { how: 'refused', error: error.error };
      return { how: 'threw', error };
    }
    return isControl(this.#value) ? { how: 'control', control: this.#value } : this.#encode(this.#value);
  }

  #askProcessor(): unknown {
    const { telemetry, processor } = this.#host;
    const run = (): unknown => processor(this.job as never, this.#context());
    return telemetry.surrounds ? telemetry.around(this.info, async () => run()) : run();
  }

  /** Also without a schema the payload is read here: bytes that are not JSON are no better the next time. */
  #checkData(): Promise<unknown> | null {
    const { data } = this.job;
    const schema = schemaFor(this.#host.schemas, this.job.name, 'data');
    return schema === undefined ? null : applySchema(schema, data, this.#subject('data'), 'data');
  }

  #encode(value: unknown): AttemptEnd | Promise<AttemptEnd> {
    const schema = schemaFor(this.#host.schemas, this.job.name, 'result');
    return schema === undefined ? this.#encodeChecked(value) : this.#checkAndEncode(schema, value);
  }

  async #checkAndEncode(schema: StandardSchema, value: unknown): Promise<AttemptEnd> {
    try {
      return this.#encodeChecked(await applySchema(schema, value, this.#subject('result'), 'result'));
    } catch (error) {
      return isMismatch(error) ? { how: 'refused', error } : { how: 'threw', error };
    }
  }

  #encodeChecked(value: unknown): AttemptEnd {
    if (value === undefined) return NOTHING;
    try {
      const result = encodeJson(value, 'result', { maxBytes: this.#host.maxPayloadBytes });
      return { how: 'returned', result };
    } catch (error) {
      return isMismatch(error) ? { how: 'refused', error } : { how: 'threw', error };
    }
  }

  #subject(part: string): string {
    return `${part} of job "${this.job.id}" ("${this.job.name}") of queue "${this.job.queueName}"`;
  }

  #context(): ProcessorContext {
    return contextFor(this.job, {
      signal: () => this.signal,
      worker: this.#host.worker,
      clock: this.#host.client.clock,
      startedMs: this.#startedMs,
    });
  }
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
