import { expect, test } from 'vitest';
import { type BackoffStrategies, backoffMs, customBackoffMs } from './backoff.ts';
import { MAX_DELAY_MS } from './limits.ts';
import type { Backoff } from './record.ts';

const at = (fraction: number): { fraction(): number } => ({ fraction: () => fraction });
const fixed = (delayMs: number, jitter = 0): Backoff => ({ type: 'fixed', delayMs, jitter });
const exponential = (over: Partial<Extract<Backoff, { type: 'exponential' }>> = {}): Backoff => ({
  type: 'exponential',
  delayMs: 1_000,
  factor: 2,
  maxMs: 3_600_000,
  jitter: 0,
  ...over,
});

test('without a backoff the next attempt may follow at once', () => {
  expect(backoffMs(null, 1, at(0.5))).toBe(0);
});

test.each([1, 2, 7, 1_000_000])('fixed waits the same after failure %i', (failures) => {
  expect(backoffMs(fixed(250), failures, at(0.9))).toBe(250);
});

test.each([
  [1, 1_000],
  [2, 2_000],
  [3, 4_000],
  [12, 2_048_000],
  [13, 3_600_000],
  [1_000_000, 3_600_000],
])('exponential after failure %i waits %i ms, capped', (failures, expected) => {
  expect(backoffMs(exponential(), failures, at(0))).toBe(expected);
});

test.each([
  [{ factor: 3 }, 3, 9_000],
  [{ factor: 1 }, 50, 1_000],
  [{ factor: 0.5 }, 3, 250],
  [{ factor: 1.5, delayMs: 7 }, 2, 11],
  [{ maxMs: 500 }, 1, 500],
  [{ delayMs: 0, factor: 1_000 }, 1_000_000, 0],
  [{ maxMs: MAX_DELAY_MS, factor: 1_000 }, 99, MAX_DELAY_MS],
])('exponential with %o after failure %i waits %i ms', (over, failures, expected) => {
  expect(backoffMs(exponential(over), failures, at(0))).toBe(expected);
});

test.each([
  [0.5, 0, 1_000],
  [0.5, 1, 500],
  [0.5, 0.5, 750],
  [1, 1, 0],
  [1, 0, 1_000],
])('jitter %d with chance %d draws %i of 1000 ms', (jitter, chance, expected) => {
  expect(backoffMs(fixed(1_000, jitter), 1, at(chance))).toBe(expected);
  expect(backoffMs(exponential({ jitter }), 1, at(chance))).toBe(expected);
});

test('jitter is drawn from the capped delay', () => {
  expect(backoffMs(exponential({ maxMs: 800, jitter: 0.5 }), 40, at(0.999))).toBe(400);
});

const custom = { type: 'custom', name: 'tides', delayMs: 70 } as const;
const strategies = (over: Partial<BackoffStrategies<string>>): BackoffStrategies<string> => ({
  named: {},
  general: null,
  ...over,
});
const failure = { failures: 3, error: new Error('low water'), job: 'job-1' };

test('a strategy gets the failures so far, the type, the error and the job', async () => {
  const seen: unknown[][] = [];
  const tides = (...args: unknown[]): number => {
    seen.push(args);
    return 12.3;
  };

  expect(await customBackoffMs(strategies({ named: { tides } }), custom, failure)).toBe(13);

  expect(seen).toEqual([[3, 'tides', failure.error, 'job-1']]);
});

test('a strategy of the name goes before the general one, which serves all other names', async () => {
  const both = strategies({ named: { moon: () => 1 }, general: async () => 2 });

  expect(await customBackoffMs(both, { ...custom, name: 'moon' }, failure)).toBe(1);
  expect(await customBackoffMs(both, custom, failure)).toBe(2);
});

test('-1 means that there is no further attempt', async () => {
  expect(await customBackoffMs(strategies({ general: () => -1 }), custom, failure)).toBe('give-up');
});

test.each([Number.NaN, -2, 'soon' as never, undefined as never])(
  'the answer %s is refused',
  async (answer) => {
    await expect(customBackoffMs(strategies({ general: () => answer }), custom, failure)).rejects.toThrow(
      /strategy "tides".*\n.*must be milliseconds/,
    );
  },
);

test('an answer beyond every limit is cut to the longest delay there is', async () => {
  const for_ever = strategies({ general: () => Number.POSITIVE_INFINITY });
  expect(await customBackoffMs(for_ever, custom, failure)).toBe(MAX_DELAY_MS);
});

test.each(['tides', 'constructor', '__proto__'])('an unknown strategy %s is named', async (name) => {
  const some = strategies({ named: { moon: () => 1 } });
  await expect(customBackoffMs(some, { ...custom, name }, failure)).rejects.toThrow(
    `"${name}" is not a strategy`,
  );
});

test('a custom backoff asked without its strategy gives the delay it came with', () => {
  expect(backoffMs(custom, 4, at(0))).toBe(70);
});
