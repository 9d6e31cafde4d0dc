import { expect, test } from 'vitest';
import { InvalidOptionError } from '../errors.ts';
import { parseDuration } from './duration.ts';

test.each([
  ['500ms', 500],
  ['1.5s', 1_500],
  ['10m', 600_000],
  ['1h30m', 5_400_000],
  ['2d', 172_800_000],
])('%s is read as %d ms', (text, ms) => {
  expect(parseDuration(text, '--delay')).toBe(ms);
});

test.each(['', '10', '-5s', '5 s', '1y', '1h-30m', 'abc', '1e3s'])('"%s" is refused', (text) => {
  expect(() => parseDuration(text, '--delay')).toThrow(InvalidOptionError);
});

test('a number without a unit is answered with what may have been meant', () => {
  expect(() => parseDuration('10', '--delay')).toThrow(/Did you mean 10s or 10ms/);
});
