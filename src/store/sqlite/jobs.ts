/** The moves of a job that several verbs share. Every change of a job's row goes through `alter`. */

import { type FinishedState, isFinished, keptForNoTime, ownKeepMs } from '../../job/keep.ts';
import type { Bytes, EndCause, StoredError } from '../../job/record.ts';
import type { SqlValue } from './driver.ts';
import { tell } from './queue.ts';
import type { FullRow, JobRow } from './row.ts';
import type { Transaction } from './transaction.ts';

/** Columns that moves may change. */
export type Changes = Partial<Omit<FullRow, 'seq' | 'id' | 'name'>> & { readonly move_number?: number };

/** With the numbers of the jobs as JSON. */
const DELETES = ['body', 'report', 'attempt', 'log', 'job'].map(
  (part) => `delete from millrace_${part} where seq in (select e.value from json_each(?) e)`,
);
const DELETE_LEASE = 'delete from millrace_lease where worker = ? and token = ?';
const WRITE_ERROR = `
  insert into millrace_report (seq, error) values (?, ?) on conflict do update set error = excluded.error`;
const WRITE_PROGRESS = `
  insert into millrace_report (seq, progress) values (?, ?) on conflict do update set progress = excluded.progress`;
const CLEAR_ERROR = 'update millrace_report set error = null where seq = ?';
const CLEAR_PROGRESS = 'update millrace_report set progress = null where seq = ?';

/**
 * Writes only the columns that are named, so that only their indexes are touched. The names come from the code
 * of the verbs, a handful of combinations; the values are bound.
 */
export function alter(tx: Transaction, row: JobRow, changes: Changes): void {
  const from = { queue: row.queue, state: row.state, ruled: isRuled(row) };
  forgetNextDue(tx, row);
  const columns = Object.keys(changes);
  const assignments = columns.map((column) => `${column} = ?`).join(', ');
  const values = Object.values(changes) as SqlValue[];
  tx.db.run(`update millrace_job set ${assignments} where seq = ?`, ...values, row.seq);
  Object.assign(row, changes);
  forgetNextDue(tx, row);
  if (changes.state === undefined && changes.queue === undefined) return;
  countMove(tx, row, from);
  hintMove(tx, row);
}

/** A job that waits for a time may have been the next one due. */
function forgetNextDue(tx: Transaction, row: JobRow): void {
  if (row.due_at !== null) tx.queueById(row.queue).nextDueAt = undefined;
}

function isRuled(row: JobRow): FinishedState | null {
  return isFinished(row.state) && row.prune_at === null ? row.state : null;
}

function countMove(
  tx: Transaction,
  row: JobRow,
  from: { queue: number; state: JobRow['state']; ruled: FinishedState | null },
): void {
  const before = tx.queueById(from.queue).tally;
  const after = tx.queueById(row.queue).tally;
  before.add(`count_${from.state}`, -1);
  after.add(`count_${row.state}`, 1);
  if (from.ruled !== null) before.add(`ruled_${from.ruled}`, -1);
  const ruled = isRuled(row);
  if (ruled !== null) after.add(`ruled_${ruled}`, 1);
}

/** A job that waits for a time is news too: an idle worker has to work out anew how long it may sleep. */
function hintMove(tx: Transaction, row: JobRow): void {
  const { name } = tx.queueById(row.queue);
  if (row.state === 'waiting' || row.due_at !== null) tx.hint(name, 'ready');
  if (isFinished(row.state)) tx.hint(name, 'ended');
}

/** The job ends here. Its attempt, if one ran, is closed before. */
export function finish(
  tx: Transaction,
  row: JobRow,
  end: Changes & { readonly state: FinishedState },
  data: () => Bytes | null = () => null,
): void {
  const queue = tx.queueById(row.queue);
  const keep = { keepCompletedMs: row.keep_completed_ms, keepFailedMs: row.keep_failed_ms };
  const ownMs = ownKeepMs(keep, end.state);
  const pruneAt = ownMs === null ? null : tx.now + ownMs;
  alter(tx, row, { ...end, due_at: null, finished_at: tx.now, prune_at: pruneAt });
  queue.tally.add(`total_${end.state}`, 1);
  tell(tx, queue, { kind: end.state, id: row.id, name: row.name }, data);
  if (keptForNoTime(keep, queue.settings, end.state)) remove(tx, row);
}

export function cancelNow(tx: Transaction, row: JobRow, cause: EndCause, reason: string | null): void {
  finish(tx, row, { state: 'cancelled', cause, cancel_reason: reason });
}

/** Not claimed in time. */
export function expire(tx: Transaction, row: JobRow): void {
  finish(tx, row, { state: 'cancelled', cause: 'expired' });
}

/** Deletes the record with its attempts, its log and its lease. */
export function remove(tx: Transaction, row: JobRow): void {
  removeAll(tx, [row]);
}

export function removeAll(tx: Transaction, rows: readonly JobRow[]): void {
  deleteAll(
    tx,
    rows.map(({ seq }) => seq),
  );
  for (const row of rows) {
    if (row.state === 'active') endLease(tx, row);
    forgetNextDue(tx, row);
    const { tally } = tx.queueById(row.queue);
    tally.add(`count_${row.state}`, -1);
    const ruled = isRuled(row);
    if (ruled !== null) tally.add(`ruled_${ruled}`, -1);
    tally.add('total_removed', 1);
  }
}

/** The records alone: leases and numbers are the caller's. */
export function deleteAll(tx: Transaction, seqs: readonly number[]): void {
  const list = JSON.stringify(seqs);
  for (const sql of DELETES) tx.db.run(sql, list);
}

export function endLease(tx: Transaction, row: JobRow): void {
  tx.db.run(DELETE_LEASE, row.worker, row.token);
}

/** The job's last error. The fingerprint goes into the row with the move that follows. */
export function writeError(tx: Transaction, row: JobRow, error: StoredError): void {
  tx.db.run(WRITE_ERROR, row.seq, JSON.stringify(error));
}

export function clearError(tx: Transaction, row: JobRow): void {
  if (row.fingerprint !== null) tx.db.run(CLEAR_ERROR, row.seq);
}

export function writeProgress(tx: Transaction, row: JobRow, value: Bytes): void {
  tx.db.run(WRITE_PROGRESS, row.seq, value);
}

export function clearProgress(tx: Transaction, row: JobRow): void {
  tx.db.run(CLEAR_PROGRESS, row.seq);
}
