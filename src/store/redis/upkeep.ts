import type { JobState } from '../../job/record.ts';
import type { Reclaimed, UpkeepBudget, UpkeepReport } from '../store.ts';
import { NOT_LEADING } from '../upkeep-report.ts';
import { Cursor } from './cursor.ts';
import type { Engine } from './engine.ts';
import { type Operated, operate } from './operations.ts';
import { KEEP_UP, KEEP_UP_AFTER } from './upkeep-scripts.ts';

const NONE: Operated = { done: 0, more: false, nextInMs: null };

/** One step, unless there are bulk operations: what those mean is found out here, page by page. */
export async function upkeep(engine: Engine, budget: UpkeepBudget): Promise<UpkeepReport> {
  const { holder, leaderLeaseMs, limit, reclaim } = budget;
  const cursor = new Cursor(await engine.write(KEEP_UP, [holder, leaderLeaseMs, limit, reclaim ? 1 : 0]));
  if (cursor.number() === 0) return NOT_LEADING;
  const reclaimed = readReclaimed(cursor);
  const promoted = cursor.number();
  const suspicionMs = cursor.number();
  const expired = cursor.number();
  const pruned = cursor.number();
  const more = cursor.number() === 1;
  const runs = cursor.number() > 0;
  const operated = runs ? await operate(engine, limit) : NONE;
  const due = runs ? new Cursor(await engine.write(KEEP_UP_AFTER, [])).number() : cursor.number();
  return {
    led: true,
    promoted,
    reclaimed,
    suspicionMs,
    expired,
    pruned,
    operated: operated.done,
    more: more || operated.more,
    nextDueInMs: earlier(due < 0 ? null : due, operated.nextInMs),
  };
}

function readReclaimed(cursor: Cursor): Reclaimed[] {
  return Array.from({ length: cursor.number() }, () => ({
    queue: cursor.text(),
    id: cursor.text(),
    token: cursor.number(),
    worker: cursor.text(),
    crashes: cursor.number(),
    state: cursor.text() as JobState,
  }));
}

function earlier(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other;
  return Math.min(one, other);
}
