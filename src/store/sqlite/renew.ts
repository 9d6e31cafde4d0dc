import { leaseEnd } from '../../job/lease.ts';
import type { LeaseRef } from '../../job/record.ts';
import type { RenewResult } from '../store.ts';
import { leaseOf } from './attempt.ts';
import { findRow } from './row.ts';
import type { Transaction } from './transaction.ts';

const RENEW = `
  update millrace_lease set expires_at = ?, past_due_at = ?, suspect_at = null
  where worker = ? and token = ?`;

/** A lease that ran out is renewed all the same while nobody took the job: the token still fences. */
export function renew(tx: Transaction, leases: readonly LeaseRef[], leaseMs: number): RenewResult[] {
  return leases.map((lease) => renewOne(tx, lease, leaseMs));
}

function renewOne(tx: Transaction, ref: LeaseRef, leaseMs: number): RenewResult {
  const row = findRow(tx, ref);
  if (row === null) return { outcome: 'gone', cancelReason: null };
  const cancelReason = row.token === ref.token ? row.cancel_reason : null;
  const lease = row.state === 'active' && row.token === ref.token ? leaseOf(tx.db, row) : null;
  if (lease === null) return { outcome: 'superseded', cancelReason };
  const deadlineAt = lease.deadline_at;
  if (deadlineAt !== null && deadlineAt <= tx.now) return { outcome: 'timed-out', cancelReason };
  // Bound to the session, and not suspected: there is nothing to write, and so nothing to flush to the disk.
  const isBound = lease.expires_at === null && leaseMs > 0;
  if (isBound && lease.suspect_at === null) return { outcome: 'ok', cancelReason };
  const expiresAt = isBound ? null : leaseEnd(leaseMs, deadlineAt, tx.now);
  tx.db.run(RENEW, expiresAt, expiresAt ?? deadlineAt, lease.worker, lease.token);
  return { outcome: 'ok', cancelReason };
}
