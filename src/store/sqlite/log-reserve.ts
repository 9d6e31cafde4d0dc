/**
 * Room to end jobs on a disk that somebody else has filled: the log is made longer than it is in use, and what a
 * file has, nobody else can take. Renewals and ends write into it for a while, though nothing can grow any more.
 */

import { closeSync, fstatSync, openSync, writeSync } from 'node:fs';
import { systemClock } from '../../runtime/clock.ts';
import type { Database } from './database.ts';
import { bytesOf } from './place.ts';
import { spaceOf } from './room.ts';

/** As long as the log gets by itself in a process that is busy. */
export const LOG_RESERVE_BYTES: number = 4 * 1024 * 1024;
/** Not at once: commands that only look are over sooner, and a start shall not wait for it. */
const LOOK_MS = 1_000;
/** The reserve must not be what fills the disk. */
const MIN_FREE = 4;

export class LogReserve {
  readonly #db: Database;
  readonly #path: string;
  #lookedMs: number = systemClock.monotonic();

  constructor(db: Database, path: string) {
    this.#db = db;
    this.#path = path;
  }

  /** Between calls. Looks now and then: another process may have emptied the log. */
  keep(): void {
    if (systemClock.monotonic() - this.#lookedMs < LOOK_MS) return;
    this.#lookedMs = systemClock.monotonic();
    if (bytesOf(this.#log) >= LOG_RESERVE_BYTES) return;
    const space = spaceOf(this.#path);
    if (space === null || space.freeBytes < MIN_FREE * LOG_RESERVE_BYTES) return;
    // Under the write lock the end of the log belongs to nobody else.
    this.#db.exec('begin immediate');
    try {
      extend(this.#log);
    } finally {
      this.#db.exec('rollback');
    }
  }

  get #log(): string {
    return `${this.#path}-wal`;
  }
}

/** SQLite takes what does not continue its chain of checksums for no part of the log. */
const EMPTY = new Uint8Array(64 * 1024);

function extend(log: string): void {
  const file = openSync(log, 'r+');
  try {
    const { size } = fstatSync(file);
    for (let at = size; at < LOG_RESERVE_BYTES; at += EMPTY.byteLength) {
      writeSync(file, EMPTY, 0, Math.min(EMPTY.byteLength, LOG_RESERVE_BYTES - at), at);
    }
  } finally {
    closeSync(file);
  }
}
