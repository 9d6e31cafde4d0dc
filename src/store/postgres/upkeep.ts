import { HOURS_KEPT_MS, MINUTES_KEPT_MS, REMEMBERED_MS } from '../../job/keep.ts';
import { isLongEnough } from '../../job/lease.ts';
import type { UpkeepBudget, UpkeepReport } from '../store.ts';
import { NOT_LEADING } from '../upkeep-report.ts';
import { expireAll } from './expire.ts';
import { pruneChanges } from './feed.ts';
import { forgetOperations, operate, untilNextSlice } from './operations.ts';
import { promoteAll } from './promote.ts';
import { prune } from './prune.ts';
import { reclaim } from './reclaim.ts';
import type { Transaction } from './transaction.ts';

/**
 * While one does this, another one has nothing to do. Whoever stands still in the middle of it (its event loop is
 * blocked, its process stopped) is ended by the server soon, or nobody would take back its own jobs.
 */
export const LOCK: string = `
  select pg_try_advisory_xact_lock(19820, hashtext('{schema}')) as free,
    set_config('idle_in_transaction_session_timeout', '3s', true)`;
export const READ_LEADER: string = 'select holder, expires_at from {s}.leader where one = 1';
const WRITE_LEADER = `
  insert into {s}.leader (one, holder, expires_at) values (1, $1, $2)
  on conflict (one) do update set holder = excluded.holder, expires_at = excluded.expires_at`;
/** Sessions that are over and hold nothing, ids of calls that nobody can be repeating, and the folding of numbers. */
const FORGET = 'select {s}.forget_v1($1, $2, $3, $4)';
/** One minimum a queue, each read off the end of an index. */
const NEXT_DUE = `
  select min(least(
    (select d.due_at from {s}.delayed d where d.queue_id = q.id order by d.due_at limit 1),
    (select e.expires_at from {s}.expiring e where e.queue_id = q.id order by e.expires_at limit 1)
  )) as at from {s}.queue q where not q.paused`;

/** What must happen though nobody asks; one leader at a time, each chore within the budget. */
export async function upkeep(tx: Transaction, budget: UpkeepBudget): Promise<UpkeepReport> {
  if (!(await lead(tx, budget))) return NOT_LEADING;
  const { limit } = budget;
  const promoted = await promoteAll(tx, limit);
  const reclaimed = budget.reclaim
    ? await reclaim(tx, limit)
    : { reclaimed: [], more: false, suspicionMs: 0 };
  await tx.flush();
  const expired = await expireAll(tx, limit);
  const pruned = await prune(tx, limit);
  const operated = await operate(tx, limit);
  await tx.flush();
  await tx.db.run(FORGET, tx.now, tx.now - REMEMBERED_MS, tx.now - MINUTES_KEPT_MS, tx.now - HOURS_KEPT_MS);
  await pruneChanges(tx);
  await forgetOperations(tx);
  return {
    led: true,
    promoted: promoted.touched,
    reclaimed: reclaimed.reclaimed,
    suspicionMs: reclaimed.suspicionMs,
    expired: expired.touched,
    pruned: pruned.touched,
    operated: operated.done,
    more: [promoted, reclaimed, expired, pruned, operated].some(({ more }) => more),
    nextDueInMs: await nextDueInMs(tx),
  };
}

async function lead(tx: Transaction, { holder, leaderLeaseMs }: UpkeepBudget): Promise<boolean> {
  if ((await tx.db.get<{ free: boolean }>(LOCK))?.free !== true) return false;
  const leader = await tx.db.get<{ holder: string; expires_at: number }>(READ_LEADER);
  if (leader !== undefined && leader.holder !== holder && leader.expires_at > tx.now) return false;
  if (leader?.holder === holder && isLongEnough(leader.expires_at - tx.now, leaderLeaseMs)) return true;
  await tx.db.run(WRITE_LEADER, holder, tx.now + leaderLeaseMs);
  return true;
}

async function nextDueInMs(tx: Transaction): Promise<number | null> {
  const at = (await tx.db.get<{ at: number | null }>(NEXT_DUE))?.at ?? null;
  const times = [at === null ? null : Math.max(0, at - tx.now), await untilNextSlice(tx)].filter(
    (ms) => ms !== null,
  );
  return times.length === 0 ? null : Math.min(...times);
}
