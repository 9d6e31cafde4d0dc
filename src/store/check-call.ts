import {
  checkBoolean,
  checkChoice,
  checkEach,
  checkInteger,
  checkKey,
  checkQueue,
  checkRecord,
  checkText,
  isRecord,
  nameOf,
} from '../job/check.ts';
import { checkError, checkNumber, checkPayload, checkReason } from '../job/check-policy.ts';
import {
  MAX_BATCH_BYTES,
  MAX_BATCH_JOBS,
  MAX_DELAY_MS,
  MAX_DURATION_MS,
  MAX_ID_BYTES,
  MAX_LEASE_MS,
  MAX_PAGE,
  MAX_SCAN,
  MAX_SLICE,
} from '../job/limits.ts';
import type { Problems } from '../job/problems.ts';
import { END_CAUSES } from '../job/record.ts';
import { checkEffects, checkLease } from './check-effect.ts';
import type {
  ApplyOptions,
  ClaimRequest,
  FeedRequest,
  Next,
  PageRequest,
  Session,
  Settlement,
  StatsRequest,
  UpkeepBudget,
} from './store.ts';

const NATURAL = { min: 0, max: Number.MAX_SAFE_INTEGER };
const DELAY = { min: 0, max: MAX_DELAY_MS };
const DURATION = { min: 0, max: MAX_DURATION_MS };
const LEASE = { min: 0, max: MAX_LEASE_MS };
const LIFETIME = { min: 1, max: MAX_LEASE_MS };
const CLAIM_LIMIT = { min: 1, max: MAX_BATCH_JOBS };
const SLICE = { min: 1, max: MAX_SLICE };
const SCAN = { min: 1, max: MAX_SCAN };
export const PAGE: { readonly min: number; readonly max: number } = { min: 1, max: MAX_PAGE };

const MAX_CURSOR_BYTES = 4_096;

/** Jobs and bytes of the call as a whole; its parts were checked one by one. */
export function checkBatch(problems: Problems, jobs: number): void {
  if (jobs > MAX_BATCH_JOBS) {
    problems.beyond(null, `adds ${jobs} jobs in one call, more than ${MAX_BATCH_JOBS}`);
  }
  if (problems.payloadBytes > MAX_BATCH_BYTES) {
    problems.beyond(null, `carries ${problems.payloadBytes} bytes in one call, more than ${MAX_BATCH_BYTES}`);
  }
}

export function checkApplyOptions(problems: Problems, options: ApplyOptions): void {
  if (!checkRecord(problems, 'options', options)) return;
  problems.enter('options');
  if (options.requestId !== undefined) checkKey(problems, 'requestId', options.requestId);
  if (options.actor !== undefined) checkKey(problems, 'actor', options.actor);
  if (options.tx !== undefined && (typeof options.tx !== 'object' || options.tx === null)) {
    problems.invalid('tx', `must be a transaction of the store, is ${nameOf(options.tx)}`);
  }
  problems.leave();
}

export function checkClaims(problems: Problems, part: string, requests: readonly ClaimRequest[]): void {
  checkEach(problems, part, { values: requests, max: MAX_BATCH_JOBS }, (request, index) => {
    if (!isRecord(request)) {
      problems.invalid(index, `must be a claim, is ${nameOf(request)}`);
      return;
    }
    problems.enter(index);
    checkKey(problems, 'claimId', request.claimId);
    checkQueue(problems, 'queue', request.queue);
    checkInteger(problems, 'limit', request.limit, CLAIM_LIMIT);
    checkKey(problems, 'worker', request.worker);
    if (request.leaseMs !== null) checkInteger(problems, 'leaseMs', request.leaseMs, LEASE);
    if (request.quarantine !== undefined) checkBoolean(problems, 'quarantine', request.quarantine);
    problems.leave();
  });
}

/** Answers how many jobs the settlements' effects add. */
export function checkSettlements(problems: Problems, settlements: readonly Settlement[]): number {
  let jobs = 0;
  checkEach(problems, 'settlements', { values: settlements, max: MAX_BATCH_JOBS }, (settlement, index) => {
    if (!isRecord(settlement)) {
      problems.invalid(index, `must be a settlement, is ${nameOf(settlement)}`);
      return;
    }
    problems.enter(index);
    checkLease(problems, 'lease', settlement.lease);
    checkNext(problems, settlement.next);
    checkChoice(problems, 'mode', settlement.mode, ['strict', 'lenient']);
    if (settlement.effects !== undefined) jobs += checkEffects(problems, 'effects', settlement.effects);
    if (settlement.traceId !== undefined) checkKey(problems, 'traceId', settlement.traceId);
    problems.leave();
  });
  return jobs;
}

function checkNext(problems: Problems, next: Next): void {
  if (!checkRecord(problems, 'next', next)) return;
  problems.enter('next');
  switch (next.to) {
    case 'completed':
      if (next.result !== null) checkPayload(problems, 'result', next.result);
      break;
    case 'failed':
      checkError(problems, 'error', next.error);
      checkChoice(problems, 'cause', next.cause, END_CAUSES);
      break;
    case 'retry':
      checkInteger(problems, 'afterMs', next.afterMs, DELAY);
      checkError(problems, 'error', next.error);
      break;
    case 'released':
      checkInteger(problems, 'afterMs', next.afterMs, DELAY);
      checkReason(problems, 'why', next.why);
      break;
    case 'cancelled':
      checkReason(problems, 'reason', next.reason);
      checkChoice(problems, 'cause', next.cause, ['cancelled', 'discarded']);
      break;
    case 'parked':
      checkWake(problems, next);
      break;
    default:
      next satisfies never;
      problems.invalid('to', `is not a way to end an attempt: ${nameOf((next as { to?: unknown }).to)}`);
  }
  problems.leave();
}

function checkWake(problems: Problems, next: Extract<Next, { readonly to: 'parked' }>): void {
  if (!checkRecord(problems, 'wake', next.wake)) return;
  problems.enter('wake');
  if (next.wake.afterMs !== null) checkInteger(problems, 'afterMs', next.wake.afterMs, DELAY);
  problems.leave();
}

export function checkLeaseMs(problems: Problems, leaseMs: number): void {
  checkInteger(problems, 'leaseMs', leaseMs, LEASE);
}

export function checkSessions(problems: Problems, sessions: readonly Session[]): void {
  const seen = new Set<unknown>();
  checkEach(problems, 'sessions', { values: sessions, max: MAX_BATCH_JOBS }, (session, index) => {
    if (!isRecord(session)) {
      problems.invalid(index, `must be a session, is ${nameOf(session)}`);
      return;
    }
    problems.enter(index);
    checkSession(problems, session);
    if (seen.has(session.id)) problems.invalid('id', 'stands in this call twice');
    seen.add(session.id);
    problems.leave();
  });
}

function checkSession(problems: Problems, session: Session): void {
  checkKey(problems, 'id', session.id);
  checkInteger(problems, 'ttlMs', session.ttlMs, LIFETIME);
  checkText(problems, 'host', session.host, MAX_ID_BYTES);
  checkInteger(problems, 'pid', session.pid, NATURAL);
  checkText(problems, 'version', session.version, MAX_ID_BYTES);
  checkNumber(problems, 'lagMs', session.lagMs, MAX_DURATION_MS);
  checkEach(problems, 'queues', { values: session.queues, max: MAX_PAGE }, (entry, index) => {
    if (!isRecord(entry)) {
      problems.invalid(index, `must be an object, is ${nameOf(entry)}`);
      return;
    }
    problems.enter(index);
    checkQueue(problems, 'queue', entry.queue);
    checkInteger(problems, 'slots', entry.slots, NATURAL);
    checkInteger(problems, 'busy', entry.busy, NATURAL);
    problems.leave();
  });
}

export function checkBudget(problems: Problems, budget: UpkeepBudget): void {
  if (!checkRecord(problems, 'budget', budget)) return;
  problems.enter('budget');
  checkKey(problems, 'holder', budget.holder);
  checkInteger(problems, 'leaderLeaseMs', budget.leaderLeaseMs, LIFETIME);
  checkInteger(problems, 'limit', budget.limit, SLICE);
  checkBoolean(problems, 'reclaim', budget.reclaim);
  problems.leave();
}

export function checkPage(problems: Problems, page: PageRequest): void {
  if (!checkRecord(problems, 'page', page)) return;
  problems.enter('page');
  if (page.cursor !== null) checkText(problems, 'cursor', page.cursor, MAX_CURSOR_BYTES);
  checkInteger(problems, 'limit', page.limit, PAGE);
  if (page.scan !== undefined) checkInteger(problems, 'scan', page.scan, SCAN);
  if (page.order !== undefined) checkChoice(problems, 'order', page.order, ['newest', 'oldest']);
  problems.leave();
}

export function checkStats(problems: Problems, request: StatsRequest): void {
  if (!checkRecord(problems, 'request', request)) return;
  problems.enter('request');
  checkQueue(problems, 'queue', request.queue);
  checkChoice(problems, 'step', request.step, ['minute', 'hour']);
  checkInteger(problems, 'withinMs', request.withinMs, DURATION);
  problems.leave();
}

export function checkFeed(problems: Problems, request: FeedRequest): void {
  if (!checkRecord(problems, 'request', request)) return;
  problems.enter('request');
  checkQueues(problems, request.queues);
  if (request.after !== null) checkInteger(problems, 'after', request.after, NATURAL);
  checkInteger(problems, 'limit', request.limit, PAGE);
  checkInteger(problems, 'keepMs', request.keepMs, LEASE);
  problems.leave();
}

export function checkQueues(problems: Problems, queues: readonly string[]): void {
  checkEach(problems, 'queues', { values: queues, max: MAX_PAGE }, (queue, index) =>
    checkQueue(problems, index, queue),
  );
}

export function checkLogsPage(problems: Problems, after: number, limit: number): void {
  checkInteger(problems, 'after', after, NATURAL);
  checkInteger(problems, 'limit', limit, PAGE);
}
