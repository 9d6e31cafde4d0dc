import { changeData } from '../../job/change-data.ts';
import { deadlineOf } from '../../job/lease.ts';
import { MAX_LOG_LINES } from '../../job/limits.ts';
import type { Bytes, LeaseRef } from '../../job/record.ts';
import type { MoveOutcome, Target } from '../store.ts';
import { fence, leaseOf } from './attempt.ts';
import { writeProgress } from './jobs.ts';
import { tell } from './queue.ts';
import { findRow, type JobRow } from './row.ts';
import { sumOf } from './sum.ts';
import type { Transaction } from './transaction.ts';

const LAST_LINE = 'select max(number) as number from millrace_log where seq = ?';
const INSERT_LINE = 'insert into millrace_log (seq, number, at, text) values (?, ?, ?, ?)';
const TRIM_LINES = 'delete from millrace_log where seq = ? and number <= ?';
const WRITE_BODY = 'update millrace_body set body = ?, content_type = ?, sum = ? where seq = ?';
const TIMEOUT = 'select timeout_ms from millrace_job where seq = ?';
const ISOLATE = `
  update millrace_lease set spared = ?, deadline_at = ?, past_due_at = ? where worker = ? and token = ?`;

/** What a worker writes while the job runs, fenced by its token; also open to anybody who brings none. */
function guarded(tx: Transaction, target: Target, write: (row: JobRow) => void): MoveOutcome {
  const row = findRow(tx, target);
  if (row === null) return { outcome: 'gone' };
  const held = 'token' in target ? fence(tx, row, target.token) : 'ok';
  if (held === 'ok') write(row);
  return { outcome: held };
}

export function progress(tx: Transaction, target: Target, value: Bytes): MoveOutcome {
  return guarded(tx, target, (row) => {
    writeProgress(tx, row, value);
    const change = { kind: 'progress', id: row.id, name: row.name } as const;
    tell(tx, tx.queueById(row.queue), change, () => changeData(value));
  });
}

/** The newest line is never dropped, so the highest number kept is the last one given. */
export function log(tx: Transaction, target: Target, lines: readonly string[]): MoveOutcome {
  return guarded(tx, target, ({ seq }) => {
    const last = tx.db.get<{ number: number | null }>(LAST_LINE, seq)?.number ?? 0;
    for (const [index, text] of lines.entries()) {
      tx.db.run(INSERT_LINE, seq, last + 1 + index, tx.now, text);
    }
    const newest = last + lines.length;
    if (newest > MAX_LOG_LINES) tx.db.run(TRIM_LINES, seq, newest - MAX_LOG_LINES);
  });
}

/** While it is alone, what becomes of its lease is its own doing. The time that it waited for that is given back. */
export function isolate(tx: Transaction, ref: LeaseRef, alone: boolean): MoveOutcome {
  return guarded(tx, ref, (row) => {
    const lease = leaseOf(tx.db, row);
    if (lease === null) return;
    const timeoutMs = tx.db.get<{ timeout_ms: number | null }>(TIMEOUT, row.seq)?.timeout_ms ?? null;
    const deadlineAt = alone ? deadlineOf(timeoutMs, tx.now) : lease.deadline_at;
    const pastDueAt = lease.expires_at ?? deadlineAt;
    tx.db.run(ISOLATE, alone ? 0 : 1, deadlineAt, pastDueAt, lease.worker, lease.token);
  });
}

export function data(tx: Transaction, target: Target, body: Bytes, contentType: string): MoveOutcome {
  return guarded(tx, target, (row) => {
    tx.db.run(
      WRITE_BODY,
      body,
      contentType,
      sumOf(body, { id: row.id, name: row.name, contentType }),
      row.seq,
    );
  });
}
