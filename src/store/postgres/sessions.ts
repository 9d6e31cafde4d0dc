import type { BeatResult, Session } from '../store.ts';
import type { Database } from './database.ts';
import type { SqlValue } from './driver.ts';
import { release } from './settle.ts';
import type { Transaction } from './transaction.ts';

const BEAT = 'select pg_catalog.array_to_json({s}.beat_v1($1, $2))::pg_catalog.text';
const KEEP_ALIVE = 'select pg_catalog.array_to_json({s}.keep_alive_v1($1, $2))::pg_catalog.text';
const HELD = `
  select seq from (
    select seq, token from {s}.lease where worker = $1
    union all
    select n.seq, b.first_token + n.place - 1 from {s}.batch b, unnest(b.seqs) with ordinality n(seq, place)
    where b.worker = $1 and n.seq is not null
  ) x order by token`;
const FORGET = 'delete from {s}.session where id = $1';
const FORGET_IDLE = 'delete from {s}.idle where worker = $1';

/** One statement, which is its own transaction. `now`: null for the server's clock. */
export async function beat(
  db: Database,
  sessions: readonly Session[],
  now: number | null,
): Promise<BeatResult[]> {
  const kept = (await told<boolean>(db, BEAT, [textOf(sessions), now])) ?? [];
  return kept.map((alive) => ({ outcome: alive ? 'kept' : 'begun' }));
}

/** As `beat`, for sessions that live and are known here; null for others, which are left to whoever begins them. */
export async function keepAlive(db: Database, sessions: readonly Session[]): Promise<(BeatResult | null)[]> {
  const alive = new Set(await told<string>(db, KEEP_ALIVE, [textOf(sessions), null]));
  return sessions.map(({ id }) => (alive.has(id) ? { outcome: 'kept' } : null));
}

async function told<T>(db: Database, statement: string, values: SqlValue[]): Promise<T[] | null> {
  const [row] = await db.tuples<readonly [string | null]>(statement, ...values);
  return row?.[0] == null ? null : (JSON.parse(row[0]) as T[]);
}

function textOf(sessions: readonly Session[]): string {
  const rows = sessions.map(({ id, host, pid, version, queues, lagMs, ttlMs }) => ({
    ...{ id, host, pid, version, lag: lagMs, ttl: ttlMs },
    queues: JSON.stringify(queues),
  }));
  return JSON.stringify(rows);
}

/** Answers how many leases were handed back. */
export async function endSession(tx: Transaction, id: string): Promise<number> {
  const held = await tx.db.all<{ seq: number }>(HELD, id);
  const rows = await tx.jobsBySeq(held.map(({ seq }) => seq));
  const mine = rows.filter((row) => row.held && row.worker === id);
  for (const row of mine)
    release(tx, row, { next: { to: 'released', afterMs: 0, why: 'the session ended' } });
  await tx.db.run(FORGET, id);
  await tx.db.run(FORGET_IDLE, id);
  return mine.length;
}
