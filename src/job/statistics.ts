import { addHistograms } from './histogram.ts';

/** What happened to one job, for the statistics of its queue and name. */
export interface Counted {
  readonly event?: 'added' | 'completed' | 'failed' | 'retried';
  readonly waitMs?: number;
  readonly runMs?: number;
}

/** The numbers of a minute or an hour. */
export interface Sums {
  readonly added: number;
  readonly completed: number;
  readonly failed: number;
  readonly retried: number;
  readonly wait: readonly number[];
  readonly run: readonly number[];
}

export function addSums(one: Sums, other: Sums): Sums {
  return {
    added: one.added + other.added,
    completed: one.completed + other.completed,
    failed: one.failed + other.failed,
    retried: one.retried + other.retried,
    wait: addHistograms(one.wait, other.wait),
    run: addHistograms(one.run, other.run),
  };
}
