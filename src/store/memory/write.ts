import { changeData } from '../../job/change-data.ts';
import { deadlineOf } from '../../job/lease.ts';
import { MAX_LOG_LINES } from '../../job/limits.ts';
import type { Bytes, LeaseRef } from '../../job/record.ts';
import type { MoveOutcome, Target } from '../store.ts';
import { fence } from './attempt.ts';
import { alter, jobAt } from './jobs.ts';
import { own } from './own.ts';
import type { StoredJob } from './state.ts';
import { type Step, tell } from './step.ts';

/** What a worker writes while the job runs, fenced by its token; also open to anybody who brings none. */
function guarded(step: Step, target: Target, write: (job: StoredJob) => void): MoveOutcome {
  const job = jobAt(step.state, target);
  if (job === undefined) return { outcome: 'gone' };
  const held = 'token' in target ? fence(step, job, target.token) : 'ok';
  if (held === 'ok') write(job);
  return { outcome: held };
}

export function progress(step: Step, target: Target, value: Bytes): MoveOutcome {
  return guarded(step, target, (job) => {
    alter(step, job, { progress: own(value) });
    tell(step, 'progress', job, changeData(value));
  });
}

export function log(step: Step, target: Target, lines: readonly string[]): MoveOutcome {
  return guarded(step, target, (job) => {
    for (const text of lines) {
      job.logged += 1;
      job.logs.push({ number: job.logged, at: step.nowMs, text });
    }
    job.logs.splice(0, job.logs.length - MAX_LOG_LINES);
  });
}

/** While it is alone, what becomes of its lease is its own doing. The time that it waited for that is given back. */
export function isolate(step: Step, lease: LeaseRef, alone: boolean): MoveOutcome {
  return guarded(step, lease, (job) => {
    if (job.lease === null) return;
    const { timeoutMs } = job.record.policy;
    const deadlineAt = alone ? deadlineOf(timeoutMs, step.nowMs) : job.lease.deadlineAt;
    job.lease = { ...job.lease, spared: !alone, deadlineAt };
  });
}

export function data(step: Step, target: Target, body: Bytes, contentType: string): MoveOutcome {
  return guarded(step, target, (job) => alter(step, job, { body: own(body), contentType }));
}
