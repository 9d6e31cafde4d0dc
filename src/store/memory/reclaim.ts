import { LEASE_EXPIRED } from '../../job/lease.ts';
import type { Reclaimed } from '../store.ts';
import { closeAttempt, isOver } from './attempt.ts';
import { deadLetter } from './dead-letter.ts';
import { alter, cancelNow, queueOf } from './jobs.ts';
import type { Lease, StoredJob } from './state.ts';
import { type Chore, type Step, tell } from './step.ts';

/**
 * Takes back jobs whose leases are past due. The first pass that sees one only marks it, and a lease that is in
 * time again loses its mark: one jump of the clock takes no live lease.
 */
export function reclaim(step: Step, limit: number): Chore & { readonly reclaimed: Reclaimed[] } {
  const { state } = step;
  state.reclaimPass += 1;
  const reclaimed: Reclaimed[] = [];
  let touched = 0;
  let more = false;
  for (const [job, lease] of leases(state.leased)) {
    if (!isOver(state, lease, step.nowMs)) {
      job.lease = { ...lease, suspectSince: null };
    } else if (touched === limit) {
      more = true;
    } else {
      touched += 1;
      if (lease.suspectSince === null) job.lease = { ...lease, suspectSince: state.reclaimPass };
      else reclaimed.push(takeBack(step, job, lease));
    }
  }
  return { touched, more, reclaimed };
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
