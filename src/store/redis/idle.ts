import type { Clock } from '../../runtime/clock.ts';
import type { ClaimAnswer, ClaimRequest } from '../store.ts';

/** Marks are forgotten after a minute, as their worker may be gone. */
const REFRESH_MS = 20_000;
/** So many claims in a row that gave all they could: the worker has no time to be told anything. */
const BUSY = 2;
const KNOWN = 1_000;

interface Mark {
  /** By the monotonic clock; null: there is none. */
  markedAt: number | null;
  fullClaims: number;
}

/**
 * What a claim asks for beside its jobs. 1: if there is nothing, note that this process wants to be told; 2: if there is
 * something, it need not be told any more.
 */
export type Marking = 0 | 1 | 2;

/**
 * Which workers have said that they found nothing. Only they are told of news, because to publish costs the server a
 * message for each process that listens. A worker to which jobs come one by one stays marked; one that has its hands full
 * does not.
 */
export class Idle {
  readonly #clock: Clock;
  readonly #isHearing: () => boolean;
  readonly #marks = new Map<string, Mark>();

  constructor(clock: Clock, isHearing: () => boolean) {
    this.#clock = clock;
    this.#isHearing = isHearing;
  }

  /** Whether somebody in this process claims from the queue. */
  claimsFrom(queue: string): boolean {
    return this.#marks.has(queue);
  }

  ask({ queue }: ClaimRequest): Marking {
    const { markedAt, fullClaims } = this.#markOf(queue);
    if (markedAt !== null && fullClaims >= BUSY) return 2;
    const isOld = markedAt === null || this.#clock.monotonic() - markedAt >= REFRESH_MS;
    // Who would not hear it does not ask to be told.
    return isOld && this.#isHearing() ? 1 : 0;
  }

  learn({ queue, limit }: ClaimRequest, asked: Marking, { jobs }: ClaimAnswer): void {
    const mark = this.#markOf(queue);
    mark.fullClaims = jobs.length > 0 && jobs.length >= limit ? mark.fullClaims + 1 : 0;
    if (asked === 2 && jobs.length > 0) mark.markedAt = null;
    if (asked === 1 && jobs.length === 0) mark.markedAt = this.#clock.monotonic();
  }

  /** The marks are gone, or nobody knows: the server was another one meanwhile. */
  forget(): void {
    for (const mark of this.#marks.values()) mark.markedAt = null;
  }

  #markOf(queue: string): Mark {
    const known = this.#marks.get(queue);
    if (known !== undefined) return known;
    // Workers come and go; forgetting a mark costs another one.
    if (this.#marks.size >= KNOWN) this.#marks.clear();
    const mark = { markedAt: null, fullClaims: 0 };
    this.#marks.set(queue, mark);
    return mark;
  }
}
