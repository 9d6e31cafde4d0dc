/**
 * Batching by nature: a call goes out at once when none is under way; what arrives meanwhile leaves together when
 * it is back. No timers, so an idle queue adds no latency, and a busy one makes one round trip for hundreds of
 * calls.
 */

import {
  InvalidOptionError,
  InvalidPayloadError,
  LimitExceededError,
  MillraceError,
  StoreUnavailableError,
  UnsupportedError,
} from '../errors.ts';
import { MAX_BATCH_BYTES, MAX_BATCH_JOBS } from '../job/limits.ts';
import { type Clock, sleep } from '../runtime/clock.ts';
import type { MakeId } from '../runtime/ids.ts';
import type { Random } from '../runtime/random.ts';
import type { Effect, EffectResult, NewJob, Store } from '../store/store.ts';

export interface BatcherParts {
  readonly store: Pick<Store, 'apply'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly makeId: MakeId;
}

interface Call {
  readonly effect: Effect;
  readonly jobs: number;
  readonly bytes: number;
  readonly resolve: (answer: EffectResult) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Whoever had an answer and calls again does so a few turns of promises later. Without this wait the first of a hundred
 * would leave alone, and the others only with the call after that.
 */
const GATHER_TURNS = 24;

/** Repetitions of a batch whose outcome is unknown; with the waits below about three seconds. */
const MAX_REPEATS = 5;
const FIRST_REPEAT_MS = 100;

/** Refusals that are about what one caller passed; all others are about the store and meet everyone. */
const REFUSALS = [InvalidOptionError, InvalidPayloadError, LimitExceededError, UnsupportedError];

export class Batcher {
  readonly #parts: BatcherParts;
  #waiting: Call[] = [];
  #underWay = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: BatcherParts) {
    this.#parts = parts;
  }

  /** Answers come in the order of the calls. */
  send(effect: Effect): Promise<EffectResult> {
    const answer = new Promise<EffectResult>((resolve, reject) => {
      this.#waiting.push({ effect, jobs: jobsOf(effect), bytes: bytesOf(effect), resolve, reject });
    });
    this.#last = answer;
    if (!this.#underWay) void this.#run();
    return answer;
  }

  /** When all calls made so far are answered. */
  async drained(): Promise<void> {
    await this.#last.catch(() => {});
  }

  async #run(): Promise<void> {
    this.#underWay = true;
    while (this.#waiting.length > 0) {
      const calls = this.#take();
      await this.#deliver(calls);
      if (calls.length > 1) await this.#gather(calls.length);
    }
    this.#underWay = false;
  }

  /** Until as many have called again as were answered, or it is clear that they will not now. */
  async #gather(answered: number): Promise<void> {
    for (let turn = 0; turn < GATHER_TURNS && this.#waiting.length < answered; turn++)
      await Promise.resolve();
  }

  /** From the front as many calls as one `apply` may carry; a call that is too large alone goes alone. */
  #take(): Call[] {
    let jobs = 0;
    let bytes = 0;
    const beyond = this.#waiting.findIndex((call) => {
      jobs += call.jobs;
      bytes += call.bytes;
      return jobs > MAX_BATCH_JOBS || bytes > MAX_BATCH_BYTES;
    });
    if (beyond >= 0) return this.#waiting.splice(0, Math.max(1, beyond));
    const all = this.#waiting;
    this.#waiting = [];
    return all;
  }

  /** Never rejects. A refusal may be the fault of one: the halves are tried apart until it stands alone. */
  async #deliver(calls: readonly Call[]): Promise<void> {
    try {
      const batch = new Batch(calls);
      batch.answer(await this.#apply(batch.effects));
    } catch (error) {
      if (calls.length === 1 || !REFUSALS.some((refusal) => error instanceof refusal)) {
        for (const call of calls) call.reject(error);
        return;
      }
      const middle = Math.ceil(calls.length / 2);
      await this.#deliver(calls.slice(0, middle));
      await this.#deliver(calls.slice(middle));
    }
  }

  /** The request id stays, so that a batch which was applied after all is not applied again. */
  async #apply(effects: readonly Effect[]): Promise<EffectResult[]> {
    const requestId = this.#parts.makeId();
    for (let repeats = 0; ; repeats++) {
      try {
        return await this.#parts.store.apply(effects, { requestId });
      } catch (error) {
        if (!(error instanceof StoreUnavailableError) || repeats >= MAX_REPEATS) throw error;
        const waitMs = FIRST_REPEAT_MS * 2 ** repeats * (0.5 + this.#parts.random.fraction() / 2);
        await sleep(this.#parts.clock, waitMs);
      }
    }
  }
}

/** Calls as one list of effects. Adds that follow one another become one, which stores write at once. */
class Batch {
  readonly effects: readonly Effect[];
  readonly #calls: readonly Call[];

  constructor(calls: readonly Call[]) {
    this.#calls = calls;
    this.effects = joinAdds(calls.map((call) => call.effect));
  }

  answer(results: readonly EffectResult[]): void {
    let at = 0;
    let taken = 0;
    for (const { effect, resolve, reject } of this.#calls) {
      const result = results[at];
      if (effect.op === 'add' && result?.op === 'add') {
        const jobs = result.jobs.slice(taken, taken + effect.jobs.length);
        taken += effect.jobs.length;
        if (taken >= result.jobs.length) [at, taken] = [at + 1, 0];
        resolve({ op: 'add', jobs });
      } else {
        at++;
        if (result?.op === effect.op) resolve(result);
        else reject(new MillraceError('MILLRACE_INTERNAL', `the store did not answer "${effect.op}".`));
      }
    }
  }
}

function joinAdds(effects: readonly Effect[]): Effect[] {
  const joined: Effect[] = [];
  let open: NewJob[] | null = null;
  for (const effect of effects) {
    if (effect.op !== 'add') {
      open = null;
      joined.push(effect);
    } else if (open === null) {
      open = [...effect.jobs];
      joined.push({ op: 'add', jobs: open });
    } else open.push(...effect.jobs);
  }
  return joined;
}

function jobsOf(effect: Effect): number {
  return effect.op === 'add' ? Math.max(1, effect.jobs.length) : 1;
}

function bytesOf(effect: Effect): number {
  let bytes = 0;
  switch (effect.op) {
    case 'add':
      for (const { body } of effect.jobs) bytes += body.byteLength;
      return bytes;
    case 'progress':
      return effect.value.byteLength;
    case 'data':
      return effect.body.byteLength;
    case 'log':
      for (const line of effect.lines) bytes += line.length;
      return bytes;
    default:
      return 0;
  }
}
