import { REMEMBERED_MS } from '../../job/keep.ts';
import { deadlineOf, leaseEnd } from '../../job/lease.ts';
import { MAX_SLICE } from '../../job/limits.ts';
import type { ClaimAnswer, Claimed, ClaimRequest } from '../store.ts';
import { closeAttempt } from './attempt.ts';
import { alter, clearError, expire, finish } from './jobs.ts';
import { promoteQueue, untilDue } from './promote.ts';
import { type QueueState, tell } from './queue.ts';
import { COLD, FULL, type FullRow, fullRows, toRecord } from './row.ts';
import type { Transaction } from './transaction.ts';

const WAITING = `
  select ${FULL} from millrace_job j indexed by millrace_job_ready ${COLD}
  where j.queue = ? and j.state = 'waiting' order by j.priority, j.rank limit ?`;
const INSERT_LEASE = `
  insert into millrace_lease (worker, token, seq, expires_at, deadline_at, past_due_at, spared)
  values (?, ?, ?, ?, ?, ?, ?)`;
const INSERT_BATCH = `
  insert into millrace_claim_batch (id, answered_at, worker, first_token, last_token) values (?, ?, ?, ?, ?)
  on conflict do update set answered_at = excluded.answered_at, worker = excluded.worker,
    first_token = excluded.first_token, last_token = excluded.last_token`;
const READ_BATCH = `
  select worker, first_token, last_token from millrace_claim_batch where id = ? and answered_at > ?`;
const STILL_HELD = `
  select ${FULL} from millrace_lease l cross join millrace_job j ${COLD}
  where l.worker = ? and l.token between ? and ? and j.seq = l.seq order by l.token`;

interface BatchRow {
  readonly worker: string;
  readonly first_token: number;
  readonly last_token: number;
}

export function claim(tx: Transaction, requests: readonly ClaimRequest[]): ClaimAnswer[] {
  return requests.map((request) => claimOne(tx, request));
}

function claimOne(tx: Transaction, request: ClaimRequest): ClaimAnswer {
  const queue = tx.queue(request.queue);
  const repeated = answered(tx, request.claimId);
  if (repeated !== null) return answer(tx, { request, queue }, repeated);
  if (queue === null || queue.settings.paused) return answer(tx, { request, queue }, []);
  promoteQueue(tx, queue, MAX_SLICE);
  const jobs = takeJobs(tx, queue, request);
  remember(tx, request, jobs);
  return answer(tx, { request, queue }, jobs);
}

/** The leases of an earlier answer to this claim id that are still held. */
function answered(tx: Transaction, claimId: string): Claimed[] | null {
  const batch = tx.db.get<BatchRow>(READ_BATCH, claimId, tx.now - REMEMBERED_MS);
  if (batch === undefined) return null;
  const { worker, first_token: first, last_token: last } = batch;
  return fullRows(tx.db, STILL_HELD, worker, first, last).map((row) => claimedOf(tx, row));
}

/** Tokens of one answer follow each other, so the first and the last name them all. */
function remember(tx: Transaction, request: ClaimRequest, jobs: readonly Claimed[]): void {
  const first = jobs[0]?.lease.token;
  const last = jobs.at(-1)?.lease.token;
  if (first === undefined || last === undefined) return;
  tx.db.run(INSERT_BATCH, request.claimId, tx.now, request.worker, first, last);
}

function answer(
  tx: Transaction,
  { request, queue }: { request: ClaimRequest; queue: QueueState | null },
  jobs: readonly Claimed[],
): ClaimAnswer {
  const paused = queue?.settings.paused ?? false;
  const nextDueInMs = queue === null || paused ? null : untilDue(tx, queue);
  return { claimId: request.claimId, jobs, nextDueInMs, paused };
}

function takeJobs(tx: Transaction, queue: QueueState, request: ClaimRequest): Claimed[] {
  const jobs: Claimed[] = [];
  let expired = 0;
  for (;;) {
    const wanted = request.limit - jobs.length;
    const rows = wanted === 0 ? [] : fullRows(tx.db, WAITING, queue.id, wanted);
    for (const row of rows) {
      if (row.expires_at === null || row.expires_at > tx.now) {
        jobs.push(takeJob(tx, queue, { row, request }));
      } else {
        if (expired === MAX_SLICE) return jobs;
        expired += 1;
        expire(tx, row);
      }
    }
    if (rows.length < wanted || jobs.length === request.limit) return jobs;
  }
}

function takeJob(
  tx: Transaction,
  queue: QueueState,
  { row, request }: { row: FullRow; request: ClaimRequest },
): Claimed {
  const isFirst = row.first_claimed_at === null;
  alter(tx, row, {
    state: 'active',
    token: tx.next('token'),
    worker: request.worker,
    claims: row.claims + 1,
    claimed_at: tx.now,
    first_claimed_at: row.first_claimed_at ?? tx.now,
    expires_at: null,
  });
  tell(tx, queue, { kind: 'active', id: row.id, name: row.name });
  if (isFirst) tx.count(queue, row.name, { waitMs: waitedMs(row) });
  if (queue.settings.delivery === 'at-most-once') return settleAtClaim(tx, queue, row);
  hold(tx, row, request);
  return claimedOf(tx, row);
}

function hold(tx: Transaction, row: FullRow, request: ClaimRequest): void {
  const { worker, leaseMs, quarantine = false } = request;
  const deadlineAt = deadlineOf(row.timeout_ms, tx.now);
  const expiresAt = leaseMs === null ? null : leaseEnd(leaseMs, deadlineAt, tx.now);
  // A lease never outlives its deadline, so one of the two is the time from which it is past due.
  const pastDueAt = expiresAt ?? deadlineAt;
  const spared = quarantine ? 1 : 0;
  tx.db.run(INSERT_LEASE, worker, row.token, row.seq, expiresAt, deadlineAt, pastDueAt, spared);
}

/** It may be lost from here on, but it is never run twice. */
function settleAtClaim(tx: Transaction, queue: QueueState, row: FullRow): Claimed {
  closeAttempt(tx, row, { outcome: 'completed' });
  clearError(tx, row);
  tx.count(queue, row.name, { event: 'completed' });
  finish(tx, row, { state: 'completed', result: null, fingerprint: null, settled_token: row.token });
  return { ...claimedOf(tx, { ...row, error: null, result: null }), settled: true };
}

function claimedOf(tx: Transaction, row: FullRow): Claimed {
  const job = toRecord(row, tx.queueById(row.queue).name);
  return {
    lease: { queue: job.queue, id: job.id, token: job.token },
    job,
    waitedMs: waitedMs(row),
    elapsedMs: Math.max(0, tx.now - (row.first_claimed_at ?? tx.now)),
    settled: false,
  };
}

function waitedMs(row: FullRow): number {
  return Math.max(0, (row.claimed_at ?? 0) - (row.ready_at ?? 0));
}
