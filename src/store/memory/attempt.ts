import { ATTEMPTS_KEPT } from '../../job/keep.ts';
import { isPastDue } from '../../job/lease.ts';
import type { AttemptOutcome, AttemptRecord, StoredError } from '../../job/record.ts';
import { own } from './own.ts';
import type { Lease, State, StoredJob } from './state.ts';
import type { Step } from './step.ts';

export interface AttemptEnd {
  readonly outcome: AttemptOutcome;
  readonly error?: StoredError | null;
  readonly retryAfterMs?: number | null;
  readonly traceId?: string | undefined;
}

/** Writes the record of the attempt and ends its lease. The state of the job is the next step of the caller. */
export function closeAttempt(step: Step, job: StoredJob, end: AttemptEnd): AttemptRecord {
  const { record } = job;
  const attempt = own<AttemptRecord>({
    number: record.claims,
    generation: record.generation,
    token: record.token,
    worker: record.worker ?? '',
    startedAt: record.claimedAt ?? step.nowMs,
    endedAt: step.nowMs,
    outcome: end.outcome,
    error: end.error ?? null,
    retryAfterMs: end.retryAfterMs ?? null,
    traceId: end.traceId ?? null,
  });
  job.attempts.push(attempt);
  if (job.attempts.length > ATTEMPTS_KEPT) job.attempts.shift();
  step.state.leased.delete(record.token);
  job.lease = null;
  return attempt;
}

export type Fence = 'ok' | 'superseded' | 'expired';

/** Whether a worker with this token still has a say over the job. */
export function fence(step: Step, job: StoredJob, token: number): Fence {
  if (job.lease === null || job.lease.token !== token) return 'superseded';
  return isOver(step.state, job.lease, step.nowMs) ? 'expired' : 'ok';
}

export function isOver(state: State, lease: Lease, nowMs: number): boolean {
  return isPastDue(lease, state.sessions.get(lease.worker)?.expiresAt ?? null, nowMs);
}
