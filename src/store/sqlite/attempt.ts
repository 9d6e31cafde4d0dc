import { ATTEMPTS_KEPT } from '../../job/keep.ts';
import { isPastDue, type LeaseTimes } from '../../job/lease.ts';
import type { AttemptOutcome, AttemptRecord, StoredError } from '../../job/record.ts';
import type { Database } from './database.ts';
import { endLease } from './jobs.ts';
import type { JobRow } from './row.ts';
import type { Transaction } from './transaction.ts';

export interface AttemptEnd {
  readonly outcome: AttemptOutcome;
  readonly error?: StoredError | null;
  readonly retryAfterMs?: number | null;
  readonly traceId?: string | undefined;
}

export interface LeaseRow {
  readonly token: number;
  readonly worker: string;
  readonly expires_at: number | null;
  readonly deadline_at: number | null;
  readonly suspect_at: number | null;
  /** 1: claimed by a worker that runs suspects alone, and not run alone yet. */
  readonly spared: number;
}

interface AttemptRow {
  readonly number: number;
  readonly generation: number;
  readonly token: number;
  readonly worker: string;
  readonly started_at: number;
  readonly ended_at: number;
  readonly outcome: AttemptOutcome;
  readonly error: string | null;
  readonly retry_after_ms: number | null;
  readonly trace_id: string | null;
}

const INSERT = `
  insert into millrace_attempt
    (seq, number, generation, token, worker, started_at, ended_at, outcome, error, retry_after_ms, trace_id)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const TRIM = 'delete from millrace_attempt where seq = ? and number <= ?';
const READ = 'select * from millrace_attempt where seq = ? order by number';
/** Of a job that completed and has no record of its last attempt: its own row is that record. */
const IN_JOB = `
  select claims as number, generation, token, worker, claimed_at as started_at, finished_at as ended_at,
    'completed' as outcome, null as error, null as retry_after_ms, trace_id
  from millrace_job where seq = ? and state = 'completed' and not exists (
    select 1 from millrace_attempt a where a.seq = millrace_job.seq and a.number = millrace_job.claims)`;
const WRITE_IN_JOB = `
  insert into millrace_attempt
    (seq, number, generation, token, worker, started_at, ended_at, outcome, error, retry_after_ms, trace_id)
  select ?1, * from (${IN_JOB.replace('seq = ?', 'seq = ?1')})`;
const READ_LEASE = `
  select worker, token, expires_at, deadline_at, suspect_at, spared from millrace_lease where worker = ? and token = ?`;
const ALIVE = 'select 1 from millrace_session where id = ? and expires_at > ?';
const READ_SESSION_END = 'select expires_at from millrace_session where id = ?';

/**
 * Writes the record of the attempt and ends its lease; answers how long it ran. The state of the job is the next
 * step of the caller. Every claim ends in one attempt, so the claims number them without a gap.
 */
export function closeAttempt(tx: Transaction, row: JobRow, end: AttemptEnd): number {
  const startedAt = row.claimed_at ?? tx.now;
  const error = end.error ? JSON.stringify(end.error) : null;
  tx.db.run(
    INSERT,
    row.seq,
    row.claims,
    row.generation,
    row.token,
    row.worker,
    startedAt,
    tx.now,
    end.outcome,
    error,
    end.retryAfterMs ?? null,
    end.traceId ?? null,
  );
  if (row.claims > ATTEMPTS_KEPT) tx.db.run(TRIM, row.seq, row.claims - ATTEMPTS_KEPT);
  endLease(tx, row);
  return Math.max(0, tx.now - startedAt);
}

/** Before a completed job goes on to another life. */
export function keepLastAttempt(tx: Transaction, row: JobRow): void {
  if (row.state === 'completed') tx.db.run(WRITE_IN_JOB, row.seq);
}

export function attemptsOf(db: Database, seq: number): AttemptRecord[] {
  const rows = [...db.all<AttemptRow>(READ, seq), ...db.all<AttemptRow>(IN_JOB, seq)];
  return rows.map((row) => ({
    number: row.number,
    generation: row.generation,
    token: row.token,
    worker: row.worker,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    outcome: row.outcome,
    error: row.error === null ? null : (JSON.parse(row.error) as StoredError),
    retryAfterMs: row.retry_after_ms,
    traceId: row.trace_id,
  }));
}

export type Fence = 'ok' | 'superseded' | 'expired';

/** Whether a worker with this token still has a say over the job. */
export function fence(tx: Transaction, row: JobRow, token: number): Fence {
  if (row.state !== 'active' || row.token !== token) return 'superseded';
  const lease = leaseOf(tx.db, row);
  return lease === null || isOver(tx, lease) ? 'expired' : 'ok';
}

/** The lease under which an active job runs. */
export function leaseOf(db: Database, row: JobRow): LeaseRow | null {
  return db.get<LeaseRow>(READ_LEASE, row.worker, row.token) ?? null;
}

export function isOver(tx: Transaction, lease: LeaseRow): boolean {
  const times: LeaseTimes = { expiresAt: lease.expires_at, deadlineAt: lease.deadline_at };
  const sessionEnd = lease.expires_at === null ? sessionEndOf(tx.db, lease.worker) : null;
  return isPastDue(times, sessionEnd, tx.now);
}

function sessionEndOf(db: Database, worker: string): number | null {
  return db.get<{ expires_at: number }>(READ_SESSION_END, worker)?.expires_at ?? null;
}

/** Whether leases may be bound to it. */
export function isAlive(tx: Transaction, session: string): boolean {
  return tx.db.get(ALIVE, session, tx.now) !== undefined;
}
