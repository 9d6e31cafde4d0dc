import type { Head, HistoryLine } from '../line.ts';

/** Clocks of different machines are taken to agree as well as this, unless the caller knows better. */
export const DEFAULT_TOLERANCE_MS = 1_000;

export interface SharedTime {
  readonly at: (line: HistoryLine) => number;
  readonly toleranceMs: number;
}

/**
 * Processes of one start of one machine share its monotonic clock: their lines are in order exactly, however wrong
 * their wall clocks are. Otherwise each process is placed by what its wall clock said when it began, and goes on from
 * there by its monotonic clock, so that a jump of a wall clock in between moves nothing.
 */
export function sharedTime(heads: ReadonlyMap<string, HistoryLine>, toleranceMs: number): SharedTime {
  const boots = new Set([...heads.values()].map((line) => (line.args as Head).boot));
  if (boots.size <= 1 && !boots.has(null)) return { at: (line) => line.mono, toleranceMs: 0 };
  const offsets = new Map([...heads].map(([name, { wall, mono }]) => [name, wall - mono]));
  return { at: (line) => line.mono + (offsets.get(line.process) ?? 0), toleranceMs };
}
