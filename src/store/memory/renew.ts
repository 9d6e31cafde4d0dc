import { leaseEnd } from '../../job/lease.ts';
import type { LeaseRef } from '../../job/record.ts';
import type { RenewResult } from '../store.ts';
import { jobAt } from './jobs.ts';
import type { Step } from './step.ts';

/** A lease that ran out is renewed all the same while nobody took the job: the token still fences. */
export function renew(step: Step, leases: readonly LeaseRef[], leaseMs: number): RenewResult[] {
  return leases.map((lease) => renewOne(step, lease, leaseMs));
}

function renewOne(step: Step, ref: LeaseRef, leaseMs: number): RenewResult {
  const job = jobAt(step.state, ref);
  if (job === undefined) return { outcome: 'gone', cancelReason: null };
  const cancelReason = job.record.token === ref.token ? job.record.cancelReason : null;
  const { lease } = job;
  if (lease === null || lease.token !== ref.token) return { outcome: 'superseded', cancelReason };
  const { deadlineAt } = lease;
  if (deadlineAt !== null && deadlineAt <= step.nowMs) return { outcome: 'timed-out', cancelReason };
  const isBound = lease.expiresAt === null && leaseMs > 0;
  const expiresAt = isBound ? null : leaseEnd(leaseMs, deadlineAt, step.nowMs);
  job.lease = { ...lease, expiresAt, suspectAt: null };
  return { outcome: 'ok', cancelReason };
}
