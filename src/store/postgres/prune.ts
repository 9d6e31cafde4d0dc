import type { ChoreResult } from './promote.ts';
import type { Transaction } from './transaction.ts';

const PRUNE = 'select pruned, more from {s}.prune_v1($1, $2)';

/** Deletes finished jobs that were kept for long enough, the oldest first. */
export async function prune(tx: Transaction, limit: number): Promise<ChoreResult> {
  await tx.flush();
  const row = await tx.db.get<{ pruned: number; more: boolean }>(PRUNE, tx.now, limit);
  return { touched: row?.pruned ?? 0, more: row?.more ?? false };
}
