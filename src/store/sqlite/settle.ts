import { changeData, errorData } from '../../job/change-data.ts';
import type { ClaimRequest, Next, Settlement, SettleResult } from '../store.ts';
import { applyEffect } from './apply.ts';
import { closeAttempt, fence } from './attempt.ts';
import { claim } from './claim.ts';
import { completeAll, isPlain } from './complete.ts';
import { deadLetter } from './dead-letter.ts';
import type { CommitGrant } from './grant.ts';
import { alter, type Changes, clearError, finish, writeError } from './jobs.ts';
import { tell } from './queue.ts';
import { followRow, type JobRow, rowOf } from './row.ts';
import type { Transaction } from './transaction.ts';

export function commit(
  tx: Transaction,
  settlements: readonly Settlement[],
  claims: readonly ClaimRequest[] = [],
): CommitGrant {
  const settled = runsOf(settlements).flatMap((run) => settleRun(tx, run));
  return { settled, claimed: claim(tx, claims) };
}

/** Settlements that follow one another and are alike, to be written at once; all others stand alone. */
function runsOf(settlements: readonly Settlement[]): Settlement[][] {
  const runs: Settlement[][] = [];
  let open: { readonly queue: string; readonly ids: Set<string>; readonly run: Settlement[] } | null = null;
  for (const settlement of settlements) {
    const { queue, id } = settlement.lease;
    if (open === null || !isPlain(settlement) || open.queue !== queue || open.ids.has(id)) {
      const run = [settlement];
      runs.push(run);
      open = isPlain(settlement) ? { queue, ids: new Set([id]), run } : null;
    } else {
      open.ids.add(id);
      open.run.push(settlement);
    }
  }
  return runs;
}

function settleRun(tx: Transaction, run: readonly Settlement[]): SettleResult[] {
  const [first] = run;
  const answers = first !== undefined && isPlain(first) ? completeAll(tx, run) : run.map(() => null);
  return run.map((settlement, index) => answers[index] ?? settle(tx, settlement));
}

function settle(tx: Transaction, settlement: Settlement): SettleResult {
  const { lease, mode, effects = [] } = settlement;
  const found = followRow(tx, lease);
  if (found === null) return { outcome: 'gone', state: null };
  if (lease.token !== 0 && found.settled_token === lease.token) return { outcome: 'ok', state: found.state };
  const held = fence(tx, found, lease.token);
  if (held === 'superseded' || (held === 'expired' && mode === 'strict'))
    return { outcome: held, state: null };
  for (const effect of effects) applyEffect(tx, effect);
  // An effect may have changed the job, or obliterated the queue and the job with it.
  const row = effects.length === 0 ? found : rowOf(tx.db, found.seq);
  if (row === null) return { outcome: 'gone', state: null };
  become(tx, row, settlement);
  return { outcome: 'ok', state: row.state };
}

interface Ending<N extends Next = Next> {
  readonly next: N;
  readonly traceId?: string | undefined;
}
type Of<To extends Next['to']> = Ending<Extract<Next, { readonly to: To }>>;

/** Ends the attempt and makes of the job what `next` says. */
function become(tx: Transaction, row: JobRow, { next, traceId }: Ending): void {
  if (next.to === 'completed') complete(tx, row, { next, traceId });
  else if (next.to === 'failed') fail(tx, row, { next, traceId });
  else if (next.to === 'cancelled') {
    closeAttempt(tx, row, { outcome: 'cancelled', traceId });
    const why = { cause: next.cause, cancel_reason: next.reason };
    finish(tx, row, { ...why, state: 'cancelled', settled_token: row.token });
  } else if (row.cancel_reason !== null) stop(tx, row, { next, traceId });
  else if (next.to === 'retry') retry(tx, row, { next, traceId });
  else if (next.to === 'released') handBack(tx, row, { next, traceId });
  else park(tx, row, { next, traceId });
}

function complete(tx: Transaction, row: JobRow, { next, traceId }: Of<'completed'>): void {
  const runMs = closeAttempt(tx, row, { outcome: 'completed', traceId });
  tx.count(tx.queueById(row.queue), row.name, { event: 'completed', runMs });
  clearError(tx, row);
  const end = {
    state: 'completed',
    result: next.result,
    fingerprint: null,
    settled_token: row.token,
  } as const;
  finish(tx, row, end, () => changeData(next.result));
}

function fail(tx: Transaction, row: JobRow, { next, traceId }: Of<'failed'>): void {
  const { error, cause } = next;
  const runMs = closeAttempt(tx, row, { outcome: 'failed', error, traceId });
  const queue = tx.queueById(row.queue);
  tx.count(queue, row.name, { event: 'failed', runMs });
  queue.tally.add('total_attempts_failed', 1);
  const changes = { failures: row.failures + 1, settled_token: row.token };
  deadLetter(tx, row, { error, cause, changes });
}

/** Somebody asked the job to stop while it ran: it does not go back to work. */
function stop(
  tx: Transaction,
  row: JobRow,
  { next, traceId }: Of<'retry' | 'released' | 'parked'>,
  settledToken: number = row.token,
): void {
  const error = next.to === 'retry' ? next.error : null;
  closeAttempt(tx, row, { outcome: 'cancelled', error, traceId });
  if (error !== null) writeError(tx, row, error);
  const fingerprint = error === null ? {} : { fingerprint: error.fingerprint };
  const why = { cause: 'cancelled', cancel_reason: row.cancel_reason } as const;
  finish(tx, row, { ...fingerprint, ...why, state: 'cancelled', settled_token: settledToken });
}

function retry(tx: Transaction, row: JobRow, { next, traceId }: Of<'retry'>): void {
  const { error, afterMs } = next;
  const queue = tx.queueById(row.queue);
  const runMs = closeAttempt(tx, row, { outcome: 'retried', error, retryAfterMs: afterMs, traceId });
  tx.count(queue, row.name, { event: 'retried', runMs });
  queue.tally.add('total_attempts_failed', 1);
  writeError(tx, row, error);
  alter(tx, row, {
    ...requeued(afterMs, tx.now),
    failures: row.failures + 1,
    fingerprint: error.fingerprint,
    settled_token: row.token,
  });
  tell(tx, queue, { kind: 'retried', id: row.id, name: row.name }, () => errorData(error));
}

/**
 * Handed back by somebody else than its worker, without burning an attempt; a wish to stop is heard here, too.
 * `settled_token` stays as it was, so that the late worker is told that it was superseded.
 */
export function release(tx: Transaction, row: JobRow, ending: Of<'released'>): void {
  if (row.cancel_reason !== null) stop(tx, row, ending, row.settled_token);
  else handBack(tx, row, ending, row.settled_token);
}

function handBack(
  tx: Transaction,
  row: JobRow,
  { next, traceId }: Of<'released'>,
  settledToken: number = row.token,
): void {
  const queue = tx.queueById(row.queue);
  closeAttempt(tx, row, { outcome: 'released', traceId });
  queue.tally.add('total_released', 1);
  alter(tx, row, { ...requeued(next.afterMs, tx.now), settled_token: settledToken });
  tell(tx, queue, { kind: 'released', id: row.id, name: row.name });
}

function park(tx: Transaction, row: JobRow, { next, traceId }: Of<'parked'>): void {
  closeAttempt(tx, row, { outcome: 'parked', traceId });
  const { afterMs } = next.wake;
  const dueAt = afterMs === null ? null : tx.now + afterMs;
  alter(tx, row, { state: 'parked', ready_at: null, due_at: dueAt, settled_token: row.token });
}

function requeued(afterMs: number, now: number): Changes {
  if (afterMs > 0) return { state: 'delayed', due_at: now + afterMs, ready_at: null };
  return { state: 'waiting', due_at: null, ready_at: now };
}
