/**
 * Flushes the write-ahead log by a descriptor of its own, for commits that SQLite has appended without a flush. The
 * locks of the store lie on other files, so that closing this one lets go of none.
 */

import { closeSync, fdatasyncSync, openSync } from 'node:fs';

/** SQLite's own number for a flush that failed (SQLITE_IOERR_FSYNC), so that it is met as such. */
const IOERR_FSYNC = 1034;

class FlushFailure extends Error {
  readonly errcode: number = IOERR_FSYNC;
}

export class LogFlush {
  readonly #file: number;

  /** Of the log that is there now: it keeps its name and its bytes for as long as the database is open. */
  constructor(path: string) {
    this.#file = openSync(`${path}-wal`, 'r+');
  }

  /** All commits until now are on the disk afterwards, whichever process made them. */
  flush(): void {
    try {
      fdatasyncSync(this.#file);
    } catch (error) {
      throw new FlushFailure(error instanceof Error ? error.message : String(error), { cause: error });
    }
  }

  close(): void {
    closeSync(this.#file);
  }
}
