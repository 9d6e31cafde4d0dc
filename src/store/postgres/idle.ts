import type { Clock } from '../../runtime/clock.ts';
import type { ClaimAnswer, ClaimRequest } from '../store.ts';

/** Marks that are older are forgotten by upkeep, as their worker may be gone. */
const REFRESH_MS = 20_000;
/** So many claims in a row that gave all they could: the worker has no time to be told anything. */
const BUSY = 2;
const KNOWN = 1_000;

interface Mark {
  /** By the monotonic clock; null: there is none. */
  markedAt: number | null;
  fullClaims: number;
}

/** What a claim asks for beside its jobs. */
export interface Marking {
  /** If there is nothing: note that this worker wants to be told. */
  readonly mark: boolean;
  /** If there is something: it need not be told any more. */
  readonly idle: boolean;
}

/**
 * Which workers have said that they found nothing. Only they are told of news, because transactions that notify commit
 * one after the other. A worker to which jobs come one by one stays marked; one that has its hands full does not.
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
    return [...this.#marks.keys()].some((key) => key.startsWith(`${queue} `));
  }

  /** Workers of this process that are marked. */
  markedIn(queue: string): string[] {
    const start = `${queue} `;
    return [...this.#marks].flatMap(([key, { markedAt }]) =>
      markedAt !== null && key.startsWith(start) ? key.slice(start.length) : [],
    );
  }

  ask(request: ClaimRequest): Marking {
    const { markedAt, fullClaims } = this.#markOf(request);
    const isOld = markedAt === null || this.#clock.monotonic() - markedAt >= REFRESH_MS;
    // Who would not hear it does not ask to be told.
    return { mark: isOld && this.#isHearing(), idle: markedAt !== null && fullClaims >= BUSY };
  }

  /** Answers whether to look once more: what was committed between the look and the mark told nobody. */
  learn(request: ClaimRequest, asked: Marking, answer: ClaimAnswer): boolean {
    const mark = this.#markOf(request);
    const many = answer.jobs.length;
    mark.fullClaims = many > 0 && many >= request.limit ? mark.fullClaims + 1 : 0;
    if (many > 0) {
      if (asked.idle) mark.markedAt = null;
      return false;
    }
    if (!asked.mark || answer.paused || answer.sessionOver !== undefined) return false;
    const isNew = mark.markedAt === null;
    mark.markedAt = this.#clock.monotonic();
    return isNew;
  }

  #markOf({ queue, worker }: ClaimRequest): Mark {
    const key = `${queue} ${worker}`;
    const known = this.#marks.get(key);
    if (known !== undefined) return known;
    // Workers come and go; forgetting a mark costs another one.
    if (this.#marks.size >= KNOWN) this.#marks.clear();
    const mark = { markedAt: null, fullClaims: 0 };
    this.#marks.set(key, mark);
    return mark;
  }
}
