import type { QueueSettings } from './queue-settings.ts';
import type { JobPolicy, JobState } from './record.ts';

/** The states whose jobs are kept for a time and then pruned. */
export type FinishedState = 'completed' | 'failed' | 'cancelled';

/** Answers of request ids and claim ids are remembered for this long. */
export const REMEMBERED_MS: number = 10 * 60_000;
export const ATTEMPTS_KEPT = 1_000;
export const AUDIT_KEPT = 10_000;
export const CHANGES_KEPT_MS: number = 3_600_000;
/** Changes kept per queue. */
export const CHANGES_KEPT = 10_000;
export const OPERATIONS_KEPT_MS: number = 7 * 86_400_000;
/** Statistics are folded from minutes into hours after the first of these, and dropped after the second. */
export const MINUTES_KEPT_MS: number = 7 * 86_400_000;
export const HOURS_KEPT_MS: number = 90 * 86_400_000;

export function isFinished(state: JobState): state is FinishedState {
  return state === 'completed' || state === 'failed' || state === 'cancelled';
}

/** The part of a job's policy that says how long it is kept. */
export type KeepPolicy = Pick<JobPolicy, 'keepCompletedMs' | 'keepFailedMs'>;

/** What the job itself says about how long it is kept in this state; null leaves it to the queue. */
export function ownKeepMs(policy: KeepPolicy, state: FinishedState): number | null {
  if (state === 'completed') return policy.keepCompletedMs;
  return state === 'failed' ? policy.keepFailedMs : null;
}

/** True: the job is deleted in the step that ends it. */
export function keptForNoTime(policy: KeepPolicy, settings: QueueSettings, state: FinishedState): boolean {
  const own = ownKeepMs(policy, state);
  if (own !== null) return own === 0;
  const { ageMs, count } = settings.retention[state];
  return ageMs === 0 || count === 0;
}

/**
 * Where a dead letter of `queue` moves; null keeps it where it is, as `failed`. The job's own queue as target
 * means the same: a dead letter that came back to waiting in its queue would run for ever.
 */
export function deadLetterTarget(policy: JobPolicy, settings: QueueSettings, queue: string): string | null {
  const target = policy.deadLetterQueue ?? settings.deadLetterQueue;
  return target === queue ? null : target;
}
