import { isFinished } from '../../job/keep.ts';
import type { JobRef } from '../../job/record.ts';
import type { MoveOutcome } from '../store.ts';
import { keepLastAttempt } from './attempt.ts';
import { freshStart, moveTo } from './dead-letter.ts';
import { alter, type Changes, cancelNow, clearProgress, remove, removeAll } from './jobs.ts';
import { tell } from './queue.ts';
import { findRow, type JobRow, policyOf, rowIn } from './row.ts';
import type { Transaction } from './transaction.ts';

const OK: MoveOutcome = { outcome: 'ok' };

/** Finds the job and hands it on; what may be done with it depends on its state. */
function moving(tx: Transaction, ref: JobRef, move: (row: JobRow) => MoveOutcome): MoveOutcome {
  const row = findRow(tx, ref);
  return row === null ? { outcome: 'gone' } : move(row);
}

function wrongState({ state }: JobRow): MoveOutcome {
  return { outcome: 'wrong-state', state };
}

function tellOf(tx: Transaction, row: JobRow, kind: 'waiting' | 'delayed' | 'removed'): void {
  tell(tx, tx.queueById(row.queue), { kind, id: row.id, name: row.name });
}

/** Ends a job that does not run; asks one that does, by the answer to its next renewal. */
export function cancel(tx: Transaction, ref: JobRef, reason: string): MoveOutcome {
  return moving(tx, ref, (row) => {
    if (isFinished(row.state)) return wrongState(row);
    if (row.state === 'active') {
      alter(tx, row, { cancel_reason: reason });
      tx.hint(ref.queue, 'cancel');
    } else {
      cancelNow(tx, row, 'cancelled', reason);
    }
    return OK;
  });
}

export function redrive(tx: Transaction, ref: JobRef, toQueue: string | null): MoveOutcome {
  return moving(tx, ref, (row) => {
    const { state } = row;
    const elsewhere = toQueue !== null && toQueue !== ref.queue;
    const movable = isFinished(state) || (elsewhere && (state === 'waiting' || state === 'delayed'));
    if (!movable) return wrongState(row);
    const known = elsewhere ? tx.queue(toQueue) : null;
    if (known !== null && rowIn(tx.db, known, row.id) !== null) return { outcome: 'duplicate' };
    const changes: Changes = { result: null };
    clearProgress(tx, row);
    keepLastAttempt(tx, row);
    if (elsewhere) moveTo(tx, row, { queue: tx.ensureQueue(toQueue), cause: 'redrive', changes });
    else alter(tx, row, { ...freshStart(row, tx.now), ...changes });
    tellOf(tx, row, 'waiting');
    return OK;
  });
}

export function discard(tx: Transaction, ref: JobRef): MoveOutcome {
  return moving(tx, ref, (row) => {
    if (row.state === 'active') return wrongState(row);
    discardNow(tx, row);
    return OK;
  });
}

/** The same for many. */
export function discardAll(tx: Transaction, rows: readonly JobRow[]): void {
  removeAll(tx, rows);
  for (const row of rows) tellOf(tx, row, 'removed');
}

export function discardNow(tx: Transaction, row: JobRow): void {
  remove(tx, row);
  tellOf(tx, row, 'removed');
}

export function promote(tx: Transaction, ref: JobRef): MoveOutcome {
  return moving(tx, ref, (row) => {
    if (row.state !== 'delayed') return wrongState(row);
    promoteNow(tx, row);
    return OK;
  });
}

function promoteNow(tx: Transaction, row: JobRow): void {
  alter(tx, row, { state: 'waiting', ready_at: tx.now, due_at: null });
  tellOf(tx, row, 'waiting');
}

export function reschedule(tx: Transaction, ref: JobRef, delayMs: number): MoveOutcome {
  return moving(tx, ref, (row) => {
    if (row.state !== 'delayed' && row.state !== 'waiting') return wrongState(row);
    if (delayMs > 0) delayNow(tx, row, delayMs);
    else if (row.state === 'delayed') promoteNow(tx, row);
    return OK;
  });
}

function delayNow(tx: Transaction, row: JobRow, delayMs: number): void {
  const dueAt = tx.now + delayMs;
  // The time to live counts from when the job is due, so it moves along.
  const ttlMs = row.expires_at === null ? null : policyOf(tx.db, row.seq).ttlMs;
  const expiresAt = ttlMs === null ? row.expires_at : dueAt + ttlMs;
  alter(tx, row, { state: 'delayed', due_at: dueAt, ready_at: null, expires_at: expiresAt });
  tellOf(tx, row, 'delayed');
}

export function prioritize(
  tx: Transaction,
  ref: JobRef,
  { priority, lifo }: { readonly priority: number; readonly lifo: boolean },
): MoveOutcome {
  return moving(tx, ref, (row) => {
    if (row.state !== 'delayed' && row.state !== 'waiting') return wrongState(row);
    alter(tx, row, { priority, rank: lifo ? -tx.next('seq') : row.rank });
    return OK;
  });
}
