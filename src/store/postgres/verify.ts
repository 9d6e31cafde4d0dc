/** Recounts what is kept as a count and looks for rows that lost each other. Reads everything: for people and tests. */

import { JOB_STATES, type JobState } from '../../job/record.ts';
import type { Finding } from '../store.ts';
import { countsOf, TALLIES, type TallyRow, totalsOf } from './inspect.ts';
import { stateNumber } from './row.ts';
import { isLeft } from './sql/batch.ts';
import type { Transaction } from './transaction.ts';

const NUMBERS = `
  select q.id, q.name, t.* from {s}.queue q left join (${TALLIES}) t on t.queue_id = q.id order by q.name collate "C"`;
/**
 * What each job is now, as `job_now` has it; but put together once and for all of them at a time, where the view looks
 * up one after the other.
 */
const KNOWN = `
  ended as materialized (
    select distinct on (s) s as seq, d.queue_id, d.prune_at from {s}.done d cross join unnest(d.seqs) s
    where s is not null order by s
  ), placed as materialized (
    select queue_id, seq, count(*) as times, max(priority) as priority, max(rank) as rank from (
      select queue_id, seq, null::integer as priority, null::bigint as rank from {s}.ready
      union all select queue_id, seq, priority, rank from {s}.aside) x
    group by queue_id, seq
  ), leased as materialized (
    select distinct on (x.seq) x.seq, x.token, x.worker from (
      select seq, token, worker from {s}.lease
      union all
      select n.seq, b.first_token + n.slot - 1, b.worker
      from {s}.batch b cross join unnest(b.seqs) with ordinality n(seq, slot)
      where n.seq is not null and n.seq not in (select seq from placed)
    ) x order by x.seq
  ), known as materialized (
    select j.seq, j.queue_id, j.id,
      case when d.seq is not null then 5 when h.seq is not null then 3 else coalesce(j.state, 0) end as state,
      coalesce(j.priority, 0) as priority, coalesce(j.rank, j.seq) as rank, j.due_at,
      case when d.seq is null and h.seq is null then j.expires_at end as expires_at,
      d.seq is not null or j.finished_at is not null as is_finished,
      case when d.seq is not null then d.prune_at else j.prune_at end as prune_at,
      h.seq is not null as held, h.token, h.worker
    from {s}.job j
    left join ended d on d.seq = j.seq and d.queue_id = j.queue_id and coalesce(j.state, 0) = 0
    left join leased h on h.seq = j.seq and d.seq is null and coalesce(j.state, 0) in (0, 3)
  )`;
const RECOUNT = `
  select json_agg(r)::text from (
    select queue_id, state, count(*) as jobs, count(*) filter (where is_finished and prune_at is null) as ruled
    from known group by queue_id, state) r`;

const [WAITING, DELAYED, ACTIVE, PARKED] = (['waiting', 'delayed', 'active', 'parked'] as const).map(
  stateNumber,
);
const HELD = `select many, example from (select count(*) as many, min(j.id) as example from known j`;

/** Rows that should not be: each statement answers how many there are, and one of them. */
const ODD: readonly (readonly [check: string, what: string, sql: string])[] = [
  ['leases', 'active jobs have no lease', `${HELD} where j.state = ${ACTIVE} and not j.held) odd`],
  [
    'leases',
    'leases belong to no active job',
    `select count(*) as many, min(l.token)::text as example from {s}.lease l
     left join known j on j.seq = l.seq and j.token = l.token and j.worker = l.worker
     where j.seq is null`,
  ],
  [
    'leases',
    'leases lie where nobody looks for them any more',
    `select count(*) as many, min(b.first_token)::text as example from {s}.batch b where not (${isLeft('b')})`,
  ],
  [
    'ready',
    'waiting jobs are in no line, or in two',
    `${HELD} left join placed p on p.queue_id = j.queue_id and p.seq = j.seq
     where j.state = ${WAITING} and (coalesce(p.times, 0) <> 1 or p.rank <> j.rank or p.priority <> j.priority)) odd`,
  ],
  [
    'ready',
    'places in the line belong to no waiting job',
    `select count(*) as many, min(p.seq)::text as example
     from placed p
     left join known j on j.seq = p.seq and j.queue_id = p.queue_id and j.state = ${WAITING} where j.seq is null`,
  ],
  [
    'delayed',
    'jobs that wait for a time are not noted for it',
    `${HELD} where j.state in (${DELAYED}, ${PARKED}) and j.due_at is not null and not exists (select 1 from {s}.delayed d
       where d.queue_id = j.queue_id and d.due_at = j.due_at and d.seq = j.seq)) odd`,
  ],
  [
    'delayed',
    'times are noted for jobs that do not wait for them',
    `select count(*) as many, min(d.seq)::text as example from {s}.delayed d
     left join known j on j.seq = d.seq and j.queue_id = d.queue_id and j.due_at = d.due_at
       and j.state in (${DELAYED}, ${PARKED}) where j.seq is null`,
  ],
  [
    'expiring',
    'jobs with an end to their waiting are not noted for it, or jobs without one are',
    `select count(*) as many, min(coalesce(j.seq, e.seq))::text as example
     from (select * from known where expires_at is not null and state in (${WAITING}, ${DELAYED})) j
     full join {s}.expiring e on e.seq = j.seq and e.queue_id = j.queue_id and e.expires_at = j.expires_at
     where j.seq is null or e.seq is null`,
  ],
  [
    'queues',
    'jobs have lost their queue',
    `${HELD} left join {s}.queue q on q.id = j.queue_id where q.id is null) odd`,
  ],
  [
    'orphans',
    'rows of "done" belong to no job, or tell of one twice',
    `select count(*) as many, min(coalesce(x.seq, x.slot))::text as example from (
       select j.seq, s as slot, count(*) over (partition by s) as times
       from {s}.done d cross join unnest(d.seqs) s left join {s}.job j on j.seq = s and j.queue_id = d.queue_id
       where s is not null
     ) x where x.seq is null or x.times > 1`,
  ],
  ...(['attempt', 'log'] as const).map(
    (part) =>
      [
        'orphans',
        `rows of "${part}" belong to no job`,
        `select count(*) as many, min(p.seq)::text as example from {s}.${part} p
         left join {s}.job j on j.seq = p.seq where j.seq is null`,
      ] as const,
  ),
];

type QueueRow = TallyRow & { readonly id: number; readonly name: string };
interface Recount {
  readonly queue_id: number;
  readonly state: number;
  readonly jobs: number;
  readonly ruled: number;
}

/** One statement for all of them. */
const ALL = `
  with ${KNOWN}
  select -1 as number, 0 as many, (${RECOUNT}) as example
  ${ODD.map(([, , sql], number) => `union all select ${number}, x.many, x.example from (${sql}) x`).join('\n')}`;

interface Row {
  readonly number: number;
  readonly many: number;
  readonly example: string | null;
}

export async function verify(tx: Transaction): Promise<Finding[]> {
  const rows = await tx.db.all<Row>(ALL);
  const text = rows.find(({ number }) => number === -1)?.example ?? '[]';
  const recounts = JSON.parse(text) as Recount[];
  const findings = (await tx.db.all<QueueRow>(NUMBERS, null)).flatMap((queue) =>
    recount(
      queue,
      recounts.filter((row) => row.queue_id === queue.id),
    ),
  );
  for (const [number, [check, what]] of ODD.entries()) {
    const row = rows.find((each) => each.number === number);
    if (row !== undefined && row.many > 0)
      findings.push(wrong(check, `${row.many} ${what} (for example ${row.example})`));
  }
  return findings;
}

function recount(queue: QueueRow, rows: readonly Recount[]): Finding[] {
  const found = new Map(rows.map((row) => [JOB_STATES[row.state] as JobState, row]));
  const counts = countsOf(queue);
  const findings = JOB_STATES.flatMap((state) => {
    const actual = found.get(state)?.jobs ?? 0;
    if (counts[state] === actual) return [];
    return [
      wrong('counts', `queue "${queue.name}" counts ${counts[state]} jobs as ${state} and has ${actual}`),
    ];
  });
  for (const state of ['completed', 'failed', 'cancelled'] as const) {
    const actual = found.get(state)?.ruled ?? 0;
    const counted = queue[`ruled_${state}`] ?? 0;
    if (counted === actual) continue;
    const message = `queue "${queue.name}" counts ${counted} ${state} jobs under its retention and has ${actual}`;
    findings.push(wrong('retention', message));
  }
  const { added, removed } = totalsOf(queue);
  const jobs = rows.reduce((sum, row) => sum + row.jobs, 0);
  if (jobs === added - removed) return findings;
  const message = `queue "${queue.name}" has ${jobs} jobs, but added ${added} and removed ${removed}`;
  return [...findings, wrong('totals', message)];
}

function wrong(check: string, message: string): Finding {
  const advice = 'This is a bug in the PostgreSQL store; please report it with this message.';
  return { severity: 'error', check, message, advice };
}
