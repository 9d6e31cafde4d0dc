import { expect, test } from 'vitest';
import { sleep } from '../runtime/clock.ts';
import { FakeClock } from './fake-clock.ts';

test('timers fire one by one in the order of their times, each at its own time', async () => {
  const clock = new FakeClock(1_000);
  const fired: [string, number, number][] = [];
  const note = (name: string) => () => fired.push([name, clock.now(), clock.monotonic()]);
  clock.after(20, note('second'));
  clock.after(10, note('first'));
  clock.after(20, note('third'));
  clock.after(31, note('later'));

  await clock.advance(30);

  expect(fired).toEqual([
    ['first', 1_010, 10],
    ['second', 1_020, 20],
    ['third', 1_020, 20],
  ]);
  expect(clock.now()).toBe(1_030);
  expect(clock.timers).toBe(1);
});

test('what a timer starts settles before the next one fires, and may set timers of its own', async () => {
  const clock = new FakeClock();
  const seen: string[] = [];
  const loop = async (): Promise<void> => {
    for (let round = 1; round <= 3; round += 1) {
      await sleep(clock, 10);
      await Promise.resolve();
      seen.push(`round ${round} at ${clock.monotonic()}`);
    }
  };
  const done = loop();
  clock.after(15, () => seen.push('between'));

  await clock.advance('1m');
  await done;

  expect(seen).toEqual(['round 1 at 10', 'between', 'round 2 at 20', 'round 3 at 30']);
});

test('a cancelled timer does not fire, also when it is cancelled by one before it', async () => {
  const clock = new FakeClock();
  const fired: string[] = [];
  const victim = clock.after(5, () => fired.push('victim'));
  clock.after(5, () => fired.push('bystander'));
  clock.after(4, () => victim.cancel());

  await clock.advance(10);

  expect(fired).toEqual(['bystander']);
});

test('setting the wall clock moves no timer', async () => {
  const clock = new FakeClock(1_000_000);
  let fired = false;
  clock.after(10, () => {
    fired = true;
  });

  clock.shift(-500_000);
  await clock.advance(9);

  expect(fired).toBe(false);
  expect(clock.now()).toBe(500_009);
  expect(clock.monotonic()).toBe(9);
});

test.each(['soon', -1, Number.NaN])('%j is not a length of time', async (time) => {
  const clock = new FakeClock();
  await expect(clock.advance(time as number)).rejects.toThrow(/advance is not valid:\n {2}time: must be/);
});

test('timers that come due while everything stands still fire late, in their order', async () => {
  const clock = new FakeClock();
  const fired: [string, number][] = [];
  clock.after(2_000, () => fired.push(['second', clock.monotonic()]));
  clock.after(1_000, () => fired.push(['first', clock.monotonic()]));
  const before = clock.now();

  clock.stall('5s');
  expect([fired, clock.monotonic(), clock.now() - before]).toEqual([[], 5_000, 5_000]);
  await clock.advance(0);

  expect(fired).toEqual([
    ['first', 5_000],
    ['second', 5_000],
  ]);
});
