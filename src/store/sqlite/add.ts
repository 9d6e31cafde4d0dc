import type { AddOutcome, NewJob } from '../store.ts';
import type { SqlValue } from './driver.ts';
import { manyRows } from './many.ts';
import { remembering, textOfPolicy } from './policy-text.ts';
import { type QueueState, tell } from './queue.ts';
import { sumOf } from './sum.ts';
import type { Transaction } from './transaction.ts';

/** Looking and adding in one statement: the index on ids says whether the queue has the job already. */
const INSERT_JOB = `
  insert into millrace_job (seq, queue, id, name, state, priority, rank, added_at, due_at, ready_at, expires_at,
    timeout_ms, keep_completed_ms, keep_failed_ms)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  on conflict (id, queue) do nothing`;
/** The same for jobs without wishes. */
const INSERT_PLAIN = manyRows({
  shared: 2,
  before: `
    insert into millrace_job (queue, added_at, ready_at, state, priority, seq, rank, id, name) values`,
  row: (at) => `(?1, ?2, ?2, 'waiting', 0, ?${at}, ?${at}, ?${at + 1}, ?${at + 2})`,
  width: 3,
  after: 'on conflict (id, queue) do nothing',
});
const INSERT_BODIES = manyRows({
  shared: 0,
  before: 'insert into millrace_body (seq, content_type, headers, policy, body, sum) values',
  row: (at) => `(?${at}, ?${at + 1}, ?${at + 2}, ?${at + 3}, ?${at + 4}, ?${at + 5})`,
  width: 6,
  after: '',
});
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
  const rows = jobs.map(({ id, name }, index) => [before + 1 + index, id, name]);
  if (INSERT_PLAIN(tx.db, [queue.id, tx.now], rows) < jobs.length) {
    tx.db.run(TAKE_BACK, before);
    return null;
  }
  const bodyOf = bodies();
  const cold = jobs.map((job, index) => bodyOf(job, before + 1 + index));
  INSERT_BODIES(tx.db, [], cold);
  tx.skip('seq', jobs.length);
  return added(tx, queue, { jobs, count: 'count_waiting' });
}

function addOne(tx: Transaction, job: NewJob): AddOutcome {
  const queue = tx.ensureQueue(job.queue);
  const seq = tx.last('seq') + 1;
  if (insertJob(tx, queue, { job, seq }) === 0) return duplicate(tx, queue, job.id);
  INSERT_BODIES(tx.db, [], [bodies()(job, seq)]);
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

/** The values of its row. */
type BodyOf = (job: NewJob, seq: number) => SqlValue[];

function bodies(): BodyOf {
  const headersOf = remembering((headers: NewJob['headers']) => JSON.stringify(headers));
  const policyOf = remembering(textOfPolicy);
  return (job, seq) => {
    const { contentType, headers, policy, body } = job;
    return [seq, contentType, headersOf(headers), policyOf(policy), body, sumOf(body, job)];
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
