/** The states of a job and the moves between them. Stores do the moves; this table says which there are. */

import { isFinished } from './keep.ts';
import { JOB_STATES, type JobState } from './record.ts';

/**
 * Where a job may go from each state. `waiting` leads to itself by a redrive into another queue, and straight to
 * `completed` in a queue that delivers at most once.
 */
export const MOVES: Readonly<Record<JobState, readonly JobState[]>> = Object.freeze({
  waiting: ['active', 'delayed', 'cancelled', 'completed', 'waiting'],
  delayed: ['waiting', 'delayed', 'cancelled'],
  blocked: ['waiting', 'cancelled'],
  active: ['completed', 'failed', 'delayed', 'waiting', 'parked', 'cancelled'],
  parked: ['waiting', 'cancelled'],
  completed: ['waiting'],
  failed: ['waiting'],
  cancelled: ['waiting'],
});

export const FINISHED_STATES: readonly JobState[] = JOB_STATES.filter(isFinished);
export const OPEN_STATES: readonly JobState[] = JOB_STATES.filter((state) => !isFinished(state));

/** Something is still to come: a run, a time, an edge. */
export function isOpen(state: JobState): boolean {
  return !isFinished(state);
}

export function canMove(from: JobState, to: JobState): boolean {
  return MOVES[from].includes(to);
}

export function isJobState(value: unknown): value is JobState {
  return typeof value === 'string' && (JOB_STATES as readonly string[]).includes(value);
}

export { isFinished } from './keep.ts';
