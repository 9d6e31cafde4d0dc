/** Short lists that are read whole: sessions, the leases of one worker, operations and the audit. */

import type { LeaseRef } from '../../job/record.ts';
import { type OperationRow, toOperation } from '../operation-row.ts';
import type { AuditRecord, OperationRecord, SessionRecord } from '../store.ts';
import { stateNumber } from './row.ts';
import type { Transaction } from './transaction.ts';

const SESSIONS = 'select * from {s}.session where expires_at > $1 order by id collate "C"';
const LEASES = `
  select q.name as queue, j.id, j.token from {s}.job_now j join {s}.queue q on q.id = j.queue_id
  where j.seq = any(array(
      select seq from {s}.lease where worker = $1
      union
      select unnest(seqs) from {s}.batch where worker = $1))
    and j.state = ${stateNumber('active')} and j.worker = $1
  order by j.token`;
const OPERATIONS = 'select * from {s}.operation order by started_at, id collate "C"';
const AUDIT = 'select at, actor, op, queue, id, detail from {s}.audit order by number desc limit $1';

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

export function sessions(tx: Transaction): Promise<SessionRecord[]> {
  return readSessions(tx, tx.now);
}

/** Also those that ended and that upkeep has not forgotten yet. */
export function allSessions(tx: Transaction): Promise<SessionRecord[]> {
  return readSessions(tx, Number.MIN_SAFE_INTEGER);
}

async function readSessions({ db }: Transaction, after: number): Promise<SessionRecord[]> {
  return (await db.all<SessionRow>(SESSIONS, after)).map((row) => ({
    id: row.id,
    host: row.host,
    pid: row.pid,
    version: row.version,
    queues: JSON.parse(row.queues) as SessionRecord['queues'],
    lagMs: row.lag_ms,
    startedAt: row.started_at,
    seenAt: row.seen_at,
    expiresAt: row.expires_at,
  }));
}

export function leases({ db }: Transaction, session: string): Promise<LeaseRef[]> {
  return db.all<LeaseRef>(LEASES, session);
}

/** The newest first. */
export function audit({ db }: Transaction, limit: number): Promise<AuditRecord[]> {
  return db.all<AuditRecord>(AUDIT, limit);
}

export async function operations({ db }: Transaction): Promise<OperationRecord[]> {
  return (await db.all<OperationRow>(OPERATIONS)).map(toOperation);
}
