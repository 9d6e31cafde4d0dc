import type { Counts, Totals } from './queue-settings.ts';
import { JOB_STATES } from './record.ts';

export function noCounts(): Counts {
  return Object.fromEntries(JOB_STATES.map((state) => [state, 0])) as Counts;
}

export const NO_TOTALS: Totals = Object.freeze({
  added: 0,
  completed: 0,
  failed: 0,
  cancelled: 0,
  attemptsFailed: 0,
  released: 0,
  reclaimed: 0,
  duplicates: 0,
  removed: 0,
});
