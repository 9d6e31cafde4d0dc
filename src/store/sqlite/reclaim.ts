import { LEASE_EXPIRED, suspicionMs } from '../../job/lease.ts';
import type { Reclaimed, UpkeepReport } from '../store.ts';
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
  where suspect_at is not null and (past_due_at is null or past_due_at > ?)`;
/** `suspicionMs`, of a lease that is bound to session `s`. */
const SUSPICION = `
  coalesce(min(3000, max((s.expires_at - s.seen_at + 9) / 10, min((s.expires_at - s.seen_at + 1) / 2, 1000))), 0)`;
/** Without those that are bound to a session and whose suspicion is too young: their worker may show itself yet. */
const PAST_DUE = `
  select l.* from millrace_lease l indexed by millrace_lease_past_due
  left join millrace_session s on s.id = l.worker
  where l.past_due_at <= ?1 and (
    l.expires_at is not null or l.suspect_at is null or l.suspect_at > ?1 or l.suspect_at <= ?1 - ${SUSPICION}
  ) order by l.token limit ?2`;
const NEXT_WORKER = 'select worker from millrace_lease where worker > ? order by worker limit 1';
const SESSION = 'select seen_at as seenAt, expires_at as expiresAt from millrace_session where id = ?';
/** Likewise. */
const BOUND = `
  select * from millrace_lease
  where worker = ? and expires_at is null and (suspect_at is null or suspect_at > ? or suspect_at <= ?)
  order by token limit ?`;
const MARK = 'update millrace_lease set suspect_at = ? where worker = ? and token = ?';

/**
 * Takes back jobs whose leases are past due. The first pass that sees one only marks it, and a lease that is in
 * time again loses its mark: one jump of the clock takes no live lease. A pass that finds nothing writes nothing.
 */
export function reclaim(
  tx: Transaction,
  limit: number,
): ChoreResult & Pick<UpkeepReport, 'reclaimed' | 'suspicionMs'> {
  for (const lease of tx.db.all<HeldRow>(SUSPECTS, tx.now)) {
    if (!isOver(tx, lease)) tx.db.run(MARK, null, lease.worker, lease.token);
  }
  const over = pastDue(tx, limit + 1);
  const reclaimed: Reclaimed[] = [];
  let longestMs = 0;
  for (const lease of over.slice(0, limit)) {
    if (isSuspected(lease, tx.now)) reclaimed.push(...takeBack(tx, lease));
    else {
      tx.db.run(MARK, tx.now, lease.worker, lease.token);
      longestMs = Math.max(longestMs, suspicionOf(tx, lease));
    }
  }
  return {
    touched: Math.min(over.length, limit),
    more: over.length > limit,
    reclaimed,
    suspicionMs: longestMs,
  };
}

/** When the clock went back, how old the suspicion of a session is cannot be told any more. */
function isSuspected({ suspect_at: suspectAt, expires_at: expiresAt }: HeldRow, now: number): boolean {
  return suspectAt !== null && (expiresAt !== null || suspectAt <= now);
}

/** Of a lease with a time of its own nobody knows how often it is renewed: that is its holder's affair. */
function suspicionOf(tx: Transaction, { worker, expires_at: expiresAt }: HeldRow): number {
  return expiresAt === null ? suspicionMs(sessionOf(tx, worker)) : 0;
}

function sessionOf(tx: Transaction, worker: string): SessionTimes | null {
  return tx.db.get<{ seenAt: number; expiresAt: number }>(SESSION, worker) ?? null;
}

/** By token. Leases in time are not looked at: time and dead sessions lead to those that are not. */
function pastDue(tx: Transaction, limit: number): HeldRow[] {
  const byTime = tx.db.all<HeldRow>(PAST_DUE, tx.now, limit);
  const bySession = deadWorkers(tx).flatMap(({ worker, suspicionMs }) =>
    tx.db.all<HeldRow>(BOUND, worker, tx.now, tx.now - suspicionMs, limit),
  );
  const leases = new Map([...byTime, ...bySession].map((lease) => [lease.token, lease]));
  return [...leases.values()].sort((one, other) => one.token - other.token).slice(0, limit);
}

interface SessionTimes {
  readonly seenAt: number;
  readonly expiresAt: number;
}

interface DeadWorker {
  readonly worker: string;
  readonly suspicionMs: number;
}

/** Workers that hold leases and have no session any more. Hops from worker to worker in the index. */
function deadWorkers(tx: Transaction): DeadWorker[] {
  const dead: DeadWorker[] = [];
  let worker = '';
  for (;;) {
    const next = tx.db.get<{ worker: string }>(NEXT_WORKER, worker);
    if (next === undefined) return dead;
    worker = next.worker;
    const session = sessionOf(tx, worker);
    if (session === null || session.expiresAt <= tx.now) {
      dead.push({ worker, suspicionMs: suspicionMs(session) });
    }
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
