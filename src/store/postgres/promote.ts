import type { Transaction } from './transaction.ts';

/** What a chore did within its limit, and whether it had more to do. */
export interface ChoreResult {
  readonly touched: number;
  readonly more: boolean;
}

const PROMOTE = 'select moved, more, queues from {s}.promote_all_v1($1, $2)';

/** Due jobs of all queues that are not paused. */
export async function promoteAll(tx: Transaction, limit: number): Promise<ChoreResult> {
  const row = await tx.db.get<{ moved: number; more: boolean; queues: string }>(PROMOTE, tx.now, limit);
  for (const queue of JSON.parse(row?.queues ?? '[]') as string[]) tx.hint(queue, 'ready');
  return { touched: row?.moved ?? 0, more: row?.more ?? false };
}
