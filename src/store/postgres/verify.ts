/** Recounts what is kept as a count and looks for rows that lost each other. Reads everything: for people and tests. */

import { JOB_STATES, type JobState } from '../../job/record.ts';
import type { Finding } from '../store.ts';
import { countsOf, TALLIES, type TallyRow, totalsOf } from './inspect.ts';
import { stateNumber } from './row.ts';
import { isLeft } from './sql/batch.ts';
import type { Transaction } from './transaction.ts';

const NUMBERS = `
  select q.id, q.name, t.* from {s}.queue q left join (${TALLIES}) t on t.queue_id = q.id order by q.name collate "C"`;
const RECOUNT = `
  select queue_id, state, count(*) as jobs, count(*) filter (where finished_at is not null and prune_at is null) as ruled
  from {s}.job_now group by queue_id, state`;

const [WAITING, DELAYED, ACTIVE, PARKED] = (['waiting', 'delayed', 'active', 'parked'] as const).map(
  stateNumber,
);
const HELD = `select many, example from (select count(*) as many, min(j.id) as example from {s}.job_now j`;

/** Rows that should not be: each statement answers how many there are, and one of them. */
const ODD: readonly (readonly [check: string, what: string, sql: string])[] = [
  ['leases', 'active jobs have no lease', `${HELD} where j.state = ${ACTIVE} and not j.held) odd`],
  [
    'leases',
    'leases belong to no active job',
    `select count(*) as many, min(l.token)::text as example from {s}.lease l
     left join {s}.job_now j on j.seq = l.seq and j.state = ${ACTIVE} and j.token = l.token and j.worker = l.worker
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
    `${HELD} where j.state = ${WAITING} and (select count(*) from {s}.ready r where r.queue_id = j.queue_id and r.seq = j.seq)
       + (select count(*) from {s}.aside a where a.queue_id = j.queue_id and a.priority = j.priority and a.rank = j.rank
         and a.seq = j.seq) <> 1) odd`,
  ],
  [
    'ready',
    'places in the line belong to no waiting job',
    `select count(*) as many, min(p.seq)::text as example
     from (select queue_id, seq from {s}.ready union all select queue_id, seq from {s}.aside) p
     left join {s}.job_now j on j.seq = p.seq and j.queue_id = p.queue_id and j.state = ${WAITING} where j.seq is null`,
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
     left join {s}.job_now j on j.seq = d.seq and j.queue_id = d.queue_id and j.due_at = d.due_at
       and j.state in (${DELAYED}, ${PARKED}) where j.seq is null`,
  ],
  [
    'expiring',
    'jobs with an end to their waiting are not noted for it, or jobs without one are',
    `select count(*) as many, min(coalesce(j.seq, e.seq))::text as example
     from (select * from {s}.job_now where expires_at is not null and state in (${WAITING}, ${DELAYED})) j
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

export async function verify(tx: Transaction): Promise<Finding[]> {
  const recounts = await tx.db.all<Recount>(RECOUNT);
  const findings = (await tx.db.all<QueueRow>(NUMBERS, null)).flatMap((queue) =>
    recount(
      queue,
      recounts.filter((row) => row.queue_id === queue.id),
    ),
  );
  for (const [check, what, sql] of ODD) {
    const row = await tx.db.get<{ many: number; example: string | null }>(sql);
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
