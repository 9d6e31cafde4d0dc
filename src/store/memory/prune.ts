import { type FinishedState, ownKeepMs } from '../../job/keep.ts';
import { discardNow } from './move.ts';
import { by, bySeq, type QueueState, type StoredJob } from './state.ts';
import type { Chore, Step } from './step.ts';

const FINISHED: readonly FinishedState[] = ['completed', 'failed', 'cancelled'];

/** Deletes finished jobs that were kept for long enough, the oldest first. */
export function prune(step: Step, limit: number): Chore {
  const over = [...step.state.queues.values()]
    .flatMap((queue) => FINISHED.flatMap((state) => beyond(queue, state, step.nowMs)))
    .sort(byEnd);
  for (const job of over.slice(0, limit)) discardNow(step, job);
  return { touched: Math.min(over.length, limit), more: over.length > limit };
}

/** A job that says itself how long it is kept is left out of the queue's rule, and of its count. */
function beyond(queue: QueueState, state: FinishedState, nowMs: number): StoredJob[] {
  if (queue.counts[state] === 0) return [];
  const jobs = [...queue.jobs.values()].filter(({ record }) => record.state === state);
  const isOver = ({ record }: StoredJob, keepMs: number | null): boolean =>
    keepMs !== null && (record.finishedAt ?? 0) + keepMs <= nowMs;
  const own = jobs.filter((job) => isOver(job, ownKeepMs(job.record.policy, state)));
  const { ageMs, count } = queue.settings.retention[state];
  const others = jobs.filter(({ record }) => ownKeepMs(record.policy, state) === null).sort(byEnd);
  const tooMany = count === null ? 0 : Math.max(0, others.length - count);
  return [...own, ...others.filter((job, index) => index < tooMany || isOver(job, ageMs))];
}

function byEnd(one: StoredJob, other: StoredJob): number {
  return by(one.record.finishedAt, other.record.finishedAt) || bySeq(one, other);
}
