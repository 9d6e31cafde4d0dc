/** Lengths of time as people write them: a number of milliseconds, or text such as `500ms`, `90s`, `1h30m`, `7d`. */

type Unit = 'ms' | 's' | 'm' | 'h' | 'd' | 'w';

/** Text with its unit: `500ms`, `90s`, `15m`, `1h30m`, `7d`, `2w`. */
export type DurationText = `${number}${Unit}` | `${number}${Unit}${number}${Unit}`;

/** Milliseconds as a number, or text with its unit. */
export type Duration = number | DurationText;

const UNITS: readonly (readonly [Unit, number])[] = [
  ['w', 604_800_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
];
const UNIT_MS: ReadonlyMap<string, number> = new Map(UNITS);

const WHOLE = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d|w))+$/;
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g;

/** What `durationMs` takes, for messages. */
export const DURATION_EXAMPLES = 'milliseconds as a number, or text such as "500ms", "30s", "1h30m" or "7d"';

/** Milliseconds, rounded to whole ones; null when it is not a length of time. */
export function durationMs(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? Math.round(value) : null;
  if (typeof value !== 'string' || value.length > 64 || !WHOLE.test(value)) return null;
  let sumMs = 0;
  for (const [, amount, unit] of value.matchAll(PART)) {
    sumMs += Number(amount) * (UNIT_MS.get(unit ?? '') ?? Number.NaN);
  }
  return Number.isFinite(sumMs) ? Math.round(sumMs) : null;
}

/** The shortest exact text: `90000` becomes `90s`, `5400000` becomes `90m`. Reads back as the same number. */
export function durationText(ms: number): string {
  for (const [unit, unitMs] of UNITS) {
    if (ms >= unitMs && ms % unitMs === 0) return `${ms / unitMs}${unit}`;
  }
  return `${ms}ms`;
}
