/** The moves of a job that several verbs share. Every change of a job's row goes through `alter`. */

import { type FinishedState, isFinished, keptForNoTime, ownKeepMs } from '../../job/keep.ts';
import type { Bytes, EndCause, StoredError } from '../../job/record.ts';
import type { Moving } from './moving.ts';
import type { Transaction } from './transaction.ts';

/** Columns that moves may change. */
export type Changes = Partial<Omit<Moving, 'seq' | 'id' | 'name' | 'was' | 'isMoved' | 'isGone'>>;

/** What decides where a job lies. */
const PLACING: readonly (keyof Changes)[] = ['queue', 'state', 'priority', 'rank', 'due_at', 'expires_at'];

export function alter(tx: Transaction, row: Moving, changes: Changes): void {
  const from = { queue: row.queue, state: row.state, ruled: isRuled(row) };
  if (PLACING.some((column) => changes[column] !== undefined && changes[column] !== row[column]))
    row.isMoved = true;
  Object.assign(row, changes);
  if (row.state !== 'active') forgetLease(row);
  tx.change(row);
  if (changes.state === undefined && changes.queue === undefined) return;
  countMove(tx, row, from);
  hintMove(tx, row);
}

function forgetLease(row: Moving): void {
  row.held = false;
  row.first_token = null;
  row.lease_expires_at = null;
  row.deadline_at = null;
  row.suspect_at = null;
  row.spared = false;
}

function isRuled(row: Moving): FinishedState | null {
  return isFinished(row.state) && row.prune_at === null ? row.state : null;
}

function countMove(
  tx: Transaction,
  row: Moving,
  from: { queue: number; state: Moving['state']; ruled: FinishedState | null },
): void {
  const before = tx.sums.of(from.queue);
  const after = tx.sums.of(row.queue);
  before.add(from.state, -1);
  after.add(row.state, 1);
  if (from.ruled !== null) before.add(`ruled_${from.ruled}`, -1);
  const ruled = isRuled(row);
  if (ruled !== null) after.add(`ruled_${ruled}`, 1);
}

/** A job that waits for a time is news too: an idle worker has to work out anew how long it may sleep. */
function hintMove(tx: Transaction, row: Moving): void {
  const { name } = tx.knownQueueById(row.queue);
  if (row.state === 'waiting' || row.due_at !== null) tx.hint(name, 'ready');
  if (isFinished(row.state)) tx.hint(name, 'ended');
}

/** The job ends here. Its attempt, if one ran, is closed before. */
export function finish(
  tx: Transaction,
  row: Moving,
  end: Changes & { readonly state: FinishedState },
  data: () => Bytes | null = () => null,
): void {
  const queue = tx.knownQueueById(row.queue);
  const keep = { keepCompletedMs: row.keep_completed_ms, keepFailedMs: row.keep_failed_ms };
  const ownMs = ownKeepMs(keep, end.state);
  const pruneAt = ownMs === null ? null : tx.now + ownMs;
  alter(tx, row, { ...end, due_at: null, finished_at: tx.now, prune_at: pruneAt });
  tx.sums.of(queue.id).add(`total_${end.state}`, 1);
  tx.tell(queue, { kind: end.state, id: row.id, name: row.name }, data);
  if (keptForNoTime(keep, queue.settings, end.state)) remove(tx, row);
}

export function cancelNow(tx: Transaction, row: Moving, cause: EndCause, reason: string | null): void {
  finish(tx, row, { state: 'cancelled', cause, cancel_reason: reason });
}

/** Not claimed in time. */
export function expire(tx: Transaction, row: Moving): void {
  finish(tx, row, { state: 'cancelled', cause: 'expired' });
}

/** Deletes the record with its attempts, its log and its lease. */
export function remove(tx: Transaction, row: Moving): void {
  const queue = tx.knownQueueById(row.queue);
  const sum = tx.sums.of(queue.id);
  sum.add(row.state, -1);
  const ruled = isRuled(row);
  if (ruled !== null) sum.add(`ruled_${ruled}`, -1);
  sum.add('total_removed', 1);
  row.isGone = true;
  forgetLease(row);
  tx.rename(row, queue.name, null);
  tx.change(row);
}

/** The job's last error. */
export function errorOf(error: StoredError): Changes {
  return { error: JSON.stringify(error), fingerprint: error.fingerprint };
}

export const NO_ERROR: Changes = Object.freeze({ error: null, fingerprint: null });
