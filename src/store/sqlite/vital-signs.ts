/** What may go wrong with a database while it runs, and pass again; `status` tells it, too. */

import { formatDuration } from '../../job/wording.ts';
import { systemClock } from '../../runtime/clock.ts';
import type { Finding } from '../store.ts';
import { SLOW_MS, type SlowSpell } from './commit-times.ts';
import type { Database } from './database.ts';
import { holdersOf } from './lock-holders.ts';
import { isBusy } from './map-error.ts';
import type { Facts } from './open.ts';
import { patiently } from './patience.ts';
import { bytesText, isLow, reserveOf, type Space } from './room.ts';

export interface Patient {
  readonly db: Database;
  readonly facts: Facts;
  /** The write-ahead log: its size, and whether some connection keeps it from shrinking. */
  readonly checkpointer: { readonly logBytes: number; readonly isHeld: boolean; shrink(): boolean };
}

/** A log that is larger than this although it should have been emptied is worth a word. */
const LARGE_LOG_BYTES = 64 * 1024 * 1024;
/** Whoever writes in short transactions lets others in within this time. */
const LOCK_MS = 2_000;
/** A slow commit is told of for so long. */
const TOLD_MS = 15 * 60_000;

export function diskSpace(space: Space | null): Finding {
  const check = 'disk-space';
  if (space === null) return ok(check, 'the file system does not say how much room is left');
  const free = `the disk has ${bytesText(space.freeBytes)} of ${bytesText(space.totalBytes)} left`;
  const advice = 'Make room on the disk, or move the database to a larger one.';
  if (space.freeBytes < reserveOf(space)) {
    const message = `${free}; adding jobs is refused, so that the jobs that are there can end`;
    return { severity: 'error', check, message, advice: `${advice} Adding then works again by itself.` };
  }
  if (!isLow(space)) return ok(check, free);
  const message = `${free}; below ${bytesText(reserveOf(space))} adding jobs will be refused`;
  return { severity: 'warning', check, message, advice };
}

export function writeAheadLog({ checkpointer, facts }: Patient): Finding {
  const check = 'write-ahead-log';
  // Whether something keeps it from being emptied is found out by trying.
  if (checkpointer.logBytes >= LARGE_LOG_BYTES) checkpointer.shrink();
  const bytes = checkpointer.logBytes;
  const message = `the write-ahead log has ${bytesText(bytes)}`;
  if (!checkpointer.isHeld || bytes < LARGE_LOG_BYTES) return ok(check, message);
  const readers = holdersOf(facts.path, 'read');
  return {
    severity: 'warning',
    check,
    message: `${message} and cannot shrink, because some connection has a transaction open`,
    advice: `End the long read${readers === '' ? '' : `; reading now: ${readers}`}. The log shrinks by itself then.`,
  };
}

/** Told by whichever process it happened to. */
export function commits(spell: SlowSpell | null): Finding {
  const check = 'commits';
  const now = systemClock.now();
  if (spell === null || now - spell.lastAt > TOLD_MS) {
    return ok(
      check,
      `no commit took longer than ${formatDuration(SLOW_MS)} in the last ${formatDuration(TOLD_MS)}`,
    );
  }
  const message =
    `${spell.commits === 1 ? 'a commit' : `${spell.commits} commits`} took longer than ${formatDuration(SLOW_MS)} ` +
    `(the worst ${formatDuration(spell.worstMs)}, the last one ${formatDuration(spell.lastMs)}), since ` +
    `${new Date(spell.sinceAt).toISOString()}, last ${formatDuration(Math.max(0, now - spell.lastAt))} ago`;
  const advice =
    'The disk is slow to flush. See what else writes to it, or whether it fails; leases shorter than a few ' +
    'commits take are lost.';
  return { severity: 'warning', check, message, advice };
}

const BEGIN = 'begin immediate';
/** What does not change anything is not written. */
const TOUCH =
  "insert into millrace_meta (key, value) values ('checked', 1) on conflict do update set value = value + 1";

/** One small commit, as any call makes it. */
export function tryToWrite({ db, facts }: Patient, say: (error: unknown) => Error): Finding {
  const check = 'write';
  try {
    patiently(LOCK_MS, () => db.exec(BEGIN));
    const startedMs = systemClock.monotonic();
    db.exec(TOUCH);
    db.exec('commit');
    const tookMs = Math.round(systemClock.monotonic() - startedMs);
    const message = `a commit takes ${tookMs} ms`;
    if (tookMs < SLOW_MS) return ok(check, message);
    const advice = 'The disk is slow to flush. See what else writes to it, or whether it fails.';
    return { severity: 'warning', check, message, advice };
  } catch (error) {
    if (isBusy(error)) return locked(facts.path);
    return { severity: 'error', check, message: `writing fails: ${say(error).message}`, advice: SEE };
  }
}

const SEE = 'What else it may be: docs/reference/trouble.md.';

function locked(path: string): Finding {
  const holder = holdersOf(path, 'write') || 'another connection';
  const message = `for ${formatDuration(LOCK_MS)} now ${holder} has the database locked; nothing can be written meanwhile`;
  const advice = 'Let it end its transaction, or end that process; all others then go on by themselves.';
  return { severity: 'error', check: 'write', message, advice };
}

export function ok(check: string, message: string): Finding {
  return { severity: 'ok', check, message, advice: '' };
}
