import { alter } from './jobs.ts';
import { by, bySeq, type StoredJob } from './state.ts';
import { type Chore, type Step, tell } from './step.ts';

/** Moves the due ones among jobs that stand in the order of their `dueAt`. */
export function promoteDue(step: Step, ordered: readonly StoredJob[], limit: number): Chore {
  const due = [];
  for (const job of ordered) {
    if ((job.record.dueAt ?? 0) > step.nowMs || due.length > limit) break;
    due.push(job);
  }
  for (const job of due.slice(0, limit)) {
    alter(step, job, { state: 'waiting', readyAt: job.record.dueAt, dueAt: null });
    tell(step, 'waiting', job);
  }
  return { touched: Math.min(due.length, limit), more: due.length > limit };
}

/** Due jobs of all queues that are not paused. */
export function promoteAll(step: Step, limit: number): Chore {
  const due = [...step.state.queues.values()]
    .filter((queue) => !queue.settings.paused)
    .flatMap((queue) => queue.due.members.slice(0, limit + 1))
    .sort((one, other) => by(one.record.dueAt, other.record.dueAt) || bySeq(one, other));
  return promoteDue(step, due, limit);
}
