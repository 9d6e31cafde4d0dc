/** The numbers kept per queue: jobs in each state, and totals since the queue was made. */

import type { Counts, Totals } from '../../job/queue-settings.ts';
import { JOB_STATES } from '../../job/record.ts';

/** Finished jobs that the queue's own retention judges, one number a state. */
const RULED_COLUMNS = ['ruled_completed', 'ruled_failed', 'ruled_cancelled'] as const;

const COUNT_COLUMNS = [
  'count_waiting',
  'count_delayed',
  'count_blocked',
  'count_active',
  'count_parked',
  'count_completed',
  'count_failed',
  'count_cancelled',
] as const;

const TOTAL_COLUMNS = [
  'total_added',
  'total_completed',
  'total_failed',
  'total_cancelled',
  'total_attempts_failed',
  'total_released',
  'total_reclaimed',
  'total_duplicates',
  'total_removed',
] as const;

export type TallyColumn =
  | (typeof COUNT_COLUMNS)[number]
  | (typeof RULED_COLUMNS)[number]
  | (typeof TOTAL_COLUMNS)[number];
const COLUMNS: readonly TallyColumn[] = [...COUNT_COLUMNS, ...RULED_COLUMNS, ...TOTAL_COLUMNS];
export type TallyRow = Readonly<Record<TallyColumn, number>>;

/** The column list for a select, and the statement that adds a tally to its queue's numbers. */
export const TALLY_COLUMNS: string = COLUMNS.join(', ');
export const ADD_TALLY: string = `update millrace_queue set ${COLUMNS.map((column) => `${column} = ${column} + ?`).join(', ')} where id = ?`;

/** Differences that one transaction makes; written once at its end, however many jobs it moves. */
export class Tally {
  readonly #numbers = new Map<TallyColumn, number>();

  add(column: TallyColumn, difference: number): void {
    this.#numbers.set(column, (this.#numbers.get(column) ?? 0) + difference);
  }

  /** The differences in the order of the statement's values, and none from now on. */
  take(): number[] | null {
    if (this.#numbers.size === 0) return null;
    const values = COLUMNS.map((column) => this.#numbers.get(column) ?? 0);
    this.#numbers.clear();
    return values;
  }
}

export function countsOf(row: TallyRow): Counts {
  return Object.fromEntries(JOB_STATES.map((state) => [state, row[`count_${state}`]])) as Counts;
}

export function totalsOf(row: TallyRow): Totals {
  return {
    added: row.total_added,
    completed: row.total_completed,
    failed: row.total_failed,
    cancelled: row.total_cancelled,
    attemptsFailed: row.total_attempts_failed,
    released: row.total_released,
    reclaimed: row.total_reclaimed,
    duplicates: row.total_duplicates,
    removed: row.total_removed,
  };
}
