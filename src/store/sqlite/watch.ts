import { watch } from 'node:fs';
import { systemClock, type Timer } from '../../runtime/clock.ts';
import type { Database } from './database.ts';
import { Looks } from './looks.ts';

/** The net under the file watch, which not every file system supports. */
const POLL_MS = 1_000;
const VERSION = 'pragma data_version';

/**
 * Calls back when another connection has committed: another process, or a transaction of the application's own.
 * The log file changes with every commit, and the number that SQLite keeps per connection tells ours from others'.
 * These timers belong to real files and real processes, so they follow the machine's clock whatever the store's is.
 */
export function watchOthers(db: Database, path: string, onNews: () => void): () => void {
  const look = makeLook(db, onNews);
  const looks = new Looks(systemClock, look);
  const unwatchFile = watchFile(`${path}-wal`, () => looks.soon());
  const stopPolling = every(POLL_MS, look);
  return () => {
    looks.stop();
    stopPolling();
    unwatchFile();
  };
}

/** Answers whether there was news. */
function makeLook(db: Database, onNews: () => void): () => boolean {
  let seen = versionOf(db);
  return () => {
    const version = versionOf(db);
    if (version === seen) return false;
    seen = version;
    onNews();
    return true;
  };
}

function every(periodMs: number, look: () => void): () => void {
  let timer: Timer;
  const arm = (): void => {
    timer = systemClock.after(periodMs, tick, { background: true });
  };
  const tick = (): void => {
    look();
    arm();
  };
  arm();
  return () => timer.cancel();
}

/** null when the connection cannot say now; the next look will. */
function versionOf(db: Database): number | null {
  try {
    return db.get<{ data_version: number }>(VERSION)?.data_version ?? null;
  } catch {
    return null;
  }
}

function watchFile(path: string, onChange: () => void): () => void {
  try {
    const watcher = watch(path, { persistent: false }, onChange);
    // A watch that breaks (the file is gone, too many watches) leaves the poll.
    watcher.on('error', () => watcher.close());
    return () => watcher.close();
  } catch {
    return () => undefined;
  }
}
