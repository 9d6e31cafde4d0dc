import { expect, test } from 'vitest';
import { FakeClock } from '../../testing/fake-clock.ts';
import { Looks } from './looks.ts';

test('a commit that is visible only some time after its write is seen soon, not at the poll', async () => {
  const clock = new FakeClock();
  const looks: number[] = [];
  const start = clock.monotonic();
  const seen = new Looks(clock, () => looks.push(clock.monotonic() - start) === 4);
  seen.soon();
  await clock.advance(1_000);
  expect(looks).toEqual([3, 9, 21, 45]);
});

test('looks after a write of our own come to an end', async () => {
  const clock = new FakeClock();
  let looks = 0;
  const seen = new Looks(clock, () => ++looks < 0);
  seen.soon();
  await clock.advance(60_000);
  expect(looks).toBe(9);
});

test('a further write is looked for at once, however long the wait of the last one has become', async () => {
  const clock = new FakeClock();
  let looks = 0;
  const seen = new Looks(clock, () => ++looks < 0);
  seen.soon();
  await clock.advance(100);
  const before = looks;
  seen.soon();
  await clock.advance(3);
  expect(looks).toBe(before + 1);
});
