/**
 * Batching by nature: a call goes out at once when none is under way; what arrives meanwhile leaves together when
 * it is back. No timers, so an idle queue adds no latency, and a busy one makes one round trip for hundreds of
 * calls. Where the store keeps calls in turn, two batches of adds are under way: while it carries out the one, the other
 * is made and its answers are read.
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
import { Deferred } from '../runtime/deferred.ts';
import type { MakeId } from '../runtime/ids.ts';
import type { Random } from '../runtime/random.ts';
import type { Effect, EffectResult, NewJob, Store } from '../store/store.ts';

export interface BatcherParts {
  readonly store: Pick<Store, 'apply' | 'can'>;
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

/** Batches of adds that are under way at once, where the store keeps them in turn. */
const LANES = 2;

/** Repetitions of a batch whose outcome is unknown; with the waits below about three seconds. */
const MAX_REPEATS = 5;
const FIRST_REPEAT_MS = 100;

/** Refusals that are about what one caller passed; all others are about the store and meet everyone. */
const REFUSALS = [InvalidOptionError, InvalidPayloadError, LimitExceededError, UnsupportedError];

/** A batch that has left. */
interface Flight {
  readonly calls: readonly Call[];
  /** How many calls had left before it. */
  readonly before: number;
  readonly isAdds: boolean;
  /** It did not come through at once; until it has, nothing leaves, so that it is not overtaken more than need be. */
  isInTrouble: boolean;
  readonly landed: Deferred;
}

export class Batcher {
  readonly #parts: BatcherParts;
  readonly #flights = new Set<Flight>();
  #waiting: Call[] = [];
  #left = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: BatcherParts) {
    this.#parts = parts;
  }

  /** Calls reach the store in their order, but for a batch that has to be repeated. */
  send(effect: Effect): Promise<EffectResult> {
    const answer = new Promise<EffectResult>((resolve, reject) => {
      this.#waiting.push({ effect, jobs: jobsOf(effect), bytes: bytesOf(effect), resolve, reject });
    });
    this.#last = answer;
    this.#depart();
    return answer;
  }

  /** When all calls made so far are answered. */
  async drained(): Promise<void> {
    const made = this.#left + this.#waiting.length;
    await this.#last.catch(() => {});
    const earlier = [...this.#flights].filter(({ before }) => before < made);
    await Promise.all(earlier.map(({ landed }) => landed.promise));
  }

  #depart(): void {
    while (this.#waiting.length > 0) {
      const calls = this.#flights.size === 0 ? this.#take() : this.#takeBeside();
      if (calls.length === 0) return;
      void this.#fly(calls);
    }
  }

  async #fly(calls: readonly Call[]): Promise<void> {
    const isAdds = calls.every(({ effect }) => effect.op === 'add');
    const flight = { calls, before: this.#left, isAdds, isInTrouble: false, landed: new Deferred() };
    this.#left += calls.length;
    this.#flights.add(flight);
    await this.#deliver(calls, flight);
    flight.landed.resolve();
    if (calls.length > 1) await this.#gather(calls.length);
    this.#flights.delete(flight);
    this.#depart();
  }

  /** Until as many have called again as were answered, or it is clear that they will not now. */
  async #gather(answered: number): Promise<void> {
    for (let turn = 0; turn < GATHER_TURNS && this.#waiting.length < answered; turn++)
      await Promise.resolve();
  }

  /** From the front as many calls as one `apply` may carry; a call that is too large alone goes alone. */
  #take(most = this.#share()): Call[] {
    let jobs = 0;
    let bytes = 0;
    const beyond = this.#waiting.findIndex((call, index) => {
      jobs += call.jobs;
      bytes += call.bytes;
      return index >= most || jobs > MAX_BATCH_JOBS || bytes > MAX_BATCH_BYTES;
    });
    if (beyond >= 0) return this.#waiting.splice(0, Math.max(1, beyond));
    const all = this.#waiting;
    this.#waiting = [];
    return all;
  }

  /** While others are under way: adds, up to a call that is none. */
  #takeBeside(): Call[] {
    const flights = [...this.#flights];
    const isFree = this.#parts.store.can.ordered && flights.length < LANES;
    if (!isFree || flights.some(({ isAdds, isInTrouble }) => !isAdds || isInTrouble)) return [];
    const other = this.#waiting.findIndex(({ effect }) => effect.op !== 'add');
    if (other === 0) return [];
    return this.#take(Math.min(this.#share(), other < 0 ? Number.POSITIVE_INFINITY : other));
  }

  /** Where there are lanes each has as much as the others, or one would carry all and the others nothing. */
  #share(): number {
    if (!this.#parts.store.can.ordered) return Number.POSITIVE_INFINITY;
    let all = this.#waiting.length;
    for (const { calls } of this.#flights) all += calls.length;
    return Math.ceil(all / LANES);
  }

  /** Never rejects. A refusal may be the fault of one: the halves are tried apart until it stands alone. */
  async #deliver(calls: readonly Call[], flight: Flight): Promise<void> {
    try {
      const batch = new Batch(calls);
      batch.answer(await this.#apply(batch.effects, flight));
    } catch (error) {
      if (calls.length === 1 || !REFUSALS.some((refusal) => error instanceof refusal)) {
        for (const call of calls) call.reject(error);
        return;
      }
      flight.isInTrouble = true;
      const middle = Math.ceil(calls.length / 2);
      await this.#deliver(calls.slice(0, middle), flight);
      await this.#deliver(calls.slice(middle), flight);
    }
  }

  /** The request id stays, so that a batch which was applied after all is not applied again. */
  async #apply(effects: readonly Effect[], flight: Flight): Promise<EffectResult[]> {
    const requestId = this.#parts.makeId();
    for (let repeats = 0; ; repeats++) {
      try {
        return await this.#parts.store.apply(effects, { requestId });
      } catch (error) {
        if (!(error instanceof StoreUnavailableError) || repeats >= MAX_REPEATS) throw error;
        flight.isInTrouble = true;
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
