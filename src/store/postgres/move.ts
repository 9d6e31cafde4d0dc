import { isFinished } from '../../job/keep.ts';
import { DEFAULTS } from '../../job/options.ts';
import { policyOfText } from '../../job/policy-text.ts';
import type { JobRef } from '../../job/record.ts';
import type { MoveOutcome } from '../store.ts';
import { keepLastAttempt } from './attempt.ts';
import { freshStart, moveTo } from './dead-letter.ts';
import { alter, type Changes, cancelNow, remove } from './jobs.ts';
import type { Moving } from './moving.ts';
import type { Transaction } from './transaction.ts';

const OK: MoveOutcome = { outcome: 'ok' };
const NEXT_SEQ = "select nextval('{s}.job_number')::bigint as number";

/** Finds the job and hands it on; what may be done with it depends on its state. */
async function moving(
  tx: Transaction,
  ref: JobRef,
  move: (row: Moving) => MoveOutcome | Promise<MoveOutcome>,
): Promise<MoveOutcome> {
  const row = await tx.job(ref);
  return row === null ? { outcome: 'gone' } : move(row);
}

function wrongState({ state }: Moving): MoveOutcome {
  return { outcome: 'wrong-state', state };
}

function tellOf(tx: Transaction, row: Moving, kind: 'waiting' | 'delayed' | 'removed'): void {
  tx.tell(tx.knownQueueById(row.queue), { kind, id: row.id, name: row.name });
}

/** Ends a job that does not run; asks one that does, by the answer to its next renewal. */
export function cancel(tx: Transaction, ref: JobRef, reason: string): Promise<MoveOutcome> {
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

export function redrive(tx: Transaction, ref: JobRef, toQueue: string | null): Promise<MoveOutcome> {
  return moving(tx, ref, async (row) => {
    const { state } = row;
    const elsewhere = toQueue !== null && toQueue !== ref.queue;
    const movable = isFinished(state) || (elsewhere && (state === 'waiting' || state === 'delayed'));
    if (!movable) return wrongState(row);
    if (elsewhere && (await tx.job({ queue: toQueue, id: row.id })) !== null) return { outcome: 'duplicate' };
    keepLastAttempt(tx, row);
    const changes: Changes = { newResult: null, newProgress: null, trace_id: null };
    if (elsewhere) await moveTo(tx, row, { queue: await tx.ensureQueue(toQueue), cause: 'redrive', changes });
    else alter(tx, row, { ...freshStart(row, tx.now), ...changes });
    tellOf(tx, row, 'waiting');
    return OK;
  });
}

export function discard(tx: Transaction, ref: JobRef): Promise<MoveOutcome> {
  return moving(tx, ref, (row) => {
    if (row.state === 'active') return wrongState(row);
    discardNow(tx, row);
    return OK;
  });
}

export function discardNow(tx: Transaction, row: Moving): void {
  remove(tx, row);
  tellOf(tx, row, 'removed');
}

export function promote(tx: Transaction, ref: JobRef): Promise<MoveOutcome> {
  return moving(tx, ref, (row) => {
    if (row.state !== 'delayed') return wrongState(row);
    promoteNow(tx, row);
    return OK;
  });
}

function promoteNow(tx: Transaction, row: Moving): void {
  alter(tx, row, { state: 'waiting', ready_at: tx.now, due_at: null });
  tellOf(tx, row, 'waiting');
}

export function reschedule(tx: Transaction, ref: JobRef, delayMs: number): Promise<MoveOutcome> {
  return moving(tx, ref, (row) => {
    if (row.state !== 'delayed' && row.state !== 'waiting') return wrongState(row);
    if (delayMs > 0) delayNow(tx, row, delayMs);
    else if (row.state === 'delayed') promoteNow(tx, row);
    return OK;
  });
}

function delayNow(tx: Transaction, row: Moving, delayMs: number): void {
  const dueAt = tx.now + delayMs;
  // The time to live counts from when the job is due, so it moves along.
  const { ttlMs } = policyOfText(row.policy) ?? DEFAULTS.policy;
  const expiresAt = row.expires_at === null || ttlMs === null ? row.expires_at : dueAt + ttlMs;
  alter(tx, row, { state: 'delayed', due_at: dueAt, ready_at: null, expires_at: expiresAt });
  tellOf(tx, row, 'delayed');
}

export function prioritize(
  tx: Transaction,
  ref: JobRef,
  { priority, lifo }: { readonly priority: number; readonly lifo: boolean },
): Promise<MoveOutcome> {
  return moving(tx, ref, async (row) => {
    if (row.state !== 'delayed' && row.state !== 'waiting') return wrongState(row);
    const rank = lifo ? -((await tx.db.get<{ number: number }>(NEXT_SEQ))?.number ?? 0) : row.rank;
    alter(tx, row, { priority, rank });
    return OK;
  });
}
