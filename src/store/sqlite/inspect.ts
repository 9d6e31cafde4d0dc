import type { QueueSettings } from '../../job/queue-settings.ts';
import type { AttemptRecord, JobRecord, JobRef, LogLine } from '../../job/record.ts';
import type { AuditRecord, QueueSummary } from '../store.ts';
import { attemptsOf } from './attempt.ts';
import { untilDue } from './promote.ts';
import { NAMESPACE } from './queue.ts';
import { followRow, recordOf } from './row.ts';
import { countsOf, TALLY_COLUMNS, type TallyRow, totalsOf } from './tally.ts';
import type { Transaction } from './transaction.ts';

interface SummaryRow extends TallyRow {
  readonly id: number;
  readonly name: string;
  readonly settings: string;
  readonly created_at: number;
  readonly ready_at: number | null;
  readonly claimed_at: number | null;
}

const LOGS = `
  select number, at, text from millrace_log where seq = ? and number > ? order by number limit ?`;
const SUMMARIES = `
  select q.id, q.name, q.settings, q.created_at, ${TALLY_COLUMNS},
    (select min(j.ready_at) from millrace_job j indexed by millrace_job_ready_at
      where j.queue = q.id and j.state = 'waiting') as ready_at,
    (select min(j.claimed_at) from millrace_job j indexed by millrace_job_state
      where j.queue = q.id and j.state = 'active' and j.state <> 'waiting') as claimed_at
  from millrace_queue q where q.namespace = ?`;
const ALL = `${SUMMARIES} order by q.name`;
const NAMED = `${SUMMARIES} and q.name = ?`;
const AUDIT = 'select at, actor, op, queue, id, detail from millrace_audit order by number desc limit ?';

export function job(tx: Transaction, ref: JobRef): JobRecord | null {
  const row = followRow(tx, ref);
  return row === null ? null : recordOf(tx, row.seq);
}

export function attempts(tx: Transaction, ref: JobRef): AttemptRecord[] {
  const row = followRow(tx, ref);
  return row === null ? [] : attemptsOf(tx.db, row.seq);
}

export function logs(tx: Transaction, ref: JobRef, after: number, limit: number): LogLine[] {
  const row = followRow(tx, ref);
  if (row === null) return [];
  return tx.db.all<LogLine>(LOGS, row.seq, after, limit).map((line) => ({ ...line }));
}

export function queues(tx: Transaction, names?: readonly string[]): QueueSummary[] {
  tx.flush();
  const rows =
    names === undefined
      ? tx.db.all<SummaryRow>(ALL, NAMESPACE)
      : [...new Set(names)].flatMap((name) => tx.db.all<SummaryRow>(NAMED, NAMESPACE, name));
  return rows
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .map((row) => ({
      queue: row.name,
      settings: JSON.parse(row.settings) as QueueSettings,
      counts: countsOf(row),
      totals: totalsOf(row),
      oldestReadyMs: ageOf(tx, row.ready_at),
      oldestActiveMs: ageOf(tx, row.claimed_at),
      nextDueInMs: untilDue(tx, tx.queueById(row.id)),
      createdAt: row.created_at,
    }));
}

function ageOf(tx: Transaction, at: number | null): number | null {
  return at === null ? null : Math.max(0, tx.now - at);
}

/** The newest first. */
export function audit(tx: Transaction, limit: number): AuditRecord[] {
  return tx.db.all<AuditRecord>(AUDIT, limit).map((row) => ({ ...row }));
}
