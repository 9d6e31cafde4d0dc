import { isPastDue } from '../../job/lease.ts';
import type { AttemptOutcome, StoredError } from '../../job/record.ts';
import type { Moving } from './moving.ts';
import type { Transaction } from './transaction.ts';

export interface AttemptEnd {
  readonly outcome: AttemptOutcome;
  readonly error?: StoredError | null;
  readonly retryAfterMs?: number | null;
  readonly traceId?: string | undefined;
}

/**
 * Writes the record of the attempt; answers how long it ran. The state of the job, and the end of its lease, are the
 * next step of the caller. Every claim ends in one attempt, so the claims number them without a gap.
 */
export function closeAttempt(tx: Transaction, row: Moving, end: AttemptEnd): number {
  const startedAt = row.claimed_at ?? tx.now;
  tx.attempt(row.seq, {
    number: row.claims,
    generation: row.generation,
    token: row.token,
    worker: row.worker ?? '',
    startedAt,
    endedAt: tx.now,
    outcome: end.outcome,
    error: end.error ?? null,
    retryAfterMs: end.retryAfterMs ?? null,
    traceId: end.traceId ?? null,
  });
  return Math.max(0, tx.now - startedAt);
}

/** Of an attempt that completes its job the job's place among the completed is the record; see `done`. */
export function runMsOf(tx: Transaction, row: Moving): number {
  return Math.max(0, tx.now - (row.claimed_at ?? tx.now));
}

/** Before a completed job goes on to another life. */
export function keepLastAttempt(tx: Transaction, row: Moving): void {
  if (row.state !== 'completed') return;
  tx.attempt(row.seq, {
    number: row.claims,
    generation: row.generation,
    token: row.token,
    worker: row.worker ?? '',
    startedAt: row.claimed_at ?? tx.now,
    endedAt: row.finished_at ?? tx.now,
    outcome: 'completed',
    error: null,
    retryAfterMs: null,
    traceId: row.trace_id,
  });
}

export type Fence = 'ok' | 'superseded' | 'expired';

/** Whether a worker with this token still has a say over the job. */
export function fence(tx: Transaction, row: Moving, token: number): Fence {
  if (!row.held || row.isGone || row.token !== token) return 'superseded';
  return isOver(tx, row) ? 'expired' : 'ok';
}

export function isOver(tx: Transaction, row: Moving): boolean {
  const times = { expiresAt: row.lease_expires_at, deadlineAt: row.deadline_at };
  return isPastDue(times, row.session?.expiresAt ?? null, tx.now);
}
