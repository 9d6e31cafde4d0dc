import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { durationMs, durationText } from './duration.ts';

test.each([
  [0, 0],
  [1_500, 1_500],
  [0.4, 0],
  ['500ms', 500],
  ['1.5s', 1_500],
  ['90s', 90_000],
  ['15m', 900_000],
  ['1h30m', 5_400_000],
  ['7d', 604_800_000],
  ['2w', 1_209_600_000],
])('%s is %d ms', (value, ms) => {
  expect(durationMs(value)).toBe(ms);
});

test.each([
  -1,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  '',
  '10',
  '5 s',
  '-5s',
  '1y',
  '1e3s',
  's',
  '1h-30m',
  `${'9'.repeat(400)}s`,
  null,
  undefined,
  {},
])('%s is no length of time', (value) => {
  expect(durationMs(value)).toBeNull();
});

test('every whole number of milliseconds is written so that it reads back the same', async () => {
  await fc.assert(
    fc.property(fc.nat({ max: 3_000_000_000 }), (ms) => {
      expect(durationMs(durationText(ms))).toBe(ms);
    }),
  );
});

test('the text is the shortest exact one', () => {
  expect([90_000, 5_400_000, 86_400_000, 1_001, 0].map(durationText)).toEqual([
    '90s',
    '90m',
    '1d',
    '1001ms',
    '0ms',
  ]);
});
