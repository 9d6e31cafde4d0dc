import { expect, test } from 'vitest';
import {
  addHistograms,
  bucketOf,
  emptyHistogram,
  HISTOGRAM_BOUNDS_MS,
  HOUR_MS,
  startOf,
} from './histogram.ts';

test('a duration falls into the first bucket whose bound it does not exceed, or the last', () => {
  expect(bucketOf(0)).toBe(0);
  expect(bucketOf(1)).toBe(0);
  expect(bucketOf(1.5)).toBe(1);
  expect(bucketOf(3_600_000)).toBe(HISTOGRAM_BOUNDS_MS.length - 1);
  expect(bucketOf(3_600_001)).toBe(emptyHistogram().length - 1);
});

test('histograms add up bucket by bucket', () => {
  expect(addHistograms([1, 0, 2], [0, 3, 4])).toEqual([1, 3, 6]);
});

test('an instant belongs to the hour that began last', () => {
  expect(startOf(2 * HOUR_MS, HOUR_MS)).toBe(2 * HOUR_MS);
  expect(startOf(2 * HOUR_MS - 1, HOUR_MS)).toBe(HOUR_MS);
});
