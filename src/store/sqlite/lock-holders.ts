/**
 * Who holds a lock on a database, by name, where the machine tells (Linux does, in /proc/locks). "Another
 * connection" is what SQLite knows; the process to look at is what a person needs.
 */

import { readFileSync, statSync } from 'node:fs';

/** Bytes of the `-shm` file that connections in WAL mode lock: https://www.sqlite.org/walformat.html#wal_locks */
const BYTES: Readonly<Record<'write' | 'read', readonly [from: number, to: number]>> = {
  write: [120, 120],
  read: [123, 127],
};
const COMMAND_LENGTH = 80;

/** For a sentence: `process 17 (node worker.js)`; empty when it cannot be told. Also names this process. */
export function holdersOf(path: string, lock: 'write' | 'read'): string {
  try {
    const pids = pidsOf(readFileSync('/proc/locks', 'utf8'), statSync(`${path}-shm`).ino, BYTES[lock]);
    return [...new Set(pids)].map(nameOf).join(', ');
  } catch {
    return '';
  }
}

/** The lines look like `1: POSIX  ADVISORY  WRITE 4711 fe:00:1234 120 120`; exported for its test. */
export function pidsOf(text: string, inode: number, [from, to]: readonly [number, number]): number[] {
  return text.split('\n').flatMap((line) => {
    const [, , , , pid = '', file = '', first = '', last = ''] = line.trim().split(/\s+/);
    const isOurs =
      file.endsWith(`:${inode}`) && Number(first) <= to && (last === 'EOF' || Number(last) >= from);
    // Processes that this one cannot see (in another container) have no number here.
    return isOurs && Number(pid) > 0 ? [Number(pid)] : [];
  });
}

function nameOf(pid: number): string {
  if (pid === process.pid) return 'this process';
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    return `process ${pid} (${command.slice(0, COMMAND_LENGTH)})`;
  } catch {
    return `process ${pid}`;
  }
}
