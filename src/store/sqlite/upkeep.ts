import { REMEMBERED_MS } from '../../job/keep.ts';
import { isLongEnough } from '../../job/lease.ts';
import type { UpkeepBudget, UpkeepReport } from '../store.ts';
import { NOT_LEADING } from '../upkeep-report.ts';
import { expireAll } from './expire.ts';
import { pruneChanges } from './feed.ts';
import { forgetOperations, operate, untilNextSlice } from './operations.ts';
import { promoteAll } from './promote.ts';
import { prune } from './prune.ts';
import { reclaim } from './reclaim.ts';
import { foldStats } from './stats.ts';
import type { Transaction } from './transaction.ts';

const READ_LEADER = 'select holder, expires_at from millrace_leader where one = 1';
const WRITE_LEADER = `
  insert into millrace_leader (one, holder, expires_at) values (1, ?, ?)
  on conflict do update set holder = excluded.holder, expires_at = excluded.expires_at`;
/** One that holds leases is needed to judge them. */
const FORGET_SESSIONS = `
  delete from millrace_session
  where expires_at <= ? and not exists (select 1 from millrace_lease where worker = millrace_session.id)`;
/** In slices: after a long rest there may be very many, and nobody is told of those that are left. */
const FORGET_REQUESTS = `
  delete from millrace_request where id in (
    select id from millrace_request where answered_at <= ? order by answered_at limit 10000)`;
const FORGET_CLAIMS = `
  delete from millrace_claim_batch where id in (
    select id from millrace_claim_batch where answered_at <= ? order by answered_at limit 10000)`;
/** One minimum a queue, each read off the end of an index. */
const NEXT_DUE = `
  select min(at) as at from (
    select (
      select min(j.due_at) from millrace_job j indexed by millrace_job_due
      where j.queue = q.id and j.due_at is not null and j.state in ('delayed', 'parked')
    ) as at from millrace_queue q where q.paused = 0
    union all
    select (
      select min(j.expires_at) from millrace_job j indexed by millrace_job_expires
      where j.queue = q.id and j.expires_at is not null and j.state in ('waiting', 'delayed')
    ) as at from millrace_queue q where q.paused = 0
  )`;

/** What must happen though nobody asks; one leader at a time, each chore within the budget. */
export function upkeep(tx: Transaction, budget: UpkeepBudget): UpkeepReport {
  if (!lead(tx, budget)) return NOT_LEADING;
  const { limit } = budget;
  const promoted = promoteAll(tx, limit);
  const reclaimed = budget.reclaim ? reclaim(tx, limit) : { reclaimed: [], more: false, suspicionMs: 0 };
  const expired = expireAll(tx, limit);
  const pruned = prune(tx, limit);
  const operated = operate(tx, limit);
  forget(tx);
  return {
    led: true,
    promoted: promoted.touched,
    reclaimed: reclaimed.reclaimed,
    suspicionMs: reclaimed.suspicionMs,
    expired: expired.touched,
    pruned: pruned.touched,
    operated: operated.done,
    more: [promoted, reclaimed, expired, pruned, operated].some(({ more }) => more),
    nextDueInMs: nextDueInMs(tx),
  };
}

function lead(tx: Transaction, { holder, leaderLeaseMs }: UpkeepBudget): boolean {
  const leader = tx.db.get<{ holder: string; expires_at: number }>(READ_LEADER);
  if (leader !== undefined && leader.holder !== holder && leader.expires_at > tx.now) return false;
  if (leader?.holder === holder && isLongEnough(leader.expires_at - tx.now, leaderLeaseMs)) return true;
  tx.db.run(WRITE_LEADER, holder, tx.now + leaderLeaseMs);
  return true;
}

function nextDueInMs(tx: Transaction): number | null {
  const at = tx.db.get<{ at: number | null }>(NEXT_DUE)?.at ?? null;
  const times = [at === null ? null : Math.max(0, at - tx.now), untilNextSlice(tx)].filter(
    (ms) => ms !== null,
  );
  return times.length === 0 ? null : Math.min(...times);
}

/** What nobody can be asking for any more. */
function forget(tx: Transaction): void {
  tx.db.run(FORGET_SESSIONS, tx.now);
  tx.db.run(FORGET_REQUESTS, tx.now - REMEMBERED_MS);
  tx.db.run(FORGET_CLAIMS, tx.now - REMEMBERED_MS);
  pruneChanges(tx);
  forgetOperations(tx);
  foldStats(tx);
}
