import { dirname } from 'node:path';
import { EnvironmentError } from '../../errors.ts';
import type { Durability } from '../store.ts';
import { TRUNCATE_BYTES } from './checkpoint.ts';
import { Database } from './database.ts';
import { type Driver, type DriverConnection, loadDriver } from './driver.ts';
import type { ExitGate } from './exit-gate.ts';
import { migrate } from './migrations.ts';
import { patiently } from './patience.ts';
import { type FileSystem, fileSystemOf, MEMORY, preparePlace } from './place.ts';

/** What was found when the database was opened; settings are read back, not assumed. */
export interface Facts {
  readonly path: string;
  readonly driver: string;
  readonly version: string;
  readonly journalMode: string;
  readonly synchronous: number;
  readonly fileSystem: FileSystem;
}

export interface Opened {
  readonly db: Database;
  readonly facts: Facts;
}

/** The level of `pragma synchronous` at which a commit is on disk when it returns. */
export const FULL = 2;
/** The level at which a commit is in the log when it returns, and on disk with the next flush of the log. */
const NORMAL = 1;
/** KiB, as a negative number in SQLite's words. */
const CACHE = -32_000;

/** Opens the database, makes it durable and brings its schema up to date. */
export function openDatabase(path: string, patienceMs: number, gate: ExitGate | null = null): Opened {
  const isMemory = path === MEMORY;
  const place = isMemory ? MEMORY : preparePlace(path);
  const connect = (): [Driver, DriverConnection] => {
    const driver = loadDriver(isMemory ? 'memory' : 'file');
    return [driver, driver.open(place)];
  };
  const [driver, connection] = gate === null ? connect() : gate.pass(connect);
  const db = new Database(connection, gate);
  try {
    // Waiting is ours; see `patience.ts`.
    db.exec('pragma busy_timeout = 0');
    const journalMode = patiently(patienceMs, () => setJournalMode(db, isMemory));
    const synchronous = setSynchronous(db, isMemory);
    db.exec(`pragma cache_size = ${CACHE}`);
    db.exec('pragma temp_store = memory');
    // Found when it is read, instead of being followed to somewhere else.
    db.exec('pragma cell_size_check = on');
    // A log that grew while it could not be emptied gives its room back when it begins anew.
    db.exec(`pragma journal_size_limit = ${TRUNCATE_BYTES}`);
    // Checkpoints run between calls, not inside somebody's commit; see `checkpoint.ts`.
    db.exec('pragma wal_autocheckpoint = 0');
    patiently(patienceMs, () => migrate(db));
    const fileSystem = isMemory ? 'memory' : fileSystemOf(dirname(place));
    const { name, version } = driver;
    return { db, facts: { path: place, driver: name, version, journalMode, synchronous, fileSystem } };
  } catch (error) {
    db.close();
    throw error;
  }
}

function setJournalMode(db: Database, isMemory: boolean): string {
  const answer = db.pragma<{ journal_mode: string }>('pragma journal_mode = wal')?.journal_mode ?? '';
  if (!isMemory && answer !== 'wal') {
    throw new EnvironmentError(
      `SQLite answers journal mode "${answer}" where "wal" was asked for: the file system cannot share memory ` +
        'between processes. Put the database on a local disk.',
    );
  }
  return answer;
}

/**
 * Set and read back on every connection, because it is not a property of the file, and builds differ in it. Exported
 * for its test.
 */
export function setSynchronous(db: Database, isMemory: boolean): number {
  db.exec(`pragma synchronous = ${FULL}`);
  const answer = db.pragma<{ synchronous: number }>('pragma synchronous')?.synchronous ?? -1;
  if (!isMemory && answer < FULL) {
    throw new EnvironmentError(
      `SQLite answers synchronous = ${answer} where ${FULL} was asked for, so that a power cut could lose jobs. ` +
        'Use another build of SQLite.',
    );
  }
  return answer;
}

/**
 * Whether commits are flushed by themselves; else they are by whoever comes next. Not within a transaction, where SQLite
 * refuses it. That it takes the level was seen when the database was opened.
 */
export function setFlushing(db: Database, flushes: boolean): void {
  db.exec(`pragma synchronous = ${flushes ? FULL : NORMAL}`);
}

export function durabilityOf({ path, journalMode, synchronous, fileSystem, version }: Facts): Durability {
  if (path === MEMORY) {
    return { level: 'memory', detail: 'the database is in the memory of this process and ends with it' };
  }
  const settings = `journal_mode ${journalMode}, synchronous ${synchronous}, SQLite ${version}`;
  if (fileSystem === 'memory') {
    const detail = `${settings}; the file lies in the memory of the machine and ends with it`;
    return { level: 'os', detail };
  }
  const detail = `${settings}, leases within 5 ms, file "${path}"`;
  return { level: synchronous >= FULL ? 'disk' : 'os', detail };
}
