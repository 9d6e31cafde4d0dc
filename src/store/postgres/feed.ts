/**
 * The change feed. Whoever works only appends to "told"; numbers that a reader can rely on are given by the first one
 * who reads, under the lock of "feed": so a change that is committed late gets a late number, and none is overlooked.
 */

import { CHANGES_KEPT, CHANGES_KEPT_MS } from '../../job/keep.ts';
import { sleep, systemClock } from '../../runtime/clock.ts';
import type { Change, FeedPage, FeedRequest } from '../store.ts';
import type { Engine } from './engine.ts';
import { isRecorded } from './queue.ts';
import type { Transaction } from './transaction.ts';

const LOCK = 'select last_cursor from {s}.feed for update';
/**
 * In one statement, so that what is deleted there is inserted here. By the places of the rows: a join could compare each
 * with each, where the server thinks that the table is empty.
 */
const GATHER = `
  with gone as (
    delete from {s}.told where ctid = any (array(select ctid from {s}.told order by number limit $2))
    returning number, at, queue, kind, id, name, data
  ), moved as (
    insert into {s}.change (cursor, at, queue, kind, id, name, data)
    select $1::bigint + row_number() over (order by number), at, queue, kind, id, name, data from gone
    returning 1
  )
  select count(*) from moved`;
const SAVE = 'update {s}.feed set last_cursor = $1';

const READ_RECORDINGS = 'select queue, until_at, floor from {s}.recording where queue = any($1::text[])';
const START = `
  insert into {s}.recording (queue, until_at, floor) values ($1, 0, $2)
  on conflict (queue) do update set floor = excluded.floor`;
const KEEP_ON = `
  insert into {s}.recording as r (queue, until_at, floor)
  select wanted, $2, 0 from unnest($1::text[]) wanted order by wanted
  on conflict (queue) do update set until_at = greatest(r.until_at, excluded.until_at)`;
const SINCE = `
  select f.cursor, f.at, f.queue, f.kind, f.id, f.name, f.data from unnest($1::text[]) wanted
  cross join lateral (
    select * from {s}.change c where c.queue = wanted and c.cursor > $2 order by c.cursor limit $3) f
  order by f.cursor limit $3`;

/** Rows moved by one statement; together they stand in memory of the server. */
const GATHER_SLICE = 10_000;

interface Recording {
  readonly queue: string;
  readonly until_at: number;
  readonly floor: number;
}

export interface FedPage {
  readonly page: FeedPage;
  /** The transaction from which on a queue is recorded that was not before; null: there was none. */
  readonly beganIn: string | null;
}

const XACT = 'select pg_current_xact_id()::text as id';
const ARE_OVER = 'select pg_snapshot_xmin(pg_current_snapshot()) >= $1::text::xid8 as over';
const LOOK_MS = 10;
/** Somebody's long transaction does not keep a reader waiting for longer. */
const LOOKS = 50;

/** Asking keeps the recording on; a queue that was not recorded until now is from here on. */
export async function feed(tx: Transaction, request: FeedRequest): Promise<FedPage> {
  const names = [...new Set(request.queues)];
  await gather(tx);
  await tx.needQueues(names);
  const beginning = await unrecorded(tx, names);
  for (const queue of beginning) await startRecording(tx, queue);
  const page = await pageOf(tx, request, names);
  if (beginning.length === 0) return { page, beganIn: null };
  return { page, beganIn: (await tx.db.get<{ id: string }>(XACT))?.id ?? null };
}

/**
 * Calls that had written before did not see that anybody listens, and may still be about to commit. Who looks at the jobs
 * after this sees what they did, so that no change falls in between.
 */
export async function othersAreOver(engine: Engine, beganIn: string): Promise<void> {
  for (let looks = 0; looks < LOOKS; looks += 1) {
    const row = await engine.call((db) => db.get<{ over: boolean }>(ARE_OVER, beganIn));
    if (row?.over !== false) return;
    await sleep(systemClock, LOOK_MS);
  }
}

async function pageOf(tx: Transaction, request: FeedRequest, names: readonly string[]): Promise<FeedPage> {
  await tx.db.run(KEEP_ON, names, tx.now + request.keepMs);
  const last = await lastCursor(tx);
  const { after, limit } = request;
  if (after === null) return { changes: [], cursor: last, complete: true };
  const recordings = await tx.db.all<Recording>(READ_RECORDINGS, names);
  const complete = recordings.every(({ floor }) => after >= floor);
  const changes = await tx.db.all<Change>(SINCE, names, after, limit);
  const isFull = changes.length === limit;
  return { changes, cursor: isFull ? (changes.at(-1)?.cursor ?? after) : last, complete };
}

async function unrecorded(tx: Transaction, names: readonly string[]): Promise<string[]> {
  const known = await tx.db.all<Recording>(READ_RECORDINGS, names);
  const recorded = new Set(
    known.filter(({ until_at: untilAt }) => tx.now < untilAt).map(({ queue }) => queue),
  );
  return names.filter((name) => {
    const queue = tx.knownQueue(name);
    return !recorded.has(name) && !(queue !== null && isRecorded(queue, tx.now));
  });
}

/** Uses up a number: who read only up to before it may have missed changes. What was told before comes before it. */
export async function startRecording(tx: Transaction, queue: string): Promise<void> {
  await gather(tx);
  const floor = (await lastCursor(tx)) + 1;
  await tx.db.run(SAVE, floor);
  await tx.db.run(START, queue, floor);
}

async function lastCursor({ db }: Transaction): Promise<number> {
  return (await db.get<{ last_cursor: number }>(LOCK))?.last_cursor ?? 0;
}

/** Gives what was told its numbers. The lock is held to the end of the transaction. */
export async function gather(tx: Transaction): Promise<void> {
  for (;;) {
    const last = await lastCursor(tx);
    const [row] = await tx.db.tuples<readonly [number]>(GATHER, last, GATHER_SLICE);
    const moved = row?.[0] ?? 0;
    if (moved > 0) await tx.db.run(SAVE, last + moved);
    if (moved < GATHER_SLICE) return;
  }
}

const DROP_OLD = `
  with old as (
    delete from {s}.change c where c.ctid = any (array(
      select place from (select ctid as place, cursor from {s}.change order by cursor limit $2) oldest
      where cursor < coalesce((
        select min(cursor) from (select cursor, at from {s}.change order by cursor limit $2) kept where at > $1),
        9223372036854775807)))
    returning c.queue, c.cursor
  )
  update {s}.recording r set floor = greatest(r.floor, o.cursor)
  from (select queue, max(cursor) as cursor from old group by queue) o where r.queue = o.queue`;
const DROP_BEYOND = `
  with beyond as (
    select r.queue, (select c.cursor from {s}.change c where c.queue = r.queue order by c.cursor desc limit 1 offset $1)
      as cursor
    from {s}.recording r
  ), gone as (
    delete from {s}.change c using beyond b where c.queue = b.queue and c.cursor <= b.cursor
  )
  update {s}.recording r set floor = greatest(r.floor, b.cursor) from beyond b
  where r.queue = b.queue and b.cursor is not null`;

/** Changes dropped by one pass of upkeep at most, for age. */
const DROP_SLICE = 10_000;

/** Drops changes that are too old, and those beyond the newest of each queue. */
export async function pruneChanges(tx: Transaction): Promise<void> {
  await gather(tx);
  await tx.db.run(DROP_OLD, tx.now - CHANGES_KEPT_MS, DROP_SLICE);
  await tx.db.run(DROP_BEYOND, CHANGES_KEPT);
}
