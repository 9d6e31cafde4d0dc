import { OPERATIONS_KEPT_MS } from '../../job/keep.ts';
import { DEFAULT_SCAN } from '../../job/limits.ts';
import { matchesFilter } from '../../job/match.ts';
import { allowanceOf, operationFilter } from '../../job/operation.ts';
import type { JobRecord } from '../../job/record.ts';
import { type OperationRow, toOperation } from '../operation-row.ts';
import type { MoveOutcome, NewOperation, OperationRecord } from '../store.ts';
import { candidates } from './candidates.ts';
import { cancel, discard, promote, redrive } from './move.ts';
import type { ChoreResult } from './promote.ts';
import { recordOf } from './row.ts';
import type { Transaction } from './transaction.ts';

const INSERT = `
  insert into millrace_operation (id, kind, filter, to_queue, rate, reason, state, done, skipped, scanned,
    started_at, after_seq, until_seq)
  values (?, ?, ?, ?, ?, ?, 'running', 0, 0, 0, ?, 0, ?) on conflict do nothing`;
const KNOWN = 'select 1 from millrace_operation where id = ?';
const ABORT = `
  update millrace_operation set state = 'aborted', finished_at = ? where id = ? and state = 'running'`;
const ALL = 'select * from millrace_operation order by started_at, id';
const RUNNING = `select * from millrace_operation where state = 'running' order by started_at, id`;
const ADVANCE = `
  update millrace_operation set done = done + ?, skipped = skipped + ?, scanned = scanned + ?, after_seq = ?,
    state = ?, finished_at = ? where id = ?`;
const FORGET = 'delete from millrace_operation where finished_at <= ? and finished_at is not null';

export function startOperation(tx: Transaction, operation: NewOperation): { outcome: 'ok' } {
  const { id, kind, filter, toQueue, ratePerSecond, reason } = operation;
  const meant = JSON.stringify(filter);
  tx.db.run(INSERT, id, kind, meant, toQueue, ratePerSecond, reason, tx.now, tx.last('seq'));
  return { outcome: 'ok' };
}

export function abortOperation(tx: Transaction, id: string): { outcome: 'ok' | 'gone' } {
  if (tx.db.get(KNOWN, id) === undefined) return { outcome: 'gone' };
  tx.db.run(ABORT, tx.now, id);
  return { outcome: 'ok' };
}

export function operations(tx: Transaction): OperationRecord[] {
  return tx.db.all<OperationRow>(ALL).map(toOperation);
}

/** Each running operation goes on a bit; together they touch no more jobs than `limit`. */
export function operate(tx: Transaction, limit: number): ChoreResult & { readonly done: number } {
  let touched = 0;
  let done = 0;
  let more = false;
  for (const row of tx.db.all<OperationRow>(RUNNING)) {
    const slice = goOn(tx, row, limit - touched);
    touched += slice.touched;
    done += slice.done;
    more ||= slice.more;
  }
  return { touched, done, more };
}

interface Slice {
  touched: number;
  done: number;
  scanned: number;
  afterSeq: number;
}

function goOn(tx: Transaction, row: OperationRow, budget: number): ChoreResult & { readonly done: number } {
  const operation = toOperation(row);
  const meant = operationFilter(operation.kind, operation.filter);
  const elapsedMs = tx.now - operation.startedAt;
  const allowed = allowanceOf(operation.ratePerSecond, elapsedMs, operation.done + operation.skipped);
  const slice: Slice = { touched: 0, done: 0, scanned: 0, afterSeq: row.after_seq };
  for (const seq of candidates(tx, meant, { order: 'oldest', from: row.after_seq })) {
    if (seq > row.until_seq) break;
    const record = recordOf(tx, seq);
    const isMeant = record !== null && matchesFilter(meant, record, tx.now);
    const isFull = isMeant && slice.touched >= Math.min(budget, allowed);
    if (isFull || slice.scanned === DEFAULT_SCAN) {
      // All before this one was looked at; what did not match then is behind the operation, whatever becomes of it.
      if (isFull) slice.afterSeq = seq - 1;
      save(tx, operation, slice, 'running');
      return { ...slice, more: slice.touched < allowed };
    }
    slice.scanned += 1;
    slice.afterSeq = seq;
    if (!isMeant) continue;
    slice.touched += 1;
    if (act(tx, record, operation).outcome === 'ok') slice.done += 1;
  }
  save(tx, operation, slice, 'done');
  return { ...slice, more: false };
}

function save(tx: Transaction, { id }: OperationRecord, slice: Slice, state: OperationRecord['state']): void {
  const { touched, done, scanned, afterSeq } = slice;
  const finishedAt = state === 'done' ? tx.now : null;
  tx.db.run(ADVANCE, done, touched - done, scanned, afterSeq, state, finishedAt, id);
}

function act(tx: Transaction, job: JobRecord, { kind, toQueue, reason }: OperationRecord): MoveOutcome {
  if (kind === 'redrive') return redrive(tx, job, toQueue);
  if (kind === 'cancel') return cancel(tx, job, reason);
  return kind === 'promote' ? promote(tx, job) : discard(tx, job);
}

/** When the next slice is due: at once, or, at a rate, soon. */
export function untilNextSlice(tx: Transaction): number | null {
  const running = tx.db.all<OperationRow>(RUNNING);
  if (running.length === 0) return null;
  return running.some(({ rate }) => rate === null) ? 0 : 1_000;
}

export function forgetOperations(tx: Transaction): void {
  tx.db.run(FORGET, tx.now - OPERATIONS_KEPT_MS);
}
