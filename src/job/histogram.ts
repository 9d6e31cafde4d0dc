/** Upper bounds of the buckets, inclusive. A histogram has one more bucket, for all that is longer. */
export const HISTOGRAM_BOUNDS_MS: readonly number[] = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 60_000, 300_000, 900_000,
  3_600_000,
];

export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;

/** Index of the bucket that a duration falls into. */
export function bucketOf(ms: number): number {
  const index = HISTOGRAM_BOUNDS_MS.findIndex((bound) => ms <= bound);
  return index === -1 ? HISTOGRAM_BOUNDS_MS.length : index;
}

export function emptyHistogram(): number[] {
  return new Array<number>(HISTOGRAM_BOUNDS_MS.length + 1).fill(0);
}

/** Counts one more duration, in place. */
export function countIn(histogram: number[], ms: number): void {
  const bucket = bucketOf(ms);
  histogram[bucket] = (histogram[bucket] ?? 0) + 1;
}

/** Bucket by bucket. */
export function addHistograms(one: readonly number[], other: readonly number[]): number[] {
  return one.map((count, index) => count + (other[index] ?? 0));
}

/** Start of the minute or hour that an instant lies in. */
export function startOf(at: number, stepMs: number): number {
  return Math.floor(at / stepMs) * stepMs;
}
