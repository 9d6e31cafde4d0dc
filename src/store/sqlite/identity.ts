/**
 * Whether the files at the path are still those that were opened. A file that is deleted or replaced stays with
 * those who have it open: without a look they would go on acknowledging jobs into a file that nobody finds again.
 */

import { statSync } from 'node:fs';
import { StoreUnavailableError } from '../../errors.ts';
import { bytesOf } from './place.ts';

interface Mark {
  readonly dev: number;
  readonly ino: number;
}

export class Identity {
  readonly #path: string;
  readonly #database: Mark | null;
  readonly #log: Mark | null;

  /** Of the files that are there now, and open. */
  constructor(path: string) {
    this.#path = path;
    this.#database = markOf(path);
    this.#log = markOf(logOf(path));
  }

  isSameAs(other: Identity | null): boolean {
    return other !== null && isSame(this.#database, other.#database);
  }

  /** null as long as the files at the path are these. */
  trouble(): StoreUnavailableError | null {
    const file = isSame(markOf(this.#path), this.#database) ? logOf(this.#path) : this.#path;
    if (file !== this.#path && isSame(markOf(file), this.#log)) return null;
    return new StoreUnavailableError(
      `"${file}" was deleted, moved or replaced while it was in use; it is not known whether the call took effect. ` +
        'Repeat it with the same request id or claim id.',
    );
  }

  /**
   * Before the path is opened once more. In place of a file that is gone a new one would be made, and all would
   * look well without the jobs.
   *
   * @throws StoreUnavailableError unless these files are back, or others lie in their place for good.
   */
  checkReturn(): void {
    const database = markOf(this.#path);
    if (database === null) throw this.#gone();
    if (isSame(database, this.#database)) return;
    const log = markOf(logOf(this.#path));
    if (log !== null && isSame(log, this.#log) && bytesOf(logOf(this.#path)) > 0) throw this.#mixed();
  }

  #gone(): StoreUnavailableError {
    return new StoreUnavailableError(
      `the database "${this.#path}" was deleted or moved away while it was in use. Nothing is written until it is back; ` +
        'to begin with an empty one, stop every process that uses it and start again.',
    );
  }

  /** SQLite would carry the changes of the old log into the new file, and ruin it. */
  #mixed(): StoreUnavailableError {
    const path = this.#path;
    return new StoreUnavailableError(
      `the database "${path}" was replaced by another file, and the log "${logOf(path)}" of the old one is still there. ` +
        'Nothing is written. Stop every process that uses it, remove the files ending in -wal and -shm, and start again.',
    );
  }
}

function logOf(path: string): string {
  return `${path}-wal`;
}

function markOf(path: string): Mark | null {
  const { dev, ino } = statSync(path, { throwIfNoEntry: false }) ?? {};
  return dev === undefined || ino === undefined ? null : { dev, ino };
}

function isSame(one: Mark | null, other: Mark | null): boolean {
  return one?.dev === other?.dev && one?.ino === other?.ino;
}
