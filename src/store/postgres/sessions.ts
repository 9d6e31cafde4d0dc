import type { BeatResult, Session } from '../store.ts';
import { release } from './settle.ts';
import type { Transaction } from './transaction.ts';

/** In one order, so that two who beat for the same sessions do not wait for each other in a circle. */
const BEAT = `
  with wanted as materialized (
    select w.*, s.expires_at > $2 as kept
    from rows from (json_to_recordset($1) as (id text, ttl bigint, host text, pid integer, version text, queues text,
      lag double precision)) with ordinality w(id, ttl, host, pid, version, queues, lag, place)
    left join {s}.session s on s.id = w.id order by w.id
  ), beaten as (
    insert into {s}.session as s (id, host, pid, version, queues, lag_ms, started_at, seen_at, expires_at)
    select id, host, pid, version, queues, lag, $2, $2, $2 + ttl from wanted
    on conflict (id) do update set host = excluded.host, pid = excluded.pid, version = excluded.version,
      queues = excluded.queues, lag_ms = excluded.lag_ms, seen_at = excluded.seen_at,
      expires_at = excluded.expires_at
  )
  select coalesce(kept, false) as kept from wanted order by place`;
const HELD = `
  select seq from (
    select seq, token from {s}.lease where worker = $1
    union all
    select n.seq, b.first_token + n.place - 1 from {s}.batch b, unnest(b.seqs) with ordinality n(seq, place)
    where b.worker = $1 and n.seq is not null
  ) x order by token`;
const FORGET = 'delete from {s}.session where id = $1';
const FORGET_IDLE = 'delete from {s}.idle where worker = $1';

export async function beat(tx: Transaction, sessions: readonly Session[]): Promise<BeatResult[]> {
  const rows = sessions.map(({ id, host, pid, version, queues, lagMs, ttlMs }) => ({
    ...{ id, host, pid, version, lag: lagMs, ttl: ttlMs },
    queues: JSON.stringify(queues),
  }));
  const answers = await tx.db.all<{ kept: boolean }>(BEAT, JSON.stringify(rows), tx.now);
  return answers.map(({ kept }) => ({ outcome: kept ? 'kept' : 'begun' }));
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
