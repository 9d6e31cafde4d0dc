import type { JobFilter } from './filter.ts';
import type { JobState } from './record.ts';

export type OperationKind = 'redrive' | 'discard' | 'cancel' | 'promote';

/** States an operation means when its filter names none: those in which its effect can do something. */
const DEFAULT_STATES: Readonly<Record<OperationKind, readonly JobState[]>> = {
  redrive: ['failed'],
  cancel: ['waiting', 'delayed', 'blocked', 'active', 'parked'],
  promote: ['delayed'],
  discard: ['waiting', 'delayed', 'blocked', 'parked', 'completed', 'failed', 'cancelled'],
};

export function operationFilter(kind: OperationKind, filter: JobFilter): JobFilter {
  return { ...filter, states: filter.states ?? DEFAULT_STATES[kind] };
}

/** How many jobs an operation may touch now, `touched` of them being behind it. */
export function allowanceOf(ratePerSecond: number | null, elapsedMs: number, touched: number): number {
  if (ratePerSecond === null) return Number.POSITIVE_INFINITY;
  return Math.max(0, Math.floor((ratePerSecond * Math.max(0, elapsedMs)) / 1_000) - touched);
}
