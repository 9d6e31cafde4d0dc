import { REMEMBERED_MS } from '../../job/keep.ts';
import { deadlineOf, leaseEnd } from '../../job/lease.ts';
import { MAX_SLICE } from '../../job/limits.ts';
import type { Claimed, ClaimRequest } from '../store.ts';
import { closeAttempt, isAlive } from './attempt.ts';
import type { SqlValue } from './driver.ts';
import { type FreshJobs, type FreshRow, freshRows } from './fresh.ts';
import type { Grant, GrantPart } from './grant.ts';
import { clearError, expire, finish } from './jobs.ts';
import { manyRows } from './many.ts';
import { promoteQueue, untilDue } from './promote.ts';
import { isRecorded, type QueueState, tell } from './queue.ts';
import { COLD, FULL, type FullRow, fullRows, toRecord } from './row.ts';
import type { Transaction } from './transaction.ts';

const WAITING = `
  select ${FULL} from millrace_job j indexed by millrace_job_ready ${COLD}
  where j.queue = ? and j.state = 'waiting' order by j.priority, j.rank limit ?`;
/** The tokens of jobs that are taken together follow each other, in the order of the list. */
const ACTIVATE = `
  update millrace_job set state = 'active', token = ?2 + e.key, worker = ?3, claims = claims + 1, claimed_at = ?4,
    first_claimed_at = coalesce(first_claimed_at, ?4), expires_at = null
  from json_each(?1) e where millrace_job.seq = e.value`;
/** All alike: for jobs without a timeout. */
const INSERT_ALIKE = `
  insert into millrace_lease (worker, spared, token, seq, expires_at, past_due_at)
  select ?2, ?3, ?4 + e.key, e.value, ?5, ?5 from json_each(?1) e`;
const INSERT_LEASES = manyRows({
  shared: 2,
  before:
    'insert into millrace_lease (worker, spared, token, seq, expires_at, deadline_at, past_due_at) values',
  row: (at) => `(?1, ?2, ?${at}, ?${at + 1}, ?${at + 2}, ?${at + 3}, ?${at + 4})`,
  width: 5,
  after: '',
});
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

export function claim(tx: Transaction, requests: readonly ClaimRequest[]): Grant[] {
  return requests.map((request) => claimOne(tx, request));
}

function claimOne(tx: Transaction, request: ClaimRequest): Grant {
  const queue = tx.queue(request.queue);
  const repeated = answered(tx, request.claimId);
  if (repeated !== null) return answer(tx, { request, queue }, [repeated]);
  if (queue === null || queue.settings.paused) return answer(tx, { request, queue }, []);
  if (request.leaseMs === null && !isAlive(tx, request.worker)) {
    return { ...answer(tx, { request, queue }, []), sessionOver: true };
  }
  promoteQueue(tx, queue, MAX_SLICE);
  const before = tx.last('token');
  const parts = takeParts(tx, queue, request);
  remember(tx, request, before);
  return answer(tx, { request, queue }, parts);
}

/** The leases of an earlier answer to this claim id that are still held. */
function answered(tx: Transaction, claimId: string): Claimed[] | null {
  const batch = tx.db.get<BatchRow>(READ_BATCH, claimId, tx.now - REMEMBERED_MS);
  if (batch === undefined) return null;
  const { worker, first_token: first, last_token: last } = batch;
  return fullRows(tx.db, STILL_HELD, worker, first, last).map((row) => claimedOf(tx, row));
}

/** Tokens of one answer follow each other, so the first and the last name them all. */
function remember(tx: Transaction, request: ClaimRequest, before: number): void {
  const last = tx.last('token');
  if (last > before) tx.db.run(INSERT_BATCH, request.claimId, tx.now, request.worker, before + 1, last);
}

function answer(
  tx: Transaction,
  { request, queue }: { request: ClaimRequest; queue: QueueState | null },
  parts: readonly GrantPart[],
): Grant {
  const paused = queue?.settings.paused ?? false;
  const nextDueInMs = queue === null || paused ? null : untilDue(tx, queue);
  return { claimId: request.claimId, parts, nextDueInMs, paused };
}

/** Fresh jobs as far as they go, and the rest one by one as records. */
function takeParts(tx: Transaction, queue: QueueState, request: ClaimRequest): GrantPart[] {
  if (!isInTurn(tx, queue)) return [takeJobs(tx, queue, request)];
  const { rows, isAll } = freshRows(tx.db, queue.id, request.limit);
  const beyond = rows.findIndex((row) => !isPlain(tx, row));
  const plain = beyond < 0 ? rows : rows.slice(0, beyond);
  const parts: GrantPart[] = plain.length === 0 ? [] : [takeFresh(tx, queue, { taken: plain, request })];
  const limit = request.limit - plain.length;
  // What was read says that there is no more, and mostly there is none.
  const isOver = limit === 0 || (isAll && beyond < 0);
  return isOver ? parts : [...parts, takeJobs(tx, queue, { ...request, limit })];
}

function takeFresh(
  tx: Transaction,
  queue: QueueState,
  { taken, request }: { taken: readonly FreshRow[]; request: ClaimRequest },
): FreshJobs {
  const firstToken = tx.last('token') + 1;
  tx.skip('token', taken.length);
  const seqs = JSON.stringify(taken.map(({ tuple }) => tuple[0]));
  tx.db.run(ACTIVATE, seqs, firstToken, request.worker, tx.now);
  move(queue, taken.length);
  holdAlike(tx, request, { seqs, firstToken });
  for (const { tuple } of taken) tx.count(queue, tuple[1], { waitMs: Math.max(0, tx.now - tuple[2]) });
  return {
    ...{ queue: queue.name, worker: request.worker, claimedAt: tx.now, firstToken },
    text: `[${taken.map(({ text }) => text).join(',')}]`,
    bodies: taken.map(({ body }) => body),
  };
}

function isPlain(tx: Transaction, { tuple: [, , , expiresAt, timeoutMs] }: FreshRow): boolean {
  return timeoutMs === null && (expiresAt === null || expiresAt > tx.now);
}

/** Nothing is told of each job by itself, and nothing ends by its claim. */
function isInTurn(tx: Transaction, queue: QueueState): boolean {
  return queue.settings.delivery === 'at-least-once' && !isRecorded(queue, tx.now);
}

function move(queue: QueueState, jobs: number): void {
  queue.tally.add('count_waiting', -jobs);
  queue.tally.add('count_active', jobs);
}

function takeJobs(tx: Transaction, queue: QueueState, request: ClaimRequest): Claimed[] {
  const jobs: Claimed[] = [];
  let expired = 0;
  for (;;) {
    const wanted = request.limit - jobs.length;
    const rows = wanted === 0 ? [] : fullRows(tx.db, WAITING, queue.id, wanted);
    for (const group of groupsOf(tx, queue, rows)) {
      const [first] = group;
      if (first === undefined || !isExpired(tx, first))
        jobs.push(...take(tx, queue, { rows: group, request }));
      else {
        if (expired === MAX_SLICE) return jobs;
        expired += 1;
        expire(tx, first);
      }
    }
    if (rows.length < wanted || jobs.length === request.limit) return jobs;
  }
}

/** What is written at once: all of them or, where the feed would tell of them out of their turn, each on its own. */
function groupsOf(tx: Transaction, queue: QueueState, rows: readonly FullRow[]): (readonly FullRow[])[] {
  const inTurn = queue.settings.delivery === 'at-least-once' || !isRecorded(queue, tx.now);
  return inTurn && !rows.some((row) => isExpired(tx, row)) ? [rows] : rows.map((row) => [row]);
}

function isExpired(tx: Transaction, { expires_at: at }: FullRow): boolean {
  return at !== null && at <= tx.now;
}

function take(
  tx: Transaction,
  queue: QueueState,
  { rows, request }: { rows: readonly FullRow[]; request: ClaimRequest },
): Claimed[] {
  for (const row of rows) activate(tx, queue, { row, worker: request.worker });
  const [first] = rows;
  if (first === undefined) return [];
  const seqs = JSON.stringify(rows.map(({ seq }) => seq));
  tx.db.run(ACTIVATE, seqs, first.token, request.worker, tx.now);
  move(queue, rows.length);
  if (queue.settings.delivery === 'at-most-once') return rows.map((row) => settleAtClaim(tx, queue, row));
  hold(tx, request, { rows, seqs, firstToken: first.token });
  return rows.map((row) => claimedOf(tx, row));
}

function hold(
  tx: Transaction,
  request: ClaimRequest,
  { rows, seqs, firstToken }: { rows: readonly FullRow[]; seqs: string; firstToken: number },
): void {
  if (rows.every(({ timeout_ms: timeoutMs }) => timeoutMs === null)) {
    holdAlike(tx, request, { seqs, firstToken });
    return;
  }
  const leases = rows.map((row) => leaseOf(tx, row, request));
  INSERT_LEASES(tx.db, [request.worker, sparedOf(request)], leases);
}

function holdAlike(
  tx: Transaction,
  request: ClaimRequest,
  { seqs, firstToken }: { seqs: string; firstToken: number },
): void {
  const { worker, leaseMs } = request;
  const expiresAt = leaseMs === null ? null : leaseEnd(leaseMs, null, tx.now);
  tx.db.run(INSERT_ALIKE, seqs, worker, sparedOf(request), firstToken, expiresAt);
}

function sparedOf({ quarantine = false }: ClaimRequest): number {
  return quarantine ? 1 : 0;
}

/** In memory; the statement does the same to the row in the database. */
function activate(
  tx: Transaction,
  queue: QueueState,
  { row, worker }: { row: FullRow; worker: string },
): void {
  const isFirst = row.first_claimed_at === null;
  row.state = 'active';
  row.token = tx.next('token');
  row.worker = worker;
  row.claims += 1;
  row.claimed_at = tx.now;
  row.first_claimed_at ??= tx.now;
  row.expires_at = null;
  tell(tx, queue, { kind: 'active', id: row.id, name: row.name });
  if (isFirst) tx.count(queue, row.name, { waitMs: waitedMs(row) });
}

/** The values of its row. */
function leaseOf(tx: Transaction, row: FullRow, { leaseMs }: ClaimRequest): SqlValue[] {
  const deadlineAt = deadlineOf(row.timeout_ms, tx.now);
  const expiresAt = leaseMs === null ? null : leaseEnd(leaseMs, deadlineAt, tx.now);
  // A lease never outlives its deadline, so one of the two is the time from which it is past due.
  return [row.token, row.seq, expiresAt, deadlineAt, expiresAt ?? deadlineAt];
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
