import { isLongEnough } from '../../job/lease.ts';
import type { UpkeepBudget, UpkeepReport } from '../store.ts';
import { NOT_LEADING } from '../upkeep-report.ts';
import { forgetRequests } from './apply.ts';
import { forgetClaims, untilDue } from './claim.ts';
import { expireAll } from './expire.ts';
import { pruneChanges } from './feed.ts';
import { forgetOperations, operate, untilNextSlice } from './operations.ts';
import { promoteAll } from './promote.ts';
import { prune } from './prune.ts';
import { reclaim } from './reclaim.ts';
import type { QueueState, State } from './state.ts';
import { foldStats } from './stats.ts';
import type { Step } from './step.ts';

/** What must happen though nobody asks; one leader at a time, each chore within the budget. */
export function upkeep(step: Step, budget: UpkeepBudget): UpkeepReport {
  if (!lead(step, budget)) return NOT_LEADING;
  const { limit } = budget;
  const promoted = promoteAll(step, limit);
  const reclaimed = budget.reclaim ? reclaim(step, limit) : { reclaimed: [], more: false, suspicionMs: 0 };
  const expired = expireAll(step, limit);
  const pruned = prune(step, limit);
  const operated = operate(step, limit);
  forget(step);
  return {
    led: true,
    promoted: promoted.touched,
    reclaimed: reclaimed.reclaimed,
    suspicionMs: reclaimed.suspicionMs,
    expired: expired.touched,
    pruned: pruned.touched,
    operated: operated.done,
    more: [promoted, reclaimed, expired, pruned, operated].some(({ more }) => more),
    nextDueInMs: nextDueInMs(step.state, step.nowMs),
  };
}

function lead({ state, nowMs }: Step, { holder, leaderLeaseMs }: UpkeepBudget): boolean {
  const { leader } = state;
  if (leader !== null && leader.holder !== holder && leader.untilAt > nowMs) return false;
  if (leader?.holder === holder && isLongEnough(leader.untilAt - nowMs, leaderLeaseMs)) return true;
  state.leader = { holder, untilAt: nowMs + leaderLeaseMs };
  return true;
}

function nextDueInMs(state: State, nowMs: number): number | null {
  const open = [...state.queues.values()].filter(({ settings }) => !settings.paused);
  const times = [
    ...open.map((queue) => untilDue(queue, nowMs)),
    ...open.map((queue) => untilExpiry(queue, nowMs)),
    untilNextSlice(state),
  ].filter((ms) => ms !== null);
  return times.length === 0 ? null : Math.min(...times);
}

function untilExpiry(queue: QueueState, nowMs: number): number | null {
  const expiresAt = queue.expiring.members[0]?.record.expiresAt ?? null;
  return expiresAt === null ? null : Math.max(0, expiresAt - nowMs);
}

/** What nobody can be asking for any more. */
function forget(step: Step): void {
  const { state, nowMs } = step;
  forgetSessions(state, nowMs);
  forgetRequests(step);
  forgetClaims(state, nowMs);
  pruneChanges(step);
  forgetOperations(step);
  foldStats(step);
}

/** One that holds leases is needed to judge them. */
function forgetSessions({ sessions, leased }: State, nowMs: number): void {
  const over = [...sessions.values()].filter(({ expiresAt }) => expiresAt <= nowMs);
  if (over.length === 0) return;
  const holders = new Set([...leased.values()].map(({ lease }) => lease?.worker));
  for (const { id } of over) if (!holders.has(id)) sessions.delete(id);
}
