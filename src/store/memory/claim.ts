import { REMEMBERED_MS } from '../../job/keep.ts';
import { deadlineOf, leaseEnd } from '../../job/lease.ts';
import { MAX_SLICE } from '../../job/limits.ts';
import type { ClaimAnswer, Claimed, ClaimRequest } from '../store.ts';
import { closeAttempt } from './attempt.ts';
import { alter, expire, finish, jobAt } from './jobs.ts';
import { give } from './own.ts';
import { promoteDue } from './promote.ts';
import type { QueueState, State, StoredJob } from './state.ts';
import { count } from './stats.ts';
import { type Step, tell } from './step.ts';

export function claim(step: Step, requests: readonly ClaimRequest[]): ClaimAnswer[] {
  return requests.map((request) => claimOne(step, request));
}

function claimOne(step: Step, request: ClaimRequest): ClaimAnswer {
  const { state } = step;
  const queue = state.queues.get(request.queue);
  const repeated = answered(step, request.claimId);
  if (repeated !== null) return answer(step, request, repeated);
  if (queue === undefined || queue.settings.paused) return answer(step, request, []);
  if (request.leaseMs === null && !isAlive(step, request.worker)) {
    return { ...answer(step, request, []), sessionOver: true };
  }
  promoteDue(step, queue.due.members, MAX_SLICE);
  const jobs = takeJobs(step, queue, request);
  if (jobs.length > 0) {
    state.claims.set(request.claimId, { at: step.nowMs, leases: jobs.map(({ lease }) => lease) });
  }
  return answer(step, request, jobs);
}

function isAlive({ state, nowMs }: Step, session: string): boolean {
  return (state.sessions.get(session)?.expiresAt ?? nowMs) > nowMs;
}

/** The leases of an earlier answer to this claim id that are still held. */
function answered({ state, nowMs }: Step, claimId: string): Claimed[] | null {
  const known = state.claims.get(claimId);
  if (known === undefined || nowMs - known.at >= REMEMBERED_MS) return null;
  return known.leases.flatMap((lease) => {
    const job = jobAt(state, lease);
    return job?.lease?.token === lease.token ? [claimedOf(job, nowMs)] : [];
  });
}

function answer({ state, nowMs }: Step, request: ClaimRequest, jobs: readonly Claimed[]): ClaimAnswer {
  const queue = state.queues.get(request.queue);
  const paused = queue?.settings.paused ?? false;
  const nextDueInMs = queue === undefined || paused ? null : untilDue(queue, nowMs);
  return { claimId: request.claimId, jobs, nextDueInMs, paused };
}

/** Time to the next job of the queue that waits for one. */
export function untilDue(queue: QueueState, nowMs: number): number | null {
  const dueAt = queue.due.members[0]?.record.dueAt;
  return dueAt === null || dueAt === undefined ? null : Math.max(0, dueAt - nowMs);
}

function takeJobs(step: Step, queue: QueueState, request: ClaimRequest): Claimed[] {
  const jobs: Claimed[] = [];
  let expired = 0;
  while (jobs.length < request.limit) {
    const job = queue.waiting.members[0];
    if (job === undefined) break;
    if (job.record.expiresAt === null || job.record.expiresAt > step.nowMs) {
      jobs.push(takeJob(step, queue, { job, request }));
    } else if (expired < MAX_SLICE) {
      expired += 1;
      expire(step, job);
    } else break;
  }
  return jobs;
}

function takeJob(step: Step, queue: QueueState, taken: { job: StoredJob; request: ClaimRequest }): Claimed {
  const { job, request } = taken;
  const { nowMs } = step;
  const isFirst = job.record.firstClaimedAt === null;
  step.state.token += 1;
  alter(step, job, {
    state: 'active',
    token: step.state.token,
    worker: request.worker,
    claims: job.record.claims + 1,
    claimedAt: nowMs,
    firstClaimedAt: job.record.firstClaimedAt ?? nowMs,
    expiresAt: null,
  });
  tell(step, 'active', job);
  if (isFirst) count(step, job, { waitMs: waitedMs(job) });
  if (queue.settings.delivery === 'at-most-once') return settleAtClaim(step, job);
  hold(step, job, request);
  return claimedOf(job, nowMs);
}

function hold(step: Step, job: StoredJob, request: ClaimRequest): void {
  const { worker, leaseMs, quarantine: spared = false } = request;
  const { token, policy } = job.record;
  const deadlineAt = deadlineOf(policy.timeoutMs, step.nowMs);
  const expiresAt = leaseMs === null ? null : leaseEnd(leaseMs, deadlineAt, step.nowMs);
  job.lease = { token, worker, expiresAt, deadlineAt, suspectAt: null, spared };
  step.state.leased.set(token, job);
}

/** It may be lost from here on, but it is never run twice. */
function settleAtClaim(step: Step, job: StoredJob): Claimed {
  const { token } = job.record;
  closeAttempt(step, job, { outcome: 'completed' });
  job.settledToken = token;
  count(step, job, { event: 'completed' });
  finish(step, job, { state: 'completed', result: null, error: null });
  return { ...claimedOf(job, step.nowMs), settled: true };
}

function claimedOf(job: StoredJob, nowMs: number): Claimed {
  const { queue, id, token, firstClaimedAt } = job.record;
  return {
    lease: { queue, id, token },
    job: give(job.record),
    waitedMs: waitedMs(job),
    elapsedMs: Math.max(0, nowMs - (firstClaimedAt ?? nowMs)),
    settled: false,
  };
}

function waitedMs({ record }: StoredJob): number {
  return Math.max(0, (record.claimedAt ?? 0) - (record.readyAt ?? 0));
}

/** Claim ids are forgotten when nobody can be repeating them any more. */
export function forgetClaims(state: State, nowMs: number): void {
  for (const [id, { at }] of state.claims) if (nowMs - at >= REMEMBERED_MS) state.claims.delete(id);
}
