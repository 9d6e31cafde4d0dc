/**
 * A worker that waits for jobs which its own process adds: its claim rides in the statement that adds them. That saves a
 * round trip and a transaction between `add` and the start of the job.
 */

import { Deferred } from '../../runtime/deferred.ts';
import type { ClaimAnswer, ClaimRequest, Hint, NewJob } from '../store.ts';

/** A claim that came in time. */
export interface Passenger {
  readonly request: ClaimRequest;
  readonly claimed: Deferred<ClaimAnswer[]>;
}

/**
 * From the hint that jobs are coming to the claim of a worker that was waiting it takes about a dozen turns of promises,
 * some more where calls are recorded. Whoever has not come by then is busy.
 */
const TURNS = 40;
/** Queues with workers that wait; forgetting them costs a round trip each. */
const KNOWN = 1_000;

export class Rides {
  readonly #tell: (hint: Hint) => void;
  /** Workers whose latest claim found fewer jobs than they have room for, by queue. */
  readonly #waiting = new Map<string, Set<string>>();
  /** By queue: an add that waits for its passenger. */
  readonly #stops = new Map<string, { passenger: Passenger | null }>();

  constructor(tell: (hint: Hint) => void) {
    this.#tell = tell;
  }

  /** To be told of every claim, and of what it was answered. */
  begins(requests: readonly ClaimRequest[]): void {
    for (const { queue, worker } of requests) {
      const waiting = this.#waiting.get(queue);
      if (waiting?.delete(worker) === true && waiting.size === 0) this.#waiting.delete(queue);
    }
  }

  ended(requests: readonly ClaimRequest[], answers: readonly ClaimAnswer[]): void {
    for (const [index, { queue, worker, limit }] of requests.entries()) {
      const answer = answers[index];
      if (answer === undefined || !hasRoom(answer, limit)) continue;
      if (this.#waiting.size >= KNOWN) this.#waiting.clear();
      const waiting = this.#waiting.get(queue) ?? new Set();
      this.#waiting.set(queue, waiting.add(worker));
    }
  }

  /** Null: nobody waits for these jobs, or nobody can take them at once. */
  async passengerFor(jobs: readonly NewJob[]): Promise<Passenger | null> {
    const queue = jobs[0]?.queue ?? '';
    if (!this.#waiting.has(queue) || this.#stops.has(queue)) return null;
    if (!jobs.every((job) => job.queue === queue && job.delayMs === 0)) return null;
    const stop: { passenger: Passenger | null } = { passenger: null };
    this.#stops.set(queue, stop);
    this.#tell({ queue, news: 'coming' });
    for (let turn = 0; turn < TURNS && stop.passenger === null; turn++) await Promise.resolve();
    this.#stops.delete(queue);
    return stop.passenger;
  }

  /** Null: no add is about to leave for that queue, or it has its passenger. */
  board(requests: readonly ClaimRequest[]): Promise<ClaimAnswer[]> | null {
    const [request] = requests;
    if (request === undefined || requests.length > 1) return null;
    const stop = this.#stops.get(request.queue);
    if (stop === undefined || stop.passenger !== null) return null;
    stop.passenger = { request, claimed: new Deferred() };
    return stop.passenger.claimed.promise;
  }
}

function hasRoom({ jobs, paused, sessionOver }: ClaimAnswer, limit: number): boolean {
  return jobs.length < limit && !paused && sessionOver !== true;
}

/** Nobody needs to look once more. */
export function foundEnd(answer: ClaimAnswer | undefined, { limit }: ClaimRequest): boolean {
  return answer !== undefined && hasRoom(answer, limit) && answer.nextDueInMs === null;
}
