import { expect, test } from 'vitest';
import { FakeClock } from '../testing/fake-clock.ts';
import { Limiter } from './limiter.ts';

test('no window of the duration holds more than the maximum', async () => {
  const clock = new FakeClock();
  const limiter = new Limiter(clock, { max: 5, durationMs: 1_000 });
  const claims: { atMs: number; count: number }[] = [];

  for (let ms = 0; ms < 10_000; ms += 70) {
    const count = Math.min(limiter.allowance(), 1 + (ms % 3));
    limiter.count(count);
    claims.push({ atMs: clock.monotonic(), count });
    await clock.advance(70);
  }

  for (const { atMs } of claims) {
    const window = claims.filter((claim) => claim.atMs >= atMs && claim.atMs < atMs + 1_000);
    expect(window.reduce((sum, { count }) => sum + count, 0)).toBeLessThanOrEqual(5);
  }
  expect(claims.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThan(40);
});

test('it says how long until it allows one again', async () => {
  const clock = new FakeClock();
  const limiter = new Limiter(clock, { max: 2, durationMs: 1_000 });

  expect([limiter.allowance(), limiter.waitMs()]).toEqual([2, 0]);
  limiter.count(1);
  await clock.advance(400);
  limiter.count(1);
  expect([limiter.allowance(), limiter.waitMs()]).toEqual([0, 600]);

  await clock.advance(600);
  expect([limiter.allowance(), limiter.waitMs()]).toEqual([1, 0]);
});

test('claiming more than allowed, as an answer that was lost and came again may, is counted too', async () => {
  const clock = new FakeClock();
  const limiter = new Limiter(clock, { max: 2, durationMs: 1_000 });

  limiter.count(3);
  expect([limiter.allowance(), limiter.waitMs()]).toEqual([0, 1_000]);
  await clock.advance(1_000);

  expect(limiter.allowance()).toBe(2);
});
