import {
  checkBoolean,
  checkEach,
  checkInteger,
  checkKey,
  checkQueue,
  checkRecord,
  isRecord,
  nameOf,
} from '../job/check.ts';
import { checkFilter, checkPatch } from '../job/check-filter.ts';
import { checkHeaders, checkLogLines, checkPayload, checkPolicy, checkReason } from '../job/check-policy.ts';
import { MAX_BATCH_JOBS, MAX_DELAY_MS, MAX_PRIORITY } from '../job/limits.ts';
import type { Problems } from '../job/problems.ts';
import type { JobRef, LeaseRef } from '../job/record.ts';
import type { Effect, NewJob, NewOperation, Target } from './store.ts';

const PRIORITY = { min: 0, max: MAX_PRIORITY };
const DELAY = { min: 0, max: MAX_DELAY_MS };
const NATURAL = { min: 0, max: Number.MAX_SAFE_INTEGER };
const MAX_RATE = 1_000_000;
const OPERATIONS = ['redrive', 'discard', 'cancel', 'promote'];

/** Answers how many jobs the effects add, so that the caller can bound the whole call. */
export function checkEffects(problems: Problems, part: string, effects: readonly Effect[]): number {
  let jobs = 0;
  checkEach(problems, part, { values: effects, max: MAX_BATCH_JOBS }, (effect, index) => {
    if (!isRecord(effect)) {
      problems.invalid(index, `must be an effect, is ${nameOf(effect)}`);
      return;
    }
    problems.enter(index);
    checkEffect(problems, effect);
    if (effect.op === 'add' && Array.isArray(effect.jobs)) jobs += effect.jobs.length;
    problems.leave();
  });
  return jobs;
}

function checkEffect(problems: Problems, effect: Effect): void {
  switch (effect.op) {
    case 'add':
      checkEach(problems, 'jobs', { values: effect.jobs, max: MAX_BATCH_JOBS }, (job, index) => {
        problems.enter(index);
        checkNewJob(problems, job);
        problems.leave();
      });
      return;
    case 'progress':
    case 'log':
    case 'data':
      checkWorkersWrite(problems, effect);
      return;
    case 'isolate':
      checkLease(problems, 'job', effect.job);
      checkBoolean(problems, 'alone', effect.alone);
      return;
    case 'cancel':
    case 'redrive':
    case 'discard':
    case 'promote':
    case 'reschedule':
    case 'prioritize':
      checkMove(problems, effect);
      return;
    default:
      checkAdministration(problems, effect);
  }
}

function checkWorkersWrite(problems: Problems, effect: Extract<Effect, { readonly job: Target }>): void {
  checkTarget(problems, 'job', effect.job);
  if (effect.op === 'progress') checkPayload(problems, 'value', effect.value);
  else if (effect.op === 'log') checkLogLines(problems, 'lines', effect.lines);
  else if (effect.op === 'data') {
    checkPayload(problems, 'body', effect.body);
    checkKey(problems, 'contentType', effect.contentType);
  }
}

function checkMove(problems: Problems, effect: Extract<Effect, { readonly job: JobRef }>): void {
  checkRef(problems, 'job', effect.job);
  if (effect.op === 'cancel') checkReason(problems, 'reason', effect.reason);
  else if (effect.op === 'reschedule') checkInteger(problems, 'delayMs', effect.delayMs, DELAY);
  else if (effect.op === 'redrive' && effect.toQueue !== null)
    checkQueue(problems, 'toQueue', effect.toQueue);
  else if (effect.op === 'prioritize') {
    checkInteger(problems, 'priority', effect.priority, PRIORITY);
    checkBoolean(problems, 'lifo', effect.lifo);
  }
}

type Administration = Extract<
  Effect,
  { readonly op: 'configure' | 'drain' | 'obliterate' | 'start-operation' | 'abort-operation' }
>;

function checkAdministration(problems: Problems, effect: Administration): void {
  switch (effect.op) {
    case 'configure':
      checkQueue(problems, 'queue', effect.queue);
      checkPatch(problems, 'patch', effect.patch);
      return;
    case 'drain':
      checkQueue(problems, 'queue', effect.queue);
      checkBoolean(problems, 'delayed', effect.delayed);
      if (effect.before !== null) checkInteger(problems, 'before', effect.before, NATURAL);
      return;
    case 'obliterate':
      checkQueue(problems, 'queue', effect.queue);
      checkBoolean(problems, 'force', effect.force);
      return;
    case 'start-operation':
      checkOperation(problems, 'operation', effect.operation);
      return;
    case 'abort-operation':
      checkKey(problems, 'id', effect.id);
      return;
    default:
      effect satisfies never;
      problems.invalid('op', `is not an effect: ${nameOf((effect as { readonly op?: unknown }).op)}`);
  }
}

function checkNewJob(problems: Problems, job: NewJob): void {
  if (!isRecord(job)) {
    problems.invalid(null, `must be a job, is ${nameOf(job)}`);
    return;
  }
  checkQueue(problems, 'queue', job.queue);
  checkKey(problems, 'id', job.id);
  checkKey(problems, 'name', job.name);
  checkPayload(problems, 'body', job.body);
  checkKey(problems, 'contentType', job.contentType);
  checkHeaders(problems, 'headers', job.headers);
  checkPolicy(problems, 'policy', job.policy);
  checkInteger(problems, 'priority', job.priority, PRIORITY);
  checkBoolean(problems, 'lifo', job.lifo);
  checkInteger(problems, 'delayMs', job.delayMs, DELAY);
}

function checkOperation(problems: Problems, part: string, operation: NewOperation): void {
  if (!checkRecord(problems, part, operation)) return;
  problems.enter(part);
  checkKey(problems, 'id', operation.id);
  if (!OPERATIONS.includes(operation.kind)) {
    problems.invalid('kind', `must be one of ${OPERATIONS.join(', ')}; is ${nameOf(operation.kind)}`);
  }
  checkFilter(problems, 'filter', operation.filter);
  if (operation.toQueue !== null) checkQueue(problems, 'toQueue', operation.toQueue);
  if (operation.ratePerSecond !== null) checkRate(problems, operation.ratePerSecond);
  checkReason(problems, 'reason', operation.reason);
  problems.leave();
}

/** Less than one a second is fine; 0 would be an operation that never ends. */
function checkRate(problems: Problems, rate: number): void {
  if (typeof rate === 'number' && rate > 0 && rate <= MAX_RATE) return;
  problems.invalid('ratePerSecond', `must be above 0 and at most ${MAX_RATE}, is ${nameOf(rate)}`);
}

export function checkRef(problems: Problems, part: string | number, ref: JobRef): void {
  if (!isRecord(ref)) {
    problems.invalid(part, `must name a job by queue and id, is ${nameOf(ref)}`);
    return;
  }
  problems.enter(part);
  checkQueue(problems, 'queue', ref.queue);
  checkKey(problems, 'id', ref.id);
  problems.leave();
}

export function checkLease(problems: Problems, part: string | number, lease: LeaseRef): void {
  checkRef(problems, part, lease);
  if (!isRecord(lease)) return;
  problems.enter(part);
  checkInteger(problems, 'token', lease.token, NATURAL);
  problems.leave();
}

/** A token that is there is a fence, also when it is not a number: it must never be taken for no token. */
function checkTarget(problems: Problems, part: string, target: Target): void {
  if (isRecord(target) && 'token' in target) checkLease(problems, part, target as LeaseRef);
  else checkRef(problems, part, target);
}
