/** What is kept of a call: enough to check it, nothing that a payload could give away. */

import type { JobRecord, LeaseRef } from '../job/record.ts';
import type {
  Claimed,
  ClaimRequest,
  Effect,
  EffectResult,
  NewJob,
  Next,
  RenewResult,
  Settlement,
  Target,
} from '../store/store.ts';
import { digest } from './digest.ts';
import type {
  JobName,
  LoggedAdd,
  LoggedClaim,
  LoggedClaimAnswer,
  LoggedEffect,
  LoggedGrant,
  LoggedRenewal,
  LoggedResult,
  LoggedSettlement,
} from './line.ts';

export function reduceEffect(effect: Effect): LoggedEffect {
  switch (effect.op) {
    case 'add':
      return { op: 'add', jobs: effect.jobs.map(reduceAdd) };
    case 'data':
      return { op: 'data', ...nameOf(effect.job), ...tokenOf(effect.job), body: digest(effect.body) };
    case 'progress':
    case 'log':
    case 'isolate':
      return { op: effect.op, ...nameOf(effect.job), ...tokenOf(effect.job) };
    case 'redrive':
      return { op: 'redrive', ...nameOf(effect.job), toQueue: effect.toQueue };
    case 'reschedule':
      return { op: 'reschedule', ...nameOf(effect.job), delayMs: effect.delayMs };
    case 'cancel':
    case 'discard':
    case 'promote':
    case 'prioritize':
      return { op: effect.op, ...nameOf(effect.job) };
    default:
      return reduceQueueEffect(effect);
  }
}

type QueueEffect = Extract<
  Effect,
  { op: 'configure' | 'drain' | 'obliterate' | 'start-operation' | 'abort-operation' }
>;

function reduceQueueEffect(effect: QueueEffect): LoggedEffect {
  switch (effect.op) {
    case 'configure':
      return { op: 'configure', queue: effect.queue, patch: effect.patch };
    case 'drain':
    case 'obliterate':
      return { op: effect.op, queue: effect.queue };
    case 'start-operation':
      return { op: effect.op, id: effect.operation.id, does: effect.operation.kind };
    case 'abort-operation':
      return { op: effect.op, id: effect.id };
    default:
      return effect satisfies never;
  }
}

function reduceAdd(job: NewJob): LoggedAdd {
  const { policy, delayMs, priority, lifo } = job;
  return {
    ...{ queue: job.queue, id: job.id, body: digest(job.body), attempts: policy.attempts },
    ...(delayMs !== 0 && { delayMs }),
    ...(priority !== 0 && { priority }),
    ...(lifo && { lifo }),
    ...(policy.ttlMs !== null && { ttlMs: policy.ttlMs }),
    ...(policy.keepCompletedMs !== null && { keepCompletedMs: policy.keepCompletedMs }),
    ...(policy.keepFailedMs !== null && { keepFailedMs: policy.keepFailedMs }),
  };
}

export function nameOf({ queue, id }: JobName): JobName {
  return { queue, id };
}

export function leaseOf({ queue, id, token }: LeaseRef): LeaseRef {
  return { queue, id, token };
}

function tokenOf(target: Target): { readonly token?: number } {
  return 'token' in target ? { token: target.token } : {};
}

export function reduceResult(result: EffectResult): LoggedResult {
  return result.op === 'configure' ? { op: 'configure', paused: result.settings.paused } : result;
}

export function reduceClaim(request: ClaimRequest): LoggedClaim {
  const { claimId, queue, limit, worker, leaseMs, quarantine = false } = request;
  return { claimId, queue, limit, worker, leaseMs, ...(quarantine && { quarantine }) };
}

export function reduceClaimAnswer(answer: {
  readonly claimId: string;
  readonly jobs: readonly Claimed[];
  readonly paused: boolean;
}): LoggedClaimAnswer {
  const { claimId, jobs, paused } = answer;
  return { claimId, jobs: jobs.map(reduceClaimed), ...(paused && { paused }) };
}

function reduceClaimed({ lease, job, settled }: Claimed): LoggedGrant {
  const { policy, origin, priority } = job;
  return {
    ...leaseOf(lease),
    ...timesOf(job),
    body: digest(job.body),
    rank: job.rank,
    generation: job.generation,
    claims: job.claims,
    attempts: policy.attempts,
    ...(job.failures > 0 && { failures: job.failures }),
    ...(job.crashes > 0 && { crashes: job.crashes }),
    ...(priority !== 0 && { priority }),
    ...(policy.timeoutMs !== null && { timeoutMs: policy.timeoutMs }),
    ...(job.cancelReason !== null && { cancelReason: true }),
    ...(origin !== null && { from: origin.queue }),
    ...(settled && { settled }),
  };
}

function timesOf(job: JobRecord): Pick<LoggedGrant, 'addedAt' | 'claimedAt' | 'readyAt'> {
  // A claimed job has the time of its claim; -1 would be a defect of the store, and the checks would say so.
  return { addedAt: job.addedAt, claimedAt: job.claimedAt ?? -1, readyAt: job.readyAt };
}

export function reduceSettlement({ lease, effects, next, mode }: Settlement): LoggedSettlement {
  const after = afterMsOf(next);
  return {
    ...leaseOf(lease),
    to: next.to,
    ...(after !== null && after > 0 && { afterMs: after }),
    mode,
    ...(effects !== undefined && effects.length > 0 && { effects: effects.map(reduceEffect) }),
  };
}

function afterMsOf(next: Next): number | null {
  if (next.to === 'retry' || next.to === 'released') return next.afterMs;
  return next.to === 'parked' ? next.wake.afterMs : null;
}

export function reduceRenewal({ outcome, cancelReason }: RenewResult): LoggedRenewal {
  return { outcome, ...(cancelReason !== null && { cancel: true }) };
}
