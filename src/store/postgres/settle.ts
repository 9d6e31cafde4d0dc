import { changeData, errorData } from '../../job/change-data.ts';
import type { ClaimRequest, CommitAnswer, Next, Settlement, SettleResult } from '../store.ts';
import { applyEffect, refsOf } from './apply.ts';
import { closeAttempt, fence, runMsOf } from './attempt.ts';
import { claimAtOnce, type Memory } from './claim.ts';
import { deadLetter, deadLetterQueueOf } from './dead-letter.ts';
import { alter, type Changes, errorOf, finish, NO_ERROR } from './jobs.ts';
import type { Moving } from './moving.ts';
import type { Transaction } from './transaction.ts';

export interface Commit {
  readonly settlements: readonly Settlement[];
  readonly claims: readonly ClaimRequest[];
}

export async function commit(
  tx: Transaction,
  { settlements, claims }: Commit,
  { memory, now }: { readonly memory: Memory; readonly now: number | null },
): Promise<CommitAnswer> {
  await needAll(tx, settlements);
  const settled: SettleResult[] = [];
  for (const settlement of settlements) settled.push(await settle(tx, settlement));
  memory.held.forget(settlements.map(({ lease }) => lease));
  if (claims.length === 0) return { settled, claimed: [] };
  await tx.flush();
  // By the clock as it is then: what came to wait since this transaction began is not claimed before its time.
  return { settled, claimed: await claimAtOnce(tx.db, claims, { memory, now, isAlone: false }) };
}

/** All jobs that the settlements could touch, so that they are locked in one order. */
async function needAll(tx: Transaction, settlements: readonly Settlement[]): Promise<void> {
  await tx.needQueues(settlements.map(({ lease }) => lease.queue));
  const likely = settlements.flatMap(({ lease, next }) => {
    const queue = next.to === 'failed' ? tx.knownQueue(lease.queue)?.settings.deadLetterQueue : null;
    return queue === null || queue === undefined ? [] : [{ queue, id: lease.id }];
  });
  await tx.needFollowed([
    ...refsOf(settlements.flatMap(({ effects = [] }) => effects)),
    ...settlements.map(({ lease }) => lease),
    ...likely,
  ]);
  const dying = [];
  for (const { lease, next } of settlements) {
    if (next.to !== 'failed') continue;
    const row = await tx.job(lease);
    if (row === null) continue;
    const queue = deadLetterQueueOf(row, tx.knownQueueById(row.queue));
    if (queue !== null) dying.push({ queue, id: row.id });
  }
  if (dying.length === 0) return;
  await tx.needJobs(dying);
}

async function settle(tx: Transaction, settlement: Settlement): Promise<SettleResult> {
  const { lease, mode, effects = [] } = settlement;
  const row = await tx.follow(lease);
  if (row === null) return { outcome: 'gone', state: null };
  await tx.needQueueIds([row.queue]);
  if (lease.token !== 0 && row.settled_token === lease.token) return { outcome: 'ok', state: row.state };
  const held = fence(tx, row, lease.token);
  if (held === 'superseded' || (held === 'expired' && mode === 'strict'))
    return { outcome: held, state: null };
  for (const effect of effects) await applyEffect(tx, effect);
  // An effect may have obliterated the queue and the job with it.
  if (row.isGone) return { outcome: 'gone', state: null };
  await become(tx, row, settlement);
  return { outcome: 'ok', state: row.state };
}

interface Ending<N extends Next = Next> {
  readonly next: N;
  readonly traceId?: string | undefined;
}
type Of<To extends Next['to']> = Ending<Extract<Next, { readonly to: To }>>;

/** Ends the attempt and makes of the job what `next` says. */
async function become(tx: Transaction, row: Moving, { next, traceId }: Ending): Promise<void> {
  if (next.to === 'completed') complete(tx, row, { next, traceId });
  else if (next.to === 'failed') await fail(tx, row, { next, traceId });
  else if (next.to === 'cancelled') {
    closeAttempt(tx, row, { outcome: 'cancelled', traceId });
    const why = { cause: next.cause, cancel_reason: next.reason };
    finish(tx, row, { ...why, state: 'cancelled', settled_token: row.token });
  } else if (row.cancel_reason !== null) stop(tx, row, { next, traceId });
  else if (next.to === 'retry') retry(tx, row, { next, traceId });
  else if (next.to === 'released') handBack(tx, row, { next, traceId });
  else park(tx, row, { next, traceId });
}

function complete(tx: Transaction, row: Moving, { next, traceId }: Of<'completed'>): void {
  const runMs = runMsOf(tx, row);
  tx.count(tx.knownQueueById(row.queue), row.name, { event: 'completed', runMs });
  const end = {
    ...NO_ERROR,
    state: 'completed',
    newResult: next.result,
    trace_id: traceId ?? null,
    settled_token: row.token,
  } as const;
  finish(tx, row, end, () => changeData(next.result));
}

async function fail(tx: Transaction, row: Moving, { next, traceId }: Of<'failed'>): Promise<void> {
  const { error, cause } = next;
  const runMs = closeAttempt(tx, row, { outcome: 'failed', error, traceId });
  const queue = tx.knownQueueById(row.queue);
  tx.count(queue, row.name, { event: 'failed', runMs });
  tx.sums.of(queue.id).add('total_attempts_failed', 1);
  const changes = { failures: row.failures + 1, settled_token: row.token };
  await deadLetter(tx, row, { error, cause, changes });
}

/** Somebody asked the job to stop while it ran: it does not go back to work. */
function stop(
  tx: Transaction,
  row: Moving,
  { next, traceId }: Of<'retry' | 'released' | 'parked'>,
  settledToken: number = row.token,
): void {
  const error = next.to === 'retry' ? next.error : null;
  closeAttempt(tx, row, { outcome: 'cancelled', error, traceId });
  const why = { cause: 'cancelled', cancel_reason: row.cancel_reason } as const;
  const said = error === null ? {} : errorOf(error);
  finish(tx, row, { ...said, ...why, state: 'cancelled', settled_token: settledToken });
}

function retry(tx: Transaction, row: Moving, { next, traceId }: Of<'retry'>): void {
  const { error, afterMs } = next;
  const queue = tx.knownQueueById(row.queue);
  const runMs = closeAttempt(tx, row, { outcome: 'retried', error, retryAfterMs: afterMs, traceId });
  tx.count(queue, row.name, { event: 'retried', runMs });
  tx.sums.of(queue.id).add('total_attempts_failed', 1);
  alter(tx, row, {
    ...requeued(afterMs, tx.now),
    ...errorOf(error),
    failures: row.failures + 1,
    settled_token: row.token,
  });
  tx.tell(queue, { kind: 'retried', id: row.id, name: row.name }, () => errorData(error));
}

/**
 * Handed back by somebody else than its worker, without burning an attempt; a wish to stop is heard here, too.
 * `settled_token` stays as it was, so that the late worker is told that it was superseded.
 */
export function release(tx: Transaction, row: Moving, ending: Of<'released'>): void {
  if (row.cancel_reason !== null) stop(tx, row, ending, row.settled_token);
  else handBack(tx, row, ending, row.settled_token);
}

function handBack(
  tx: Transaction,
  row: Moving,
  { next, traceId }: Of<'released'>,
  settledToken: number = row.token,
): void {
  const queue = tx.knownQueueById(row.queue);
  closeAttempt(tx, row, { outcome: 'released', traceId });
  tx.sums.of(queue.id).add('total_released', 1);
  alter(tx, row, { ...requeued(next.afterMs, tx.now), settled_token: settledToken });
  tx.tell(queue, { kind: 'released', id: row.id, name: row.name });
}

function park(tx: Transaction, row: Moving, { next, traceId }: Of<'parked'>): void {
  closeAttempt(tx, row, { outcome: 'parked', traceId });
  const { afterMs } = next.wake;
  const dueAt = afterMs === null ? null : tx.now + afterMs;
  alter(tx, row, { state: 'parked', ready_at: null, due_at: dueAt, settled_token: row.token });
}

function requeued(afterMs: number, now: number): Changes {
  if (afterMs > 0) return { state: 'delayed', due_at: now + afterMs, ready_at: null };
  return { state: 'waiting', due_at: null, ready_at: now };
}
