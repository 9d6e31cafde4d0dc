import { bucketOf } from '../../job/histogram.ts';
import type { JobState } from '../../job/record.ts';

/** Columns of `delta` that are numbers; see the tables. */
export type SumColumn =
  | JobState
  | 'ruled_completed'
  | 'ruled_failed'
  | 'ruled_cancelled'
  | 'total_added'
  | 'total_completed'
  | 'total_failed'
  | 'total_cancelled'
  | 'total_attempts_failed'
  | 'total_released'
  | 'total_reclaimed'
  | 'total_duplicates'
  | 'total_removed'
  | 'stat_added'
  | 'stat_completed'
  | 'stat_failed'
  | 'stat_retried';

/** A bucket of a histogram that was hit once, as `delta` has it: 1024 times its number, and how many times. */
export function hitOf(ms: number): number {
  return bucketOf(ms) * 1_024 + 1;
}

/** One row of `delta`: what one call changes in the numbers of a queue and, with a name, in its statistics. */
class Sum {
  readonly waits: number[] = [];
  readonly runs: number[] = [];
  readonly #numbers = new Map<SumColumn, number>();

  add(column: SumColumn, difference: number): void {
    this.#numbers.set(column, (this.#numbers.get(column) ?? 0) + difference);
  }

  row(): Record<string, number | number[]> {
    const hits = {
      ...(this.waits.length > 0 && { wait_hits: this.waits }),
      ...(this.runs.length > 0 && { run_hits: this.runs }),
    };
    return { ...Object.fromEntries([...this.#numbers].filter(([, value]) => value !== 0)), ...hits };
  }
}

/** Differences that one call makes; written once at its end, however many jobs it moves. */
export class Sums {
  readonly #sums = new Map<string, { queue: number; name: string | null; sum: Sum }>();

  /** Without a name: of the queue alone. */
  of(queue: number, name: string | null = null): Sum {
    const key = name === null ? `${queue}` : `${queue} ${name}`;
    const known = this.#sums.get(key);
    if (known !== undefined) return known.sum;
    const sum = new Sum();
    this.#sums.set(key, { queue, name, sum });
    return sum;
  }

  /** The rows, and none from now on. */
  take(): object[] {
    const rows = [...this.#sums.values()].flatMap(({ queue, name, sum }) => {
      const row = sum.row();
      return Object.keys(row).length === 0 ? [] : [{ queue_id: queue, name, ...row }];
    });
    this.#sums.clear();
    return rows;
  }

  /** The queue was deleted. */
  forget(queue: number): void {
    for (const [key, entry] of this.#sums) if (entry.queue === queue) this.#sums.delete(key);
  }
}
