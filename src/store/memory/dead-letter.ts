import { errorData } from '../../job/change-data.ts';
import { deadLetterTarget } from '../../job/keep.ts';
import type { EndCause, JobRecord, StoredError } from '../../job/record.ts';
import { alter, finish, jobAt, queueOf } from './jobs.ts';
import type { StoredJob } from './state.ts';
import { hint, type Step, tell } from './step.ts';

export interface Death {
  readonly cause: EndCause;
  readonly error: StoredError;
  /** Failed attempts, this one included. */
  readonly failures: number;
}

/** No attempts are left: the job stays as `failed`, or moves to the queue for its dead letters in this very step. */
export function deadLetter(step: Step, job: StoredJob, { cause, error, failures }: Death): void {
  const { queue, id, policy } = job.record;
  const source = queueOf(step, queue);
  const target = deadLetterTarget(policy, source.settings, queue);
  if (target === null || jobAt(step.state, { queue: target, id }) !== undefined) {
    finish(step, job, { state: 'failed', cause, error, failures }, errorData(error));
    return;
  }
  source.totals.failed += 1;
  tell(step, 'failed', job, errorData(error));
  moveTo(step, job, { queue: target, cause, changes: { error } });
  tell(step, 'added', job);
}

/** Into another queue as a new generation, with all that hangs on the job. */
export function moveTo(
  step: Step,
  job: StoredJob,
  move: { queue: string; cause: EndCause | 'redrive'; changes: Partial<JobRecord> },
): void {
  const from = job.record.queue;
  const origin = Object.freeze({ queue: from, cause: move.cause, movedAt: step.nowMs });
  alter(step, job, { ...freshStart(job.record, step.nowMs), ...move.changes, queue: move.queue, origin });
  queueOf(step, from).totals.removed += 1;
  queueOf(step, move.queue).totals.added += 1;
  hint(step, from, 'ended');
}

/** What every new generation begins with. */
export function freshStart({ generation }: JobRecord, nowMs: number): Partial<JobRecord> {
  return {
    state: 'waiting',
    readyAt: nowMs,
    dueAt: null,
    expiresAt: null,
    firstClaimedAt: null,
    finishedAt: null,
    generation: generation + 1,
    failures: 0,
    crashes: 0,
    cause: null,
    cancelReason: null,
  };
}
