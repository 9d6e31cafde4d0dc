import type { LeaseRef } from '../../job/record.ts';
import type { BeatResult, Session, SessionRecord } from '../store.ts';
import { isAlive } from './attempt.ts';
import { rowOf } from './row.ts';
import { release } from './settle.ts';
import type { Transaction } from './transaction.ts';

const BEAT = `
  insert into millrace_session (id, host, pid, version, queues, lag_ms, started_at, seen_at, expires_at)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?)
  on conflict do update set host = excluded.host, pid = excluded.pid, version = excluded.version,
    queues = excluded.queues, lag_ms = excluded.lag_ms, seen_at = excluded.seen_at,
    expires_at = excluded.expires_at`;
const HELD = 'select seq from millrace_lease where worker = ? order by token';
const LEASES = `
  select q.name as queue, j.id, l.token from millrace_lease l
  join millrace_job j on j.seq = l.seq join millrace_queue q on q.id = j.queue
  where l.worker = ? order by l.token`;
const FORGET = 'delete from millrace_session where id = ?';
const READ = 'select * from millrace_session where expires_at > ?';

interface SessionRow {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  readonly queues: string;
  readonly lag_ms: number;
  readonly started_at: number;
  readonly seen_at: number;
  readonly expires_at: number;
}

export function beat(tx: Transaction, sessions: readonly Session[]): BeatResult[] {
  return sessions.map((session) => beatOne(tx, session));
}

function beatOne(tx: Transaction, session: Session): BeatResult {
  const kept = isAlive(tx, session.id);
  const { id, host, pid, version, queues, lagMs, ttlMs } = session;
  tx.db.run(BEAT, id, host, pid, version, JSON.stringify(queues), lagMs, tx.now, tx.now, tx.now + ttlMs);
  return { outcome: kept ? 'kept' : 'begun' };
}

/** Answers how many leases were handed back. */
export function endSession(tx: Transaction, id: string): number {
  const held = tx.db.all<{ seq: number }>(HELD, id);
  for (const { seq } of held) {
    const row = rowOf(tx.db, seq);
    if (row !== null) release(tx, row, { next: { to: 'released', afterMs: 0, why: 'the session ended' } });
  }
  tx.db.run(FORGET, id);
  return held.length;
}

export function leases(tx: Transaction, session: string): LeaseRef[] {
  return tx.db
    .all<LeaseRef & Record<string, never>>(LEASES, session)
    .map(({ queue, id, token }) => ({ queue, id, token }));
}

export function sessions(tx: Transaction): SessionRecord[] {
  return read(tx, tx.now);
}

/** Also those that ended and that upkeep has not forgotten yet. */
export function allSessions(tx: Transaction): SessionRecord[] {
  return read(tx, Number.MIN_SAFE_INTEGER);
}

function read(tx: Transaction, after: number): SessionRecord[] {
  const records = tx.db.all<SessionRow>(READ, after).map(toRecord);
  return records.sort((one, other) => (one.id < other.id ? -1 : 1));
}

function toRecord(row: SessionRow): SessionRecord {
  return {
    id: row.id,
    host: row.host,
    pid: row.pid,
    version: row.version,
    queues: JSON.parse(row.queues) as SessionRecord['queues'],
    lagMs: row.lag_ms,
    startedAt: row.started_at,
    seenAt: row.seen_at,
    expiresAt: row.expires_at,
  };
}
