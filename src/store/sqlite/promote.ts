import type { Database } from './database.ts';
import { alter } from './jobs.ts';
import { type QueueState, tell } from './queue.ts';
import { type JobRow, jobRows, ROW } from './row.ts';
import type { Transaction } from './transaction.ts';

/** What a chore did within its limit, and whether it had more to do. */
export interface ChoreResult {
  readonly touched: number;
  readonly more: boolean;
}

const DUE = `
  select ${ROW} from millrace_job j indexed by millrace_job_due
  where j.queue = ? and j.due_at <= ? and j.due_at is not null and j.state in ('delayed', 'parked')
  order by j.due_at, j.seq limit ?`;
const NEXT_DUE = `
  select min(due_at) as at from millrace_job indexed by millrace_job_due
  where queue = ? and due_at is not null and state in ('delayed', 'parked')`;
const QUEUES_DUE = `
  select q.id from millrace_queue q
  where q.paused = 0 and (
    select min(j.due_at) from millrace_job j indexed by millrace_job_due
    where j.queue = q.id and j.due_at is not null and j.state in ('delayed', 'parked')
  ) <= ?`;

/** Due jobs of one queue. */
export function promoteQueue(tx: Transaction, queue: QueueState, limit: number): ChoreResult {
  const at = nextDueAt(tx.db, queue);
  if (at === null || at > tx.now) return { touched: 0, more: false };
  return promoteRows(tx, jobRows(tx.db, DUE, queue.id, tx.now, limit + 1), limit);
}

/** Due jobs of all queues that are not paused. */
export function promoteAll(tx: Transaction, limit: number): ChoreResult {
  const rows = tx.db
    .all<{ id: number }>(QUEUES_DUE, tx.now)
    .flatMap(({ id }) => jobRows(tx.db, DUE, id, tx.now, limit + 1))
    .sort((one, other) => (one.due_at ?? 0) - (other.due_at ?? 0) || one.seq - other.seq);
  return promoteRows(tx, rows, limit);
}

/** Until the next job of the queue that waits for a time; null when none does. */
export function untilDue(tx: Transaction, queue: QueueState): number | null {
  const at = nextDueAt(tx.db, queue);
  return at === null ? null : Math.max(0, at - tx.now);
}

function nextDueAt(db: Database, queue: QueueState): number | null {
  if (queue.nextDueAt === undefined) {
    queue.nextDueAt = db.get<{ at: number | null }>(NEXT_DUE, queue.id)?.at ?? null;
  }
  return queue.nextDueAt;
}

function promoteRows(tx: Transaction, due: readonly JobRow[], limit: number): ChoreResult {
  for (const row of due.slice(0, limit)) {
    alter(tx, row, { state: 'waiting', ready_at: row.due_at, due_at: null });
    tell(tx, tx.queueById(row.queue), { kind: 'waiting', id: row.id, name: row.name });
  }
  return { touched: Math.min(due.length, limit), more: due.length > limit };
}
