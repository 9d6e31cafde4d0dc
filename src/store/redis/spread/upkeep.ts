import type { UpkeepBudget, UpkeepReport } from '../../store.ts';
import { upkeep } from '../upkeep.ts';
import type { Cells } from './cells.ts';

const AGAIN_MS = 1_000;

/** One leader for all, at home; then cell by cell, until the budget is used up. */
export class SpreadUpkeep {
  readonly #cells: Cells;
  /** Who came last begins the next time, so that no queue waits for the others for ever. */
  #first = 0;

  constructor(cells: Cells) {
    this.#cells = cells;
  }

  async run(budget: UpkeepBudget): Promise<UpkeepReport> {
    let sum = await upkeep(this.#cells.home, budget);
    if (!sum.led) return sum;
    const failures: unknown[] = [];
    const names = await this.#cells.names();
    for (const [nth] of names.entries()) {
      const limit = budget.limit - touched(sum);
      if (limit <= 0) {
        this.#first = (this.#first + nth) % names.length;
        return { ...sum, more: true, nextDueInMs: 0 };
      }
      const queue = names[(this.#first + nth) % names.length] ?? '';
      try {
        sum = added(sum, await upkeep(this.#cells.at(queue), { ...budget, limit }));
      } catch (error) {
        // A master that is away keeps nobody else from being looked after.
        failures.push(error);
      }
    }
    if (failures.length > 0 && failures.length === names.length) throw failures[0];
    return failures.length === 0 ? sum : { ...sum, nextDueInMs: earlier(sum.nextDueInMs, AGAIN_MS) };
  }
}

/** The most that any chore has done. */
function touched({ promoted, reclaimed, expired, pruned, operated }: UpkeepReport): number {
  return Math.max(promoted, reclaimed.length, expired, pruned, operated);
}

function added(one: UpkeepReport, other: UpkeepReport): UpkeepReport {
  return {
    led: true,
    promoted: one.promoted + other.promoted,
    reclaimed: [...one.reclaimed, ...other.reclaimed],
    suspicionMs: Math.max(one.suspicionMs, other.suspicionMs),
    expired: one.expired + other.expired,
    pruned: one.pruned + other.pruned,
    operated: one.operated + other.operated,
    more: one.more || other.more,
    nextDueInMs: earlier(one.nextDueInMs, other.nextDueInMs),
  };
}

function earlier(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other;
  return Math.min(one, other);
}
