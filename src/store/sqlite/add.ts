import type { AddOutcome, NewJob } from '../store.ts';
import { type QueueState, tell } from './queue.ts';
import { sumOf } from './sum.ts';
import type { Transaction } from './transaction.ts';

/** Looking and adding in one statement: the index on ids says whether the queue has the job already. */
const INSERT_JOB = `
  insert into millrace_job (seq, queue, id, name, state, priority, rank, added_at, due_at, ready_at, expires_at,
    timeout_ms, keep_completed_ms, keep_failed_ms)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  on conflict (id, queue) do nothing`;
const INSERT_BODY =
  'insert into millrace_body (seq, content_type, headers, policy, body, sum) values (?, ?, ?, ?, ?, ?)';
const NAME = 'select name from millrace_job where id = ? and queue = ?';

export function add(tx: Transaction, jobs: readonly NewJob[]): AddOutcome[] {
  return jobs.map((job) => addOne(tx, job));
}

function addOne(tx: Transaction, job: NewJob): AddOutcome {
  const queue = tx.ensureQueue(job.queue);
  const seq = tx.last('seq') + 1;
  if (insertJob(tx, queue, { job, seq }) === 0) return duplicate(tx, queue, job.id);
  tx.next('seq');
  const { body, contentType, headers, policy, id, name } = job;
  const cold = [contentType, JSON.stringify(headers), JSON.stringify(policy), body, sumOf(body)] as const;
  tx.db.run(INSERT_BODY, seq, ...cold);
  if (job.delayMs > 0) queue.nextDueAt = undefined;
  queue.tally.add(job.delayMs > 0 ? 'count_delayed' : 'count_waiting', 1);
  queue.tally.add('total_added', 1);
  tell(tx, queue, { kind: 'added', id, name });
  tx.count(queue, name, { event: 'added' });
  tx.hint(queue.name, 'ready');
  return { id, outcome: 'created' };
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
