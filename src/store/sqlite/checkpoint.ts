import type { Database } from './database.ts';
import { bytesOf } from './place.ts';

/** Pages of the write-ahead log that wait to be moved into the database before that is done. */
const CHECKPOINT_PAGES = 1_000;
/** A log file of this size is given back to the file system when there is nothing else to do. */
export const TRUNCATE_BYTES: number = 8 * 1024 * 1024;

const LOOK = 'pragma wal_checkpoint(noop)';
const MOVE = 'pragma wal_checkpoint(passive)';
const EMPTY = 'pragma wal_checkpoint(truncate)';

interface Answer {
  readonly busy: number;
  /** Pages in the log … */
  readonly log: number;
  /** … and how many of them are in the database already. */
  readonly checkpointed: number;
}

/**
 * Keeps the write-ahead log short. Called between groups of calls, after their answers went out, so that nobody
 * waits for it.
 */
export class Checkpointer {
  readonly #db: Database;
  readonly #log: string;
  #nextTryAt = CHECKPOINT_PAGES;
  /** The last attempt left pages behind, because some connection still reads an older state. */
  isHeld = false;

  constructor(db: Database, path: string) {
    this.#db = db;
    this.#log = `${path}-wal`;
  }

  get logBytes(): number {
    return bytesOf(this.#log);
  }

  /** After a group of calls. */
  keepShort(): void {
    if (this.#pagesWaiting(this.#db.get<Answer>(LOOK)) < this.#nextTryAt) return;
    const left = this.#pagesWaiting(this.#db.get<Answer>(MOVE));
    this.isHeld = left > 0;
    // A long reader holds the pages: trying again after every group would only cost.
    this.#nextTryAt = left + CHECKPOINT_PAGES;
  }

  /** When there is nothing to do. Waits for nobody, and answers whether somebody has to be waited for. */
  shrink(minBytes: number = TRUNCATE_BYTES): boolean {
    if (this.logBytes < minBytes) return false;
    this.isHeld = this.#db.get<Answer>(EMPTY)?.busy !== 0;
    if (!this.isHeld) this.#nextTryAt = CHECKPOINT_PAGES;
    return this.isHeld;
  }

  /**
   * After a failed write: brings what the log holds into the database, by writing and flushing it anew. A page that
   * could not be flushed once is not flushed again by itself (the kernel takes it for clean), so later commits must
   * not rest on it. Others who use the file see to it when they close.
   */
  secure(): void {
    this.#db.get<Answer>(EMPTY);
  }

  #pagesWaiting(answer: Answer | undefined): number {
    return answer === undefined ? 0 : answer.log - answer.checkpointed;
  }
}
