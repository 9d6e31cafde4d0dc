import { textOfPolicy } from '../../job/policy-text.ts';
import type { AddOutcome, NewJob } from '../store.ts';
import type { Database } from './database.ts';
import { endToEnd, stretchesOf, stretchIn } from './end-to-end.ts';
import { type QueueState, tell } from './queue.ts';
import { sumOf } from './sum.ts';
import type { Transaction } from './transaction.ts';

/** Looking and adding in one statement: the index on ids says whether the queue has the job already. */
const INSERT_JOB = `
  insert into millrace_job (seq, queue, id, name, state, priority, rank, added_at, due_at, ready_at, expires_at,
    timeout_ms, keep_completed_ms, keep_failed_ms)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  on conflict (id, queue) do nothing`;
/**
 * The same for jobs without wishes, any number of them. What a driver does for each value that is bound costs more than what
 * SQLite does for the row, so the rows come as one list of JSON.
 */
const insertPlain = (id: string, name: string): string => `
  insert into millrace_job (queue, added_at, ready_at, state, priority, seq, rank, id, name)
  select ?1, ?2, ?2, 'waiting', 0, ?3 + e.key, ?3 + e.key, ${id}, ${name} from json_each(?4) e where true
  on conflict (id, queue) do nothing`;
const INSERT_ALIKE = insertPlain('e.value', '?5');
const INSERT_PLAIN = insertPlain('e.value ->> 0', 'e.value ->> 1');
const insertBodies = (contentType: string, headers: string, policy: string): string => `
  insert into millrace_body (seq, sum, body, content_type, headers, policy)
  select ?1 + e.key, e.value ->> 2, ${stretchIn('?2', 'e.value')}, ${contentType}, ${headers}, ${policy}
  from json_each(?3) e`;
const INSERT_ALIKE_BODIES = insertBodies('?4', '?5', '?6');
const INSERT_BODIES = insertBodies('e.value ->> 3', 'e.value ->> 4', 'e.value ->> 5');
const TAKE_BACK = 'delete from millrace_job where seq > ?';
const NAME = 'select name from millrace_job where id = ? and queue = ?';

export function add(tx: Transaction, jobs: readonly NewJob[]): AddOutcome[] {
  return groupsOf(jobs).flatMap((group) => addTogether(tx, group) ?? group.map((job) => addOne(tx, job)));
}

/** Jobs that follow one another and can be written by one statement; all others stand alone. */
function groupsOf(jobs: readonly NewJob[]): NewJob[][] {
  const groups: NewJob[][] = [];
  let open: NewJob[] | null = null;
  for (const job of jobs) {
    if (open === null || !isPlain(job) || open[0]?.queue !== job.queue) {
      const group: NewJob[] = [job];
      groups.push(group);
      open = isPlain(job) ? group : null;
    } else open.push(job);
  }
  return groups;
}

function isPlain({ delayMs, priority, lifo, policy }: NewJob): boolean {
  const { ttlMs, timeoutMs, keepCompletedMs, keepFailedMs } = policy;
  const isPatient = ttlMs === null && timeoutMs === null;
  return delayMs + priority === 0 && !lifo && isPatient && keepCompletedMs === null && keepFailedMs === null;
}

/** null: the queue has one of them already, or one is there twice, and nothing was added. */
function addTogether(tx: Transaction, jobs: readonly NewJob[]): AddOutcome[] | null {
  const [first] = jobs;
  if (first === undefined || jobs.length === 1) return null;
  const queue = tx.ensureQueue(first.queue);
  const before = tx.last('seq');
  if (insertPlainJobs(tx, queue, { jobs, from: before + 1 }) < jobs.length) {
    tx.db.run(TAKE_BACK, before);
    return null;
  }
  insertTheirBodies(tx.db, jobs, before + 1);
  tx.skip('seq', jobs.length);
  return added(tx, queue, { jobs, count: 'count_waiting' });
}

function addOne(tx: Transaction, job: NewJob): AddOutcome {
  const queue = tx.ensureQueue(job.queue);
  const seq = tx.last('seq') + 1;
  if (insertJob(tx, queue, { job, seq }) === 0) return duplicate(tx, queue, job.id);
  insertTheirBodies(tx.db, [job], seq);
  tx.next('seq');
  if (job.delayMs > 0) queue.nextDueAt = undefined;
  const [outcome] = added(tx, queue, {
    jobs: [job],
    count: job.delayMs > 0 ? 'count_delayed' : 'count_waiting',
  });
  return outcome ?? { id: job.id, outcome: 'created' };
}

/** What there is to tell and to count. */
function added(
  tx: Transaction,
  queue: QueueState,
  { jobs, count }: { jobs: readonly NewJob[]; count: 'count_waiting' | 'count_delayed' },
): AddOutcome[] {
  queue.tally.add(count, jobs.length);
  queue.tally.add('total_added', jobs.length);
  tx.hint(queue.name, 'ready');
  return jobs.map(({ id, name }) => {
    tell(tx, queue, { kind: 'added', id, name });
    tx.count(queue, name, ADDED);
    return { id, outcome: 'created' };
  });
}

const ADDED = { event: 'added' } as const;

/** Answers how many are new. */
function insertPlainJobs(
  { db, now }: Transaction,
  queue: QueueState,
  { jobs, from }: { jobs: readonly NewJob[]; from: number },
): number {
  const name = jobs[0]?.name ?? '';
  if (jobs.every((job) => job.name === name)) {
    const ids = JSON.stringify(jobs.map(({ id }) => id));
    return db.run(INSERT_ALIKE, queue.id, now, from, ids, name);
  }
  const rows = JSON.stringify(jobs.map(({ id, name }) => [id, name]));
  return db.run(INSERT_PLAIN, queue.id, now, from, rows);
}

/** `from`: the number of the first. */
function insertTheirBodies(db: Database, jobs: readonly NewJob[], from: number): void {
  const bodies = jobs.map(({ body }) => body);
  const stretches = stretchesOf(bodies);
  const labels = jobs.map(labelling());
  const rows = jobs.map((job, index) => [...(stretches[index] ?? []), sumOf(job.body, job)]);
  const [label] = labels;
  if (label !== undefined && labels.every((other) => other === label)) {
    db.run(INSERT_ALIKE_BODIES, from, endToEnd(bodies), JSON.stringify(rows), ...label);
  } else {
    const labelled = rows.map((row, index) => [...row, ...(labels[index] ?? [])]);
    db.run(INSERT_BODIES, from, endToEnd(bodies), JSON.stringify(labelled));
  }
}

type Label = readonly [contentType: string, headers: string, policy: string];

/** Jobs in a row that have the same get the same list. */
function labelling(): (job: NewJob) => Label {
  let last: { readonly job: NewJob; readonly label: Label } | null = null;
  return (job) => {
    const { contentType, headers, policy } = job;
    if (last?.job.contentType !== contentType || last.job.headers !== headers || last.job.policy !== policy) {
      last = { job, label: [contentType, JSON.stringify(headers), textOfPolicy(policy)] };
    }
    return last.label;
  };
}

function insertJob(tx: Transaction, queue: QueueState, { job, seq }: { job: NewJob; seq: number }): number {
  const { now } = tx;
  const { policy } = job;
  const dueAt = job.delayMs > 0 ? now + job.delayMs : null;
  const expiresAt = policy.ttlMs === null ? null : (dueAt ?? now) + policy.ttlMs;
  return tx.db.run(
    INSERT_JOB,
    seq,
    queue.id,
    job.id,
    job.name,
    dueAt === null ? 'waiting' : 'delayed',
    job.priority,
    job.lifo ? -seq : seq,
    now,
    dueAt,
    dueAt === null ? now : null,
    expiresAt,
    policy.timeoutMs,
    policy.keepCompletedMs,
    policy.keepFailedMs,
  );
}

function duplicate(tx: Transaction, queue: QueueState, id: string): AddOutcome {
  queue.tally.add('total_duplicates', 1);
  // The change names the job that was there first.
  const name = tx.db.get<{ name: string }>(NAME, id, queue.id)?.name ?? '';
  tell(tx, queue, { kind: 'duplicate', id, name });
  return { id, outcome: 'duplicate' };
}
