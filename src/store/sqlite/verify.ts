import { type Bytes, JOB_STATES, type JobState } from '../../job/record.ts';
import type { Finding } from '../store.ts';
import { isIntact } from './sum.ts';
import { countsOf, TALLY_COLUMNS, type TallyRow, totalsOf } from './tally.ts';
import type { Transaction } from './transaction.ts';

const QUEUES = `select id, name, ${TALLY_COLUMNS} from millrace_queue order by name`;
const RECOUNT = `
  select state, count(*) as jobs, sum(finished_at is not null and prune_at is null) as ruled
  from millrace_job where queue = ? group by state`;
const UNLEASED = `
  select count(*) as many, min(j.id) as example from millrace_job j
  left join millrace_lease l on l.worker = j.worker and l.token = j.token and l.seq = j.seq
  where j.state = 'active' and l.token is null`;
const IDLE = `
  select count(*) as many, min(l.token) as example from millrace_lease l
  left join millrace_job j on j.seq = l.seq
  where j.seq is null or j.state <> 'active' or j.token <> l.token or j.worker <> l.worker`;
const BODILESS = `
  select count(*) as many, min(j.id) as example from millrace_job j
  left join millrace_body b on b.seq = j.seq where b.seq is null`;
const QUEUELESS = `
  select count(*) as many, min(j.id) as example from millrace_job j
  left join millrace_queue q on q.id = j.queue where q.id is null`;

/** What hangs on a job and must not outlive it. */
const HANGING = {
  body: 'select count(*) as many from millrace_body p left join millrace_job j on j.seq = p.seq where j.seq is null',
  report:
    'select count(*) as many from millrace_report p left join millrace_job j on j.seq = p.seq where j.seq is null',
  attempt:
    'select count(*) as many from millrace_attempt p left join millrace_job j on j.seq = p.seq where j.seq is null',
  log: 'select count(*) as many from millrace_log p left join millrace_job j on j.seq = p.seq where j.seq is null',
} as const;

const BODIES = `
  select b.seq, j.id, j.name, b.content_type as contentType, b.body, b.sum from millrace_body b cross join millrace_job j on j.seq = b.seq
  where b.seq > ? order by b.seq limit 1000`;

/** What helps when bytes at rest have changed. */
const DAMAGED =
  'Stop all processes that use the database, and see docs/how-to/recover-a-damaged-store.md: restore a backup, or ' +
  'rescue what can be read.';

type BodyRow = {
  readonly seq: number;
  readonly id: string;
  readonly name: string;
  readonly contentType: string;
  readonly body: Bytes;
  readonly sum: number | null;
};
type QueueRow = TallyRow & { readonly id: number; readonly name: string };
type Recount = { readonly state: JobState; readonly jobs: number; readonly ruled: number };
type Odd = { readonly many: number; readonly example: string | number | null };

/** Recounts what is kept as a count and looks for rows that lost each other. Reads everything: for people and tests. */
export function verify(tx: Transaction): Finding[] {
  tx.flush();
  return [
    ...tx.db.all<QueueRow>(QUEUES).flatMap((queue) => recount(tx, queue)),
    ...odd(tx, UNLEASED, 'leases', (many) => `${many} active jobs have no lease`),
    ...odd(tx, IDLE, 'leases', (many) => `${many} leases belong to no active job`),
    ...odd(tx, BODILESS, 'bodies', (many) => `${many} jobs have lost their body`),
    ...odd(tx, QUEUELESS, 'queues', (many) => `${many} jobs have lost their queue`),
    ...Object.entries(HANGING).flatMap(([part, sql]) =>
      odd(tx, sql, 'orphans', (many) => `${many} rows of "millrace_${part}" belong to no job`),
    ),
    ...checkBodies(tx),
    ...checkPages(tx),
  ];
}

function recount(tx: Transaction, queue: QueueRow): Finding[] {
  const found = new Map(tx.db.all<Recount>(RECOUNT, queue.id).map((row) => [row.state, row]));
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
    const counted = queue[`ruled_${state}`];
    if (counted === actual) continue;
    const message = `queue "${queue.name}" counts ${counted} ${state} jobs under its retention and has ${actual}`;
    findings.push(wrong('retention', message));
  }
  const { added, removed } = totalsOf(queue);
  const jobs = [...found.values()].reduce((sum, row) => sum + row.jobs, 0);
  if (jobs === added - removed) return findings;
  const message = `queue "${queue.name}" has ${jobs} jobs, but added ${added} and removed ${removed}`;
  return [...findings, wrong('totals', message)];
}

function odd(tx: Transaction, sql: string, check: string, say: (many: number) => string): Finding[] {
  const row = tx.db.get<Odd>(sql);
  if (row === undefined || row.many === 0) return [];
  const example = row.example === null || row.example === undefined ? '' : ` (for example ${row.example})`;
  return [wrong(check, `${say(row.many)}${example}`)];
}

/** Some at a time: all payloads together may be larger than the memory. */
function checkBodies({ db }: Transaction): Finding[] {
  let [after, many] = [0, 0];
  let example: string | null = null;
  for (;;) {
    const rows = db.all<BodyRow>(BODIES, after);
    for (const row of rows) {
      if (isIntact(row.body, row, row.sum)) continue;
      many += 1;
      example ??= row.id;
    }
    after = rows.at(-1)?.seq ?? after;
    if (rows.length > 0) continue;
    if (many === 0) return [];
    return [
      wrong('payloads', `${many} payloads are not what was stored (for example that of job ${example})`),
    ];
  }
}

function checkPages(tx: Transaction): Finding[] {
  const answers = tx.db.all<{ quick_check: string }>('pragma quick_check(10)');
  return answers
    .filter(({ quick_check: text }) => text !== 'ok')
    .map(({ quick_check: text }) => wrong('pages', `SQLite found damage: ${text}`));
}

function wrong(check: string, message: string): Finding {
  const advice =
    check === 'pages' || check === 'payloads'
      ? DAMAGED
      : 'This is a bug in the SQLite store; please report it with this message.';
  return { severity: 'error', check, message, advice };
}
