import { LEASE_EXPIRED } from '../../job/lease.ts';
import type { Reclaimed } from '../store.ts';
import { closeAttempt, isOver, type LeaseRow } from './attempt.ts';
import { deadLetter } from './dead-letter.ts';
import { alter, cancelNow } from './jobs.ts';
import type { ChoreResult } from './promote.ts';
import { tell } from './queue.ts';
import { type JobRow, rowOf } from './row.ts';
import type { Transaction } from './transaction.ts';

type HeldRow = LeaseRow & { readonly seq: number };

/** Those whose own time is not over: only these may be in time again. */
const SUSPECTS = `
  select * from millrace_lease indexed by millrace_lease_suspect
  where suspect_pass is not null and (past_due_at is null or past_due_at > ?)`;
const PAST_DUE =
  'select * from millrace_lease indexed by millrace_lease_past_due where past_due_at <= ? order by token limit ?';
const NEXT_WORKER = 'select worker from millrace_lease where worker > ? order by worker limit 1';
const SESSION_LIVES = 'select 1 from millrace_session where id = ? and expires_at > ?';
const BOUND = `
  select * from millrace_lease where worker = ? and expires_at is null order by token limit ?`;
const MARK = 'update millrace_lease set suspect_pass = ? where worker = ? and token = ?';

/**
 * Takes back jobs whose leases are past due. The first pass that sees one only marks it, and a lease that is in
 * time again loses its mark: one jump of the clock takes no live lease.
 */
export function reclaim(tx: Transaction, limit: number): ChoreResult & { readonly reclaimed: Reclaimed[] } {
  const pass = tx.next('pass');
  for (const lease of tx.db.all<HeldRow>(SUSPECTS, tx.now)) {
    if (!isOver(tx, lease)) tx.db.run(MARK, null, lease.worker, lease.token);
  }
  const over = pastDue(tx, limit + 1);
  const reclaimed: Reclaimed[] = [];
  for (const lease of over.slice(0, limit)) {
    if (lease.suspect_pass === null) tx.db.run(MARK, pass, lease.worker, lease.token);
    else reclaimed.push(...takeBack(tx, lease));
  }
  return { touched: Math.min(over.length, limit), more: over.length > limit, reclaimed };
}

/** By token. Leases in time are not looked at: time and dead sessions lead to those that are not. */
function pastDue(tx: Transaction, limit: number): HeldRow[] {
  const byTime = tx.db.all<HeldRow>(PAST_DUE, tx.now, limit);
  const bySession = deadWorkers(tx).flatMap((worker) => tx.db.all<HeldRow>(BOUND, worker, limit));
  const leases = new Map([...byTime, ...bySession].map((lease) => [lease.token, lease]));
  return [...leases.values()].sort((one, other) => one.token - other.token).slice(0, limit);
}

/** Workers that hold leases and have no session any more. Hops from worker to worker in the index. */
function deadWorkers(tx: Transaction): string[] {
  const dead: string[] = [];
  let worker = '';
  for (;;) {
    const next = tx.db.get<{ worker: string }>(NEXT_WORKER, worker);
    if (next === undefined) return dead;
    worker = next.worker;
    if (tx.db.get(SESSION_LIVES, worker, tx.now) === undefined) dead.push(worker);
  }
}

/** `settled_token` stays as it was, so that the late worker is told that it was superseded. */
function takeBack(tx: Transaction, { token, worker, seq, spared }: HeldRow): Reclaimed[] {
  const row = rowOf(tx.db, seq);
  if (row === null) return [];
  const queue = tx.queueById(row.queue);
  const crashes = row.crashes + 1;
  closeAttempt(tx, row, { outcome: 'crashed', error: LEASE_EXPIRED });
  queue.tally.add('total_reclaimed', 1);
  tell(tx, queue, { kind: 'reclaimed', id: row.id, name: row.name });
  sendOn(tx, row, { crashes, isLast: crashes > queue.settings.maxCrashes && spared === 0 });
  return [{ queue: queue.name, id: row.id, token, worker, crashes, state: row.state }];
}

function sendOn(
  tx: Transaction,
  row: JobRow,
  { crashes, isLast }: { crashes: number; isLast: boolean },
): void {
  if (row.cancel_reason !== null) {
    alter(tx, row, { crashes });
    cancelNow(tx, row, 'cancelled', row.cancel_reason);
  } else if (isLast) {
    deadLetter(tx, row, { cause: 'crashed', error: LEASE_EXPIRED, changes: { crashes } });
  } else {
    alter(tx, row, { state: 'waiting', ready_at: tx.now, crashes });
  }
}
