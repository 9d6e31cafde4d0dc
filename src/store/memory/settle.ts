import { changeData, errorData } from '../../job/change-data.ts';
import type { AttemptRecord, JobRecord } from '../../job/record.ts';
import type { ClaimRequest, CommitAnswer, Next, Settlement, SettleResult } from '../store.ts';
import { applyEffect } from './apply.ts';
import { closeAttempt, fence } from './attempt.ts';
import { claim } from './claim.ts';
import { deadLetter } from './dead-letter.ts';
import { alter, cancelNow, finish, follow, queueOf } from './jobs.ts';
import { own } from './own.ts';
import type { StoredJob } from './state.ts';
import { count } from './stats.ts';
import { type Step, tell } from './step.ts';

export function commit(
  step: Step,
  settlements: readonly Settlement[],
  claims: readonly ClaimRequest[] = [],
): CommitAnswer {
  const settled = settlements.map((settlement) => settle(step, settlement));
  return { settled, claimed: claim(step, claims) };
}

function settle(step: Step, settlement: Settlement): SettleResult {
  const { lease, mode, effects = [], traceId } = settlement;
  const job = follow(step.state, lease);
  if (job === undefined) return { outcome: 'gone', state: null };
  if (lease.token !== 0 && job.settledToken === lease.token)
    return { outcome: 'ok', state: job.record.state };
  const held = fence(step, job, lease.token);
  if (held === 'superseded' || (held === 'expired' && mode === 'strict'))
    return { outcome: held, state: null };
  for (const effect of effects) applyEffect(step, effect);
  // An effect may have obliterated the queue and the job with it.
  if (job.lease === null) return { outcome: 'gone', state: null };
  job.settledToken = lease.token;
  become(step, job, { next: own(settlement.next), traceId });
  return { outcome: 'ok', state: job.record.state };
}

interface Ending {
  readonly next: Next;
  readonly traceId: string | undefined;
}

/** Ends the attempt and makes of the job what `next` says. */
function become(step: Step, job: StoredJob, { next, traceId }: Ending): void {
  switch (next.to) {
    case 'completed':
      complete(step, job, { result: next.result, traceId });
      break;
    case 'failed':
      fail(step, job, { next, traceId });
      break;
    case 'cancelled':
      closeAttempt(step, job, { outcome: 'cancelled', traceId });
      cancelNow(step, job, next.cause, next.reason);
      break;
    default:
      if (job.record.cancelReason !== null) stop(step, job, { next, traceId });
      else goOn(step, job, { next, traceId });
  }
}

function complete(
  step: Step,
  job: StoredJob,
  end: Pick<JobRecord, 'result'> & Pick<Ending, 'traceId'>,
): void {
  const { result, traceId } = end;
  const attempt = closeAttempt(step, job, { outcome: 'completed', traceId });
  count(step, job, { event: 'completed', runMs: ranMs(attempt) });
  finish(step, job, { state: 'completed', result, error: null }, changeData(result));
}

function fail(step: Step, job: StoredJob, end: Ending & { next: { to: 'failed' } }): void {
  const { error, cause } = end.next;
  const attempt = closeAttempt(step, job, { outcome: 'failed', error, traceId: end.traceId });
  count(step, job, { event: 'failed', runMs: ranMs(attempt) });
  queueOf(step, job.record.queue).totals.attemptsFailed += 1;
  deadLetter(step, job, { error, cause, failures: job.record.failures + 1 });
}

/** Somebody asked the job to stop while it ran: it does not go back to work. */
function stop(step: Step, job: StoredJob, { next, traceId }: Ending): void {
  const error = next.to === 'retry' ? next.error : null;
  closeAttempt(step, job, { outcome: 'cancelled', error, traceId });
  if (error !== null) alter(step, job, { error });
  cancelNow(step, job, 'cancelled', job.record.cancelReason);
}

type Onward = Extract<Next, { readonly to: 'retry' | 'released' | 'parked' }>;

function goOn(
  step: Step,
  job: StoredJob,
  { next, traceId }: { next: Onward; traceId: string | undefined },
): void {
  const { totals } = queueOf(step, job.record.queue);
  if (next.to === 'parked') {
    closeAttempt(step, job, { outcome: 'parked', traceId });
    const { afterMs } = next.wake;
    alter(step, job, {
      state: 'parked',
      readyAt: null,
      dueAt: afterMs === null ? null : step.nowMs + afterMs,
    });
    return;
  }
  if (next.to === 'released') {
    release(step, job, { afterMs: next.afterMs, traceId });
    return;
  }
  const { error, afterMs } = next;
  const attempt = closeAttempt(step, job, { outcome: 'retried', error, retryAfterMs: afterMs, traceId });
  count(step, job, { event: 'retried', runMs: ranMs(attempt) });
  totals.attemptsFailed += 1;
  alter(step, job, { ...requeued(afterMs, step.nowMs), failures: job.record.failures + 1, error });
  tell(step, 'retried', job, errorData(error));
}

/** Handed back without burning an attempt; a wish to stop is heard here, too. */
export function release(
  step: Step,
  job: StoredJob,
  { afterMs, traceId }: { afterMs: number; traceId?: string | undefined },
): void {
  if (job.record.cancelReason !== null) {
    stop(step, job, { next: { to: 'released', afterMs, why: '' }, traceId });
    return;
  }
  closeAttempt(step, job, { outcome: 'released', traceId });
  queueOf(step, job.record.queue).totals.released += 1;
  alter(step, job, requeued(afterMs, step.nowMs));
  tell(step, 'released', job);
}

function requeued(afterMs: number, nowMs: number): Partial<JobRecord> {
  if (afterMs > 0) return { state: 'delayed', dueAt: nowMs + afterMs, readyAt: null };
  return { state: 'waiting', dueAt: null, readyAt: nowMs };
}

function ranMs({ startedAt, endedAt }: AttemptRecord): number {
  return Math.max(0, endedAt - startedAt);
}
