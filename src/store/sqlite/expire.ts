import { expire } from './jobs.ts';
import type { ChoreResult } from './promote.ts';
import { jobRows, ROW } from './row.ts';
import type { Transaction } from './transaction.ts';

const QUEUES_EXPIRING = `
  select q.id from millrace_queue q
  where (
    select min(j.expires_at) from millrace_job j indexed by millrace_job_expires
    where j.queue = q.id and j.expires_at is not null and j.state in ('waiting', 'delayed')
  ) <= ?`;
const EXPIRING = `
  select ${ROW} from millrace_job j indexed by millrace_job_expires
  where j.queue = ? and j.expires_at <= ? and j.expires_at is not null and j.state in ('waiting', 'delayed')
  order by j.expires_at, j.seq limit ?`;

/** Ends jobs that nobody claimed in time, of paused queues, too. */
export function expireAll(tx: Transaction, limit: number): ChoreResult {
  const over = tx.db
    .all<{ id: number }>(QUEUES_EXPIRING, tx.now)
    .flatMap(({ id }) => jobRows(tx.db, EXPIRING, id, tx.now, limit + 1))
    .sort((one, other) => (one.expires_at ?? 0) - (other.expires_at ?? 0) || one.seq - other.seq);
  for (const row of over.slice(0, limit)) expire(tx, row);
  return { touched: Math.min(over.length, limit), more: over.length > limit };
}
