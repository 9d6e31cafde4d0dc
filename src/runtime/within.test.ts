import { expect, test } from 'vitest';
import { FakeClock } from '../testing/fake-clock.ts';
import { within } from './within.ts';

test('work that ends in time is waited for, and leaves no timer', async () => {
  const clock = new FakeClock();

  expect(await within(clock, Promise.resolve(), 100)).toBe(true);
  expect(await within(clock, Promise.reject(new Error('x')), 100)).toBe(true);

  expect(clock.timers).toBe(0);
});

test('work that does not end is left after the time', async () => {
  const clock = new FakeClock();
  const answer = within(clock, new Promise(() => undefined), 100);
  let answered: boolean | null = null;
  void answer.then((value) => {
    answered = value;
  });

  await clock.advance(99);
  expect(answered).toBeNull();
  await clock.advance(1);

  expect(answered).toBe(false);
});
