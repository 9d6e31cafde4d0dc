/**
 * What the cases of this suite are written with: jobs with sensible defaults, and one-line calls of the verbs.
 * Nothing here knows a store; everything goes through the seam.
 */

import assert from 'node:assert/strict';
import type { QueuePatch } from '../../job/queue-settings.ts';
import type { Bytes, JobPolicy, JobRecord, LeaseRef, StoredError } from '../../job/record.ts';
import type {
  AddOutcome,
  ClaimAnswer,
  Claimed,
  ClaimRequest,
  Effect,
  EffectResult,
  JobPage,
  MoveOutcome,
  NewJob,
  Next,
  PageRequest,
  QueueSummary,
  Reclaimed,
  Session,
  Settlement,
  SettleResult,
  Store,
  UpkeepBudget,
  UpkeepReport,
} from '../../store/store.ts';

/** The queue of every case that does not need another. */
export const QUEUE = 'orders';
export const LEASE_MS = 30_000;

const POLICY: JobPolicy = {
  attempts: 3,
  backoff: null,
  retryForMs: null,
  timeoutMs: null,
  ttlMs: null,
  deadLetterQueue: null,
  keepCompletedMs: null,
  keepFailedMs: null,
};

export type JobSketch = Partial<Omit<NewJob, 'policy'>> & { readonly policy?: Partial<JobPolicy> };

export function newJob(sketch: JobSketch = {}): NewJob {
  return {
    queue: QUEUE,
    id: 'a',
    name: 'mail',
    body: utf8('{"n":1}'),
    contentType: 'application/json',
    headers: {},
    priority: 0,
    lifo: false,
    delayMs: 0,
    ...sketch,
    policy: { ...POLICY, ...sketch.policy },
  };
}

export function utf8(text: string): Bytes {
  return new TextEncoder().encode(text);
}

/** Stores may answer any kind of `Uint8Array`; the bytes are what counts. */
export function assertBytes(actual: Bytes | null, expected: Bytes | string): void {
  assert.ok(actual instanceof Uint8Array, 'expected bytes, got none');
  const wanted = typeof expected === 'string' ? utf8(expected) : expected;
  assert.equal(Buffer.compare(actual, wanted), 0, 'the bytes differ');
}

/** Adds all of them in one effect; the job `a` when none is named. */
export async function add(store: Store, ...jobs: JobSketch[]): Promise<AddOutcome[]> {
  const [result] = await store.apply([{ op: 'add', jobs: (jobs.length === 0 ? [{}] : jobs).map(newJob) }]);
  assert.ok(result?.op === 'add', 'the answer of add is not one of add');
  return [...result.jobs];
}

/** Jobs `a`, `b`, `c` … in the order in which they should be claimed. */
export async function addNamed(store: Store, ...ids: string[]): Promise<void> {
  await add(store, ...ids.map((id) => ({ id })));
}

export async function applyOne(store: Store, effect: Effect): Promise<EffectResult> {
  const results = await store.apply([effect]);
  assert.equal(results.length, 1);
  const [result] = results;
  assert.ok(result !== undefined);
  assert.equal(result.op, effect.op);
  return result;
}

type Move = Extract<Effect, { readonly job: unknown }>;

/** For effects on one job: their outcome without the verb, ready for `deepEqual`. */
export async function move(store: Store, effect: Move): Promise<MoveOutcome> {
  const { op: _op, ...outcome } = (await applyOne(store, effect)) as { op: string } & MoveOutcome;
  return outcome;
}

export async function moveOk(store: Store, effect: Move): Promise<void> {
  assert.deepEqual(await move(store, effect), { outcome: 'ok' });
}

export const at = (id: string, queue: string = QUEUE): { readonly queue: string; readonly id: string } => ({
  queue,
  id,
});

export async function configure(store: Store, patch: QueuePatch, queue: string = QUEUE): Promise<void> {
  await applyOne(store, { op: 'configure', queue, patch });
}

let claimNumber = 0;

export function claimRequest(over: Partial<ClaimRequest> = {}): ClaimRequest {
  claimNumber += 1;
  return {
    claimId: `claim-${claimNumber}`,
    queue: QUEUE,
    limit: 1,
    worker: 'worker-1',
    leaseMs: LEASE_MS,
    ...over,
  };
}

export async function claim(store: Store, over: Partial<ClaimRequest> = {}): Promise<ClaimAnswer> {
  const [answer] = await store.claim([claimRequest(over)]);
  assert.ok(answer !== undefined, 'a claim was not answered');
  return answer;
}

/** Claims exactly one job; fails the case when there is none. */
export async function claimOne(store: Store, over: Partial<ClaimRequest> = {}): Promise<Claimed> {
  const { jobs } = await claim(store, over);
  assert.equal(jobs.length, 1, `expected one job, got ${jobs.length}`);
  return jobs[0] as Claimed;
}

/** Ids in the order in which the jobs were given out. */
export async function claimIds(store: Store, limit = 100, queue: string = QUEUE): Promise<string[]> {
  return (await claim(store, { limit, queue })).jobs.map(({ job }) => job.id);
}

export const COMPLETED: Next = { to: 'completed', result: null };
export const RELEASED: Next = { to: 'released', afterMs: 0, why: 'closing' };
export const retry = (afterMs = 0, message = 'broken'): Next => ({
  to: 'retry',
  afterMs,
  error: errorOf(message),
});
export const failed = (message = 'broken'): Next => ({
  to: 'failed',
  error: errorOf(message),
  cause: 'attempts-spent',
});
export const cancelled = (reason = 'not wanted'): Next => ({ to: 'cancelled', reason, cause: 'discarded' });
export const parked = (afterMs: number | null): Next => ({ to: 'parked', wake: { afterMs } });

export function errorOf(message: string): StoredError {
  return {
    name: 'TypeError',
    message,
    stack: `TypeError: ${message}\n    at mail.ts:1`,
    code: 'E_BROKEN',
    fingerprint: `mail/${message}`,
  };
}

export async function settle(
  store: Store,
  lease: LeaseRef,
  next: Next = COMPLETED,
  over: Partial<Settlement> = {},
): Promise<SettleResult> {
  const { settled } = await store.commit([{ lease, next, mode: 'strict', ...over }]);
  assert.equal(settled.length, 1);
  return settled[0] as SettleResult;
}

/** Settles, and answers the record afterwards. */
export async function settleOk(store: Store, lease: LeaseRef, next: Next = COMPLETED): Promise<JobRecord> {
  const result = await settle(store, lease, next);
  assert.equal(result.outcome, 'ok');
  return jobOf(store, lease.id, lease.queue);
}

/** Adds, claims and settles one job. */
export async function finish(
  store: Store,
  next: Next = COMPLETED,
  sketch: JobSketch = {},
): Promise<JobRecord> {
  await add(store, sketch);
  const { lease } = await claimOne(store, { queue: sketch.queue ?? QUEUE });
  return settleOk(store, lease, next);
}

export async function findJob(store: Store, id = 'a', queue: string = QUEUE): Promise<JobRecord | null> {
  return store.job(at(id, queue));
}

export async function jobOf(store: Store, id = 'a', queue: string = QUEUE): Promise<JobRecord> {
  const job = await findJob(store, id, queue);
  assert.ok(job !== null, `queue ${queue} has no job ${id}`);
  return job;
}

export async function stateOf(store: Store, id = 'a', queue: string = QUEUE): Promise<string> {
  return (await findJob(store, id, queue))?.state ?? 'gone';
}

export async function summaryOf(store: Store, queue: string = QUEUE): Promise<QueueSummary> {
  const [summary] = await store.queues([queue]);
  assert.ok(summary !== undefined, `there is no queue ${queue}`);
  return summary;
}

export async function countsOf(store: Store, queue: string = QUEUE): Promise<Record<string, number>> {
  const { counts } = await summaryOf(store, queue);
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0));
}

/** The totals that are not 0. */
export async function totalsOf(store: Store, queue: string = QUEUE): Promise<Record<string, number>> {
  const { totals } = await summaryOf(store, queue);
  return Object.fromEntries(Object.entries(totals).filter(([, total]) => total !== 0));
}

export async function upkeep(store: Store, over: Partial<UpkeepBudget> = {}): Promise<UpkeepReport> {
  return store.upkeep({ holder: 'leader-1', leaderLeaseMs: 10_000, limit: 100, reclaim: false, ...over });
}

/** Two passes, as a lease is only taken back by the second. Answers what the second took. */
export async function reclaimTwice(store: Store): Promise<readonly Reclaimed[]> {
  const first = await upkeep(store, { reclaim: true });
  assert.deepEqual(first.reclaimed, [], 'the first pass took a lease back');
  return (await upkeep(store, { reclaim: true })).reclaimed;
}

export function session(over: Partial<Session> = {}): Session {
  return {
    id: 'worker-1',
    ttlMs: LEASE_MS,
    host: 'mill',
    pid: 7,
    version: '1.0.0',
    queues: [{ queue: QUEUE, slots: 4, busy: 1 }],
    lagMs: 0,
    ...over,
  };
}

export const FIRST_PAGE: PageRequest = { cursor: null, limit: 100 };

export const idsOf = (page: JobPage): string[] => page.jobs.map((job) => job.id);

export async function dumpOf(store: Store): Promise<string> {
  const lines: string[] = [];
  for await (const row of store.dump()) lines.push(`${row.key} ${row.value}`);
  return lines.join('\n');
}

/** The call must change nothing that a dump shows. */
export async function unchanged(store: Store, call: () => Promise<unknown>): Promise<void> {
  const before = await dumpOf(store);
  await call();
  assert.equal(await dumpOf(store), before);
}

export const totalOf = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);
