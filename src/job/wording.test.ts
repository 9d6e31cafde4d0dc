import { expect, test } from 'vitest';
import { countOf, formatCount, formatDuration } from './wording.ts';

test.each([
  [0, '0 ms'],
  [840, '840 ms'],
  [1_250, '1.2 s'],
  [13_999, '13 s'],
  [60_000, '1m'],
  [832_000, '13m52s'],
  [7_500_000, '2h5m'],
  [273_600_000, '3d4h'],
])('%d ms is written as %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test('counts have their thousands marked and their noun in the right number', () => {
  expect(formatCount(1_234_567)).toBe('1,234,567');
  expect(countOf(1, 'job')).toBe('1 job');
  expect(countOf(1_204, 'job')).toBe('1,204 jobs');
});
