import { isFinished } from '../../job/keep.ts';
import type { JobRecord, JobRef } from '../../job/record.ts';
import type { MoveOutcome } from '../store.ts';
import { freshStart, moveTo } from './dead-letter.ts';
import { alter, cancelNow, jobAt, remove } from './jobs.ts';
import type { StoredJob } from './state.ts';
import { hint, type Step, tell } from './step.ts';

const OK: MoveOutcome = { outcome: 'ok' };

/** Finds the job and hands it on; what may be done with it depends on its state. */
function moving(step: Step, ref: JobRef, move: (job: StoredJob) => MoveOutcome): MoveOutcome {
  const job = jobAt(step.state, ref);
  return job === undefined ? { outcome: 'gone' } : move(job);
}

function wrongState({ record }: StoredJob): MoveOutcome {
  return { outcome: 'wrong-state', state: record.state };
}

/** Ends a job that does not run; asks one that does, by the answer to its next renewal. */
export function cancel(step: Step, ref: JobRef, reason: string): MoveOutcome {
  return moving(step, ref, (job) => {
    if (isFinished(job.record.state)) return wrongState(job);
    if (job.record.state === 'active') {
      alter(step, job, { cancelReason: reason });
      hint(step, ref.queue, 'cancel');
    } else {
      cancelNow(step, job, 'cancelled', reason);
    }
    return OK;
  });
}

export function redrive(step: Step, ref: JobRef, toQueue: string | null): MoveOutcome {
  return moving(step, ref, (job) => {
    const { state, queue, id } = job.record;
    const target = toQueue ?? queue;
    const elsewhere = target !== queue;
    const movable = isFinished(state) || (elsewhere && (state === 'waiting' || state === 'delayed'));
    if (!movable) return wrongState(job);
    if (elsewhere && jobAt(step.state, { queue: target, id }) !== undefined) return { outcome: 'duplicate' };
    const changes: Partial<JobRecord> = { result: null, progress: null };
    if (elsewhere) moveTo(step, job, { queue: target, cause: 'redrive', changes });
    else alter(step, job, { ...freshStart(job.record, step.nowMs), ...changes });
    tell(step, 'waiting', job);
    return OK;
  });
}

export function discard(step: Step, ref: JobRef): MoveOutcome {
  return moving(step, ref, (job) => {
    if (job.record.state === 'active') return wrongState(job);
    discardNow(step, job);
    return OK;
  });
}

export function discardNow(step: Step, job: StoredJob): void {
  remove(step, job);
  tell(step, 'removed', job);
}

export function promote(step: Step, ref: JobRef): MoveOutcome {
  return moving(step, ref, (job) => {
    if (job.record.state !== 'delayed') return wrongState(job);
    alter(step, job, { state: 'waiting', readyAt: step.nowMs, dueAt: null });
    tell(step, 'waiting', job);
    return OK;
  });
}

export function reschedule(step: Step, ref: JobRef, delayMs: number): MoveOutcome {
  return moving(step, ref, (job) => {
    const { state, expiresAt, policy } = job.record;
    if (state !== 'delayed' && state !== 'waiting') return wrongState(job);
    if (delayMs === 0) return state === 'waiting' ? OK : promote(step, ref);
    const dueAt = step.nowMs + delayMs;
    // The time to live counts from when the job is due, so it moves along.
    const endsAt = expiresAt === null || policy.ttlMs === null ? expiresAt : dueAt + policy.ttlMs;
    alter(step, job, { state: 'delayed', dueAt, readyAt: null, expiresAt: endsAt });
    tell(step, 'delayed', job);
    return OK;
  });
}

export function prioritize(step: Step, ref: JobRef, place: { priority: number; lifo: boolean }): MoveOutcome {
  return moving(step, ref, (job) => {
    const { state, rank } = job.record;
    if (state !== 'delayed' && state !== 'waiting') return wrongState(job);
    if (place.lifo) step.state.seq += 1;
    alter(step, job, { priority: place.priority, rank: place.lifo ? -step.state.seq : rank });
    return OK;
  });
}
