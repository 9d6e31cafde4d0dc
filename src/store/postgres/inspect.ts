import { ATTEMPTS_KEPT } from '../../job/keep.ts';
import type { Counts, QueueSettings, Totals } from '../../job/queue-settings.ts';
import { DEFAULT_QUEUE_SETTINGS } from '../../job/queue-settings.ts';
import {
  type AttemptOutcome,
  type AttemptRecord,
  JOB_STATES,
  type JobRecord,
  type JobRef,
  type LogLine,
  type StoredError,
} from '../../job/record.ts';
import type { QueueSummary } from '../store.ts';
import type { Database } from './database.ts';
import { followRow, toRecord } from './row.ts';
import type { Transaction } from './transaction.ts';

const LOGS = 'select number, at, text from {s}.log where seq = $1 and number > $2 order by number limit $3';

/** The attempt that completed a job is its completion; see `docs/decisions/0014`. */
const ATTEMPTS = `
  select seq, number, generation, token, worker, started_at, ended_at, outcome, error, retry_after_ms, trace_id
  from (
    select *, row_number() over (partition by seq order by number desc) as place from (
      select seq, number, generation, token, worker, started_at, ended_at, outcome, error, retry_after_ms, trace_id
      from {s}.attempt where seq = any($1::bigint[])
      union all
      select j.seq, j.claims, j.generation, j.token, j.worker, j.claimed_at, j.finished_at, 'completed', null, null,
        j.trace_id
      from {s}.job_now j where j.seq = any($1::bigint[]) and j.state = ${JOB_STATES.indexOf('completed')}
        and not exists (select 1 from {s}.attempt a where a.seq = j.seq and a.number = j.claims)
    ) every
  ) kept where place <= ${ATTEMPTS_KEPT} order by seq, number`;

export async function job(tx: Transaction, ref: JobRef): Promise<JobRecord | null> {
  const row = await followRow(tx.db, ref.queue, ref.id);
  return row === null ? null : toRecord(row, (await tx.queueById(row.queue)).name);
}

interface AttemptRow {
  readonly seq: number;
  readonly number: number;
  readonly generation: number;
  readonly token: number;
  readonly worker: string;
  readonly started_at: number;
  readonly ended_at: number;
  readonly outcome: AttemptOutcome;
  readonly error: string | null;
  readonly retry_after_ms: number | null;
  readonly trace_id: string | null;
}

export async function attempts(tx: Transaction, ref: JobRef): Promise<AttemptRecord[]> {
  const row = await followRow(tx.db, ref.queue, ref.id);
  if (row === null) return [];
  return (await attemptsOf(tx.db, [row.seq])).map(({ seq: _seq, ...attempt }) => attempt);
}

/** The newest that are kept, the oldest first, of each of the jobs. */
export async function attemptsOf(
  db: Database,
  seqs: readonly number[],
): Promise<(AttemptRecord & { readonly seq: number })[]> {
  const rows = await db.all<AttemptRow>(ATTEMPTS, seqs);
  return rows.map((row) => ({
    seq: row.seq,
    number: row.number,
    generation: row.generation,
    token: row.token,
    worker: row.worker,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    outcome: row.outcome,
    error: row.error === null ? null : (JSON.parse(row.error) as StoredError),
    retryAfterMs: row.retry_after_ms,
    traceId: row.trace_id,
  }));
}

export async function logs(tx: Transaction, ref: JobRef, after: number, limit: number): Promise<LogLine[]> {
  const row = await followRow(tx.db, ref.queue, ref.id);
  return row === null ? [] : tx.db.all<LogLine>(LOGS, row.seq, after, limit);
}

/** Columns of "tally" and "delta" after those that are named as the states, and what they are of a summary. */
const TOTALS = {
  added: 'total_added',
  completed: 'total_completed',
  failed: 'total_failed',
  cancelled: 'total_cancelled',
  attemptsFailed: 'total_attempts_failed',
  released: 'total_released',
  reclaimed: 'total_reclaimed',
  duplicates: 'total_duplicates',
  removed: 'total_removed',
} as const;

export const COUNTED: readonly string[] = [
  ...JOB_STATES,
  'ruled_completed',
  'ruled_failed',
  'ruled_cancelled',
  ...Object.values(TOTALS),
];

/** What was folded and what was not yet, in one statement: a fold in between would count twice or not at all. */
export const TALLIES: string = `
  select queue_id, ${COUNTED.map((column) => `sum(${column})::bigint as ${column}`).join(', ')}
  from (
    select queue_id, ${COUNTED.join(', ')} from {s}.tally where $1::int[] is null or queue_id = any($1)
    union all
    select queue_id, ${COUNTED.join(', ')} from {s}.delta where $1::int[] is null or queue_id = any($1)
  ) numbers group by queue_id`;

const ACTIVE = JOB_STATES.indexOf('active');
/** Those that were added first have been ready longest, but for a clock that went back between two of them. */
const FIRST = 100;

const SUMMARIES = `
  select q.id, q.name, q.settings, q.created_at, t.*,
    (select min(ready_at) from (
      (select coalesce(j.ready_at, j.added_at) as ready_at from (select r.seq from {s}.ready r where r.queue_id = q.id order by r.seq limit ${FIRST}) r
        join {s}.job j on j.seq = r.seq)
      union all
      (select a.ready_at from {s}.aside a where a.queue_id = q.id order by a.ready_at limit 1)) waiting
    ) as oldest_ready_at,
    (select min(claimed_at) from (
      (select l.claimed_at from {s}.lease l where l.queue_id = q.id order by l.claimed_at limit 1)
      union all
      (select b.claimed_at from {s}.batch b
        where b.queue_id = q.id and exists (
          select 1 from unnest(b.seqs) u(seq) join {s}.job_now j on j.seq = u.seq
          where j.state = ${ACTIVE} and j.first_token = b.first_token)
        order by b.claimed_at limit 1)) held
    ) as oldest_claimed_at,
    (select d.due_at from {s}.delayed d where d.queue_id = q.id order by d.due_at, d.seq limit 1) as next_due_at
  from {s}.queue q left join (${TALLIES}) t on t.queue_id = q.id
  where $1::int[] is null or q.id = any($1)
  order by q.name collate "C"`;

export type TallyRow = Readonly<Record<string, number | null>>;

type SummaryRow = TallyRow & {
  readonly id: number;
  readonly name: string;
  readonly settings: string;
  readonly created_at: number;
  readonly oldest_ready_at: number | null;
  readonly oldest_claimed_at: number | null;
  readonly next_due_at: number | null;
};

export async function queues(tx: Transaction, names?: readonly string[]): Promise<QueueSummary[]> {
  const ids = names === undefined ? null : await idsOf(tx, names);
  const rows = await tx.db.all<SummaryRow>(SUMMARIES, ids);
  return rows.sort((one, other) => (one.name < other.name ? -1 : 1)).map((row) => toSummary(row, tx.now));
}

async function idsOf(tx: Transaction, names: readonly string[]): Promise<number[]> {
  await tx.needQueues(names);
  return names.flatMap((name) => tx.knownQueue(name)?.id ?? []);
}

function toSummary(row: SummaryRow, now: number): QueueSummary {
  const ageOf = (at: number | null): number | null => (at === null ? null : Math.max(0, now - at));
  return {
    queue: row.name,
    settings: { ...DEFAULT_QUEUE_SETTINGS, ...(JSON.parse(row.settings) as Partial<QueueSettings>) },
    counts: countsOf(row),
    totals: totalsOf(row),
    oldestReadyMs: ageOf(row.oldest_ready_at),
    oldestActiveMs: ageOf(row.oldest_claimed_at),
    nextDueInMs: row.next_due_at === null ? null : Math.max(0, row.next_due_at - now),
    createdAt: row.created_at,
  };
}

export function countsOf(row: TallyRow): Counts {
  return Object.fromEntries(JOB_STATES.map((state) => [state, row[state] ?? 0])) as Counts;
}

export function totalsOf(row: TallyRow): Totals {
  const entries = Object.entries(TOTALS).map(([name, column]) => [name, row[column] ?? 0]);
  return Object.fromEntries(entries) as unknown as Totals;
}
