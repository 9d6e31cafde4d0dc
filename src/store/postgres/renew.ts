import { leaseEnd } from '../../job/lease.ts';
import type { LeaseRef } from '../../job/record.ts';
import type { RenewResult } from '../store.ts';
import type { Transaction } from './transaction.ts';
import { changeLease } from './write.ts';

/** A lease that ran out is renewed all the same while nobody took the job: the token still fences. */
export async function renew(
  tx: Transaction,
  leases: readonly LeaseRef[],
  leaseMs: number,
): Promise<RenewResult[]> {
  await tx.needJobs(leases);
  const results: RenewResult[] = [];
  for (const lease of leases) results.push(await renewOne(tx, lease, leaseMs));
  return results;
}

async function renewOne(tx: Transaction, ref: LeaseRef, leaseMs: number): Promise<RenewResult> {
  const row = await tx.job(ref);
  if (row === null) return { outcome: 'gone', cancelReason: null };
  const cancelReason = row.token === ref.token ? row.cancel_reason : null;
  if (!row.held || row.token !== ref.token) return { outcome: 'superseded', cancelReason };
  const deadlineAt = row.deadline_at;
  if (deadlineAt !== null && deadlineAt <= tx.now) return { outcome: 'timed-out', cancelReason };
  // Bound to the session, and not suspected: there is nothing to write.
  const isBound = row.lease_expires_at === null && leaseMs > 0;
  if (isBound && row.suspect_at === null) return { outcome: 'ok', cancelReason };
  const expiresAt = isBound ? null : leaseEnd(leaseMs, deadlineAt, tx.now);
  changeLease(tx, row, { lease_expires_at: expiresAt, suspect_at: null });
  return { outcome: 'ok', cancelReason };
}
