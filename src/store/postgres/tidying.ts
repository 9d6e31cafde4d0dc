/**
 * Where nobody works, nobody leads upkeep; but what adding leaves behind (differences of numbers, answers that are kept
 * for repeated calls, changes) must not grow without bound. So those who add, and those who count, clear it away
 * beside their calls, a slice at a time. Nobody sees a difference but in what a count costs.
 */

import { REMEMBERED_MS } from '../../job/keep.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Random } from '../../runtime/random.ts';
import type { Engine } from './engine.ts';
import { pruneChanges } from './feed.ts';
import type { Transaction } from './transaction.ts';
import { LOCK, READ_LEADER } from './upkeep.ts';

/** Calls that add, from one slice to the next. Programs that add once and end are many: each begins somewhere. */
const EVERY = 1_000;
/** Who counts again and again need not look each time. */
const COUNTED_MS = 10_000;
const SLICE = 20_000;
/** After a count: what somebody without any process of ours (SQL, triggers) has left behind for long. */
const SLICES = 10;

const FOLD = 'select {s}.fold_v1($1, $2) as folded';
const FORGET_ANSWERS = `
  with requests as (
    delete from {s}.request where ctid = any (array(
      select ctid from {s}.request where answered_at <= $1 order by answered_at limit $2))
  )
  delete from {s}.claim_answer where ctid = any (array(
    select ctid from {s}.claim_answer where answered_at <= $1 order by answered_at limit $2))`;

export interface TidyingParts {
  readonly engine: Pick<Engine, 'now' | 'write'>;
  readonly clock: Clock;
  readonly random: Random;
}

export class Tidying {
  readonly #parts: TidyingParts;
  #left: number;
  #countedMs = Number.NEGATIVE_INFINITY;
  #underWay = false;

  constructor(parts: TidyingParts) {
    this.#parts = parts;
    this.#left = Math.ceil(parts.random.fraction() * EVERY);
  }

  /** A call has added something. */
  added(): void {
    this.#left -= 1;
    if (this.#left > 0) return;
    this.#left = EVERY;
    void this.#tidy(1);
  }

  /** Somebody has counted. */
  counted(): void {
    const nowMs = this.#parts.clock.monotonic();
    if (nowMs - this.#countedMs < COUNTED_MS) return;
    this.#countedMs = nowMs;
    void this.#tidy(SLICES);
  }

  /** Beside the call, which does not wait for it. Under a clock in a test's hands things happen when it says so. */
  async #tidy(slices: number): Promise<void> {
    const { engine } = this.#parts;
    if (this.#underWay || engine.now !== null) return;
    this.#underWay = true;
    try {
      for (let slice = 0; slice < slices && (await engine.write(tidy)); slice += 1);
    } catch {
      // Whoever comes next tries again.
    } finally {
      this.#underWay = false;
    }
  }
}

/** Answers whether there may be more. Leaves it to the leader where there is one. */
async function tidy(tx: Transaction): Promise<boolean> {
  const { db, now } = tx;
  const leader = await db.get<{ expires_at: number }>(READ_LEADER);
  if (leader !== undefined && leader.expires_at > now) return false;
  if ((await db.get<{ free: boolean }>(LOCK))?.free !== true) return false;
  const folded = (await db.get<{ folded: number }>(FOLD, now, SLICE))?.folded ?? 0;
  await db.run(FORGET_ANSWERS, now - REMEMBERED_MS, SLICE);
  await pruneChanges(tx);
  return folded >= SLICE;
}
