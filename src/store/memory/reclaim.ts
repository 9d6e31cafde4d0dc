import { LEASE_EXPIRED, suspicionMs } from '../../job/lease.ts';
import type { Reclaimed, UpkeepReport } from '../store.ts';
import { closeAttempt, isOver } from './attempt.ts';
import { deadLetter } from './dead-letter.ts';
import { alter, cancelNow, queueOf } from './jobs.ts';
import type { Lease, State, StoredJob } from './state.ts';
import { type Chore, type Step, tell } from './step.ts';

/**
 * Takes back jobs whose leases are past due. The first pass that sees one only marks it, and a lease that is in
 * time again loses its mark: one jump of the clock takes no live lease.
 */
export function reclaim(step: Step, limit: number): Chore & Pick<UpkeepReport, 'reclaimed' | 'suspicionMs'> {
  const reclaimed: Reclaimed[] = [];
  let touched = 0;
  let more = false;
  let longestMs = 0;
  for (const [job, lease] of leases(step.state.leased)) {
    const verdict = judge(step, lease);
    if (verdict === 'clear') job.lease = { ...lease, suspectAt: null };
    if (verdict === 'clear' || verdict === 'wait') continue;
    if (touched === limit) {
      more = true;
      continue;
    }
    touched += 1;
    if (verdict === 'mark') {
      job.lease = { ...lease, suspectAt: step.nowMs };
      longestMs = Math.max(longestMs, suspicionOf(step.state, lease));
    } else reclaimed.push(takeBack(step, job, lease));
  }
  return { touched, more, reclaimed, suspicionMs: longestMs };
}

/** `wait`: the suspicion is too young, its worker may show itself yet. */
function judge({ state, nowMs }: Step, lease: Lease): 'clear' | 'mark' | 'wait' | 'take' {
  if (!isOver(state, lease, nowMs)) return 'clear';
  if (lease.suspectAt === null) return 'mark';
  if (lease.expiresAt !== null) return 'take';
  // The clock went back: how old the suspicion is cannot be told any more.
  if (lease.suspectAt > nowMs) return 'mark';
  const ageMs = nowMs - lease.suspectAt;
  return ageMs < suspicionOf(state, lease) ? 'wait' : 'take';
}

/** Of a lease with a time of its own nobody knows how often it is renewed: that is its holder's affair. */
function suspicionOf({ sessions }: State, { worker, expiresAt }: Lease): number {
  return expiresAt === null ? suspicionMs(sessions.get(worker) ?? null) : 0;
}

function leases(leased: ReadonlyMap<number, StoredJob>): [StoredJob, Lease][] {
  return [...leased.values()].flatMap((job): [StoredJob, Lease][] =>
    job.lease === null ? [] : [[job, job.lease]],
  );
}

/** `settledToken` stays as it was, so that the late worker is told that it was superseded. */
function takeBack(step: Step, job: StoredJob, { token, worker, spared }: Lease): Reclaimed {
  const { queue, id } = job.record;
  const { settings, totals } = queueOf(step, queue);
  const crashes = job.record.crashes + 1;
  closeAttempt(step, job, { outcome: 'crashed', error: LEASE_EXPIRED });
  totals.reclaimed += 1;
  tell(step, 'reclaimed', job);
  alter(step, job, { crashes });
  if (job.record.cancelReason !== null) {
    cancelNow(step, job, 'cancelled', job.record.cancelReason);
  } else if (crashes > settings.maxCrashes && !spared) {
    deadLetter(step, job, { cause: 'crashed', error: LEASE_EXPIRED, failures: job.record.failures });
  } else {
    alter(step, job, { state: 'waiting', readyAt: step.nowMs });
  }
  return { queue, id, token, worker, crashes, state: job.record.state };
}
