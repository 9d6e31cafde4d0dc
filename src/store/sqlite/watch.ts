import { watch } from 'node:fs';
import { systemClock, type Timer } from '../../runtime/clock.ts';
import type { Database } from './database.ts';

/** The net under the file watch, which not every file system supports. */
const POLL_MS = 1_000;
/** Writes come in bursts; one look serves all of a burst. */
const SETTLE_MS = 3;

const VERSION = 'pragma data_version';

/**
 * Calls back when another connection has committed: another process, or a transaction of the application's own.
 * The log file changes with every commit, and the number that SQLite keeps per connection tells ours from others'.
 * These timers belong to real files and real processes, so they follow the machine's clock whatever the store's is.
 */
export function watchOthers(db: Database, path: string, onNews: () => void): () => void {
  let seen = versionOf(db);
  let pending: Timer | null = null;
  let poll: Timer;
  const look = (): void => {
    const version = versionOf(db);
    if (version === seen) return;
    seen = version;
    onNews();
  };
  const lookSoon = (): void => {
    pending ??= systemClock.after(
      SETTLE_MS,
      () => {
        pending = null;
        look();
      },
      { background: true },
    );
  };
  const lookLater = (): void => {
    poll = systemClock.after(
      POLL_MS,
      () => {
        look();
        lookLater();
      },
      { background: true },
    );
  };
  const unwatchFile = watchFile(`${path}-wal`, lookSoon);
  lookLater();
  return () => {
    pending?.cancel();
    poll.cancel();
    unwatchFile();
  };
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
