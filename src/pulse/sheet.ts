/**
 * What the application's thread and the one that beats tell each other about a session. In shared memory and not by
 * messages: a thread that was blocked reads here what is true now, before it gets round to its messages.
 */

import type { BeatResult } from '../store/store.ts';

const WORDS = { beacon: 0, slots: 1, busy: 2, held: 3, lag: 4, acked: 5, gaps: 6 } as const;
type Word = keyof typeof WORDS;

/** Times are kept in whole microseconds: the only atomic numbers that are large enough are integers. */
const PER_MS = 1_000;

export interface Load {
  readonly slots: number;
  readonly busy: number;
  /** Leases that are bound to the session. */
  readonly held: number;
  readonly lagMs: number;
}

export interface Answered extends BeatResult {
  readonly ttlMs: number;
  readonly askedMs: number;
  readonly answeredMs: number;
}

export class Sheet {
  readonly buffer: SharedArrayBuffer;
  readonly #words: BigInt64Array<SharedArrayBuffer>;

  /** @param buffer Of a sheet that is there already. */
  constructor(buffer?: SharedArrayBuffer) {
    const bytes = Object.keys(WORDS).length * BigInt64Array.BYTES_PER_ELEMENT;
    this.buffer = buffer ?? new SharedArrayBuffer(bytes);
    this.#words = new BigInt64Array(this.buffer);
    if (buffer === undefined) this.#write('acked', -1);
  }

  /** The application's event loop turns: when it last did, by the monotonic clock, and what it has to do. */
  signal(nowMs: number, { slots, busy, held, lagMs }: Load): void {
    this.#write('slots', slots);
    this.#write('busy', busy);
    this.#write('held', held);
    this.#write('lag', lagMs * PER_MS);
    this.#write('beacon', nowMs * PER_MS);
  }

  get beaconMs(): number {
    return this.#read('beacon') / PER_MS;
  }

  get load(): Load {
    return {
      slots: this.#read('slots'),
      busy: this.#read('busy'),
      held: this.#read('held'),
      lagMs: this.#read('lag') / PER_MS,
    };
  }

  /**
   * A beat was answered. The store says whether the session was alive until then; its clock may have gone back, so
   * ours has a say, too.
   */
  acknowledge({ outcome, ttlMs, askedMs, answeredMs }: Answered): void {
    const wasInTime = answeredMs < this.ackedMs + ttlMs;
    const isFirst = this.ackedMs === Number.NEGATIVE_INFINITY;
    // The gap first: whoever reads the time and then the gaps never takes a session for unbroken that was not.
    if (!isFirst && (outcome !== 'kept' || !wasInTime)) Atomics.add(this.#words, WORDS.gaps, 1n);
    // Answers may overtake each other.
    if (askedMs > this.ackedMs) this.#write('acked', askedMs * PER_MS);
  }

  /** When the last beat that was answered was sent, by the monotonic clock; before the first, since ever. */
  get ackedMs(): number {
    const acked = this.#read('acked');
    return acked < 0 ? Number.NEGATIVE_INFINITY : acked / PER_MS;
  }

  /** How often the session was over, or may have been: leases of before may be lost. */
  get gaps(): number {
    return this.#read('gaps');
  }

  #write(word: Word, value: number): void {
    Atomics.store(this.#words, WORDS[word], BigInt(Math.round(value)));
  }

  #read(word: Word): number {
    return Number(Atomics.load(this.#words, WORDS[word]));
  }
}
