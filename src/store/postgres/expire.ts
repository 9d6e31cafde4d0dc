import { expire } from './jobs.ts';
import type { ChoreResult } from './promote.ts';
import type { Transaction } from './transaction.ts';

const EXPIRING = 'select seq from {s}.expiring_v1($1, $2) seq';

/** Ends jobs that nobody claimed in time, of paused queues, too. */
export async function expireAll(tx: Transaction, limit: number): Promise<ChoreResult> {
  const over = await tx.db.all<{ seq: number }>(EXPIRING, tx.now, limit + 1);
  const rows = await tx.jobsBySeq(
    over.slice(0, limit).map(({ seq }) => seq),
    false,
  );
  // Somebody may have claimed one meanwhile.
  const meant = rows.filter(({ state, expires_at: at }) => {
    return (state === 'waiting' || state === 'delayed') && at !== null && at <= tx.now;
  });
  for (const row of meant) expire(tx, row);
  return { touched: Math.min(over.length, limit), more: over.length > limit };
}
