/** Durations and counts as people read them, the same in every place that speaks to them. */

const HOUR_MS = 3_600_000;

/** `840 ms`, `1.2 s`, `13m52s`, `2h5m`, `3d4h`: two units at most. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${Math.floor(ms / 100) / 10} s`;
  if (ms < 60_000) return `${Math.floor(ms / 1_000)} s`;
  if (ms < HOUR_MS) return twoUnits(ms, [60_000, 'm'], [1_000, 's']);
  if (ms < 24 * HOUR_MS) return twoUnits(ms, [HOUR_MS, 'h'], [60_000, 'm']);
  return twoUnits(ms, [24 * HOUR_MS, 'd'], [HOUR_MS, 'h']);
}

type Unit = readonly [ms: number, name: string];

function twoUnits(ms: number, [largeMs, large]: Unit, [smallMs, small]: Unit): string {
  const rest = Math.floor((ms % largeMs) / smallMs);
  return `${Math.floor(ms / largeMs)}${large}${rest === 0 ? '' : rest + small}`;
}

/** `1,234`. */
export function formatCount(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `3 jobs`, `1 job`. */
export function countOf(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}
