import { expect, test } from 'vitest';
import { FakeClock } from '../testing/fake-clock.ts';
import { Bell } from './bell.ts';
import { settle } from './settle.ts';

test('a ring ends the wait at once and leaves no timer behind', async () => {
  const clock = new FakeClock();
  const bell = new Bell(clock);
  const waited = bell.wait(1_000);
  bell.ring();

  expect(await waited).toBe(true);
  expect(clock.timers).toBe(0);
});

test('without a ring the wait ends after its time', async () => {
  const clock = new FakeClock();
  const told: boolean[] = [];
  void new Bell(clock).wait(1_000).then((rang) => told.push(rang));
  await clock.advance(999);

  expect(told).toEqual([]);
  await clock.advance(1);
  expect(told).toEqual([false]);
});

test('a ring that comes before the wait is not lost, and counts once', async () => {
  const clock = new FakeClock();
  const bell = new Bell(clock);
  bell.ring();
  bell.ring();

  expect(await bell.wait(1_000)).toBe(true);
  const second = bell.wait(1_000);
  await clock.advance(1_000);
  expect(await second).toBe(false);
});

test('an abort ends the wait, also one that came before it', async () => {
  const clock = new FakeClock();
  const bell = new Bell(clock);
  const stop = new AbortController();
  const waited = bell.wait(1_000, stop.signal);
  stop.abort();

  expect(await waited).toBe(false);
  expect(await bell.wait(1_000, stop.signal)).toBe(false);
  await settle();
  expect(clock.timers).toBe(0);
});
