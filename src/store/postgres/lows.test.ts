import { beforeEach, expect, test } from 'vitest';
import { FakeClock } from '../../testing/fake-clock.ts';
import { Lows } from './lows.ts';

const BOTTOM = -1;

let clock: FakeClock;
let lows: Lows;

beforeEach(() => {
  clock = new FakeClock();
  lows = new Lows(clock);
});

test('a process looks from the start, and then a little before what was claimed last', () => {
  expect(lows.lowOf('q')).toBe(BOTTOM);
  lows.learn('q', { high: 5_000, low: BOTTOM, tookMs: 1 });
  expect(lows.lowOf('q')).toBe(4_000);
  expect(lows.nearOf('q')).toBe(4_000);
  expect(lows.lowOf('other')).toBe(BOTTOM);
});

test('of those that ask at once one looks from the start', async () => {
  lows.learn('q', { high: 5_000, low: BOTTOM, tookMs: 100 });
  await clock.advance(4_000);
  expect(lows.lowOf('q')).toBe(BOTTOM);
  expect(lows.lowOf('q')).toBe(4_000);
});

test('the longer it took the later is the next look from the start', async () => {
  lows.learn('q', { high: 5_000, low: BOTTOM, tookMs: 100 });
  await clock.advance(3_999);
  expect(lows.lowOf('q')).toBe(4_000);
  await clock.advance(1);
  expect(lows.lowOf('q')).toBe(BOTTOM);
});

test('a claim that found nothing looks from the start unless it did, or that is too costly yet', async () => {
  lows.learn('q', { high: 5_000, low: BOTTOM, tookMs: 100 });
  expect(lows.mayHide('q', BOTTOM)).toBe(false);
  expect(lows.mayHide('q', 4_000)).toBe(false);
  await clock.advance(4_000);
  expect(lows.mayHide('q', 4_000)).toBe(true);
  expect(lows.mayHide('q', 4_000)).toBe(false);
});

test('where a look from the start costs nothing every claim that found nothing may take one', () => {
  lows.learn('q', { high: 5_000, low: BOTTOM, tookMs: 0 });
  expect(lows.mayHide('q', 4_000)).toBe(true);
  lows.learn('q', { high: null, low: BOTTOM, tookMs: 0 });
  expect(lows.mayHide('q', 4_000)).toBe(true);
});
