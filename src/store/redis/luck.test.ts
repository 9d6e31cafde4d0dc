import { expect, it } from 'vitest';
import { Luck } from './luck.ts';

/** How many calls take the long way until the short one is tried again. */
function skipsOf(luck: Luck, queue: string): number {
  let skips = 0;
  while (!luck.isWorthIt(queue)) skips += 1;
  return skips;
}

it('the short way is tried again at once after one miss, and ever more rarely after others', () => {
  const luck = new Luck();
  const skips = Array.from({ length: 8 }, () => {
    luck.learn('mail', false);
    return skipsOf(luck, 'mail');
  });
  expect(skips).toEqual([0, 2, 6, 14, 30, 62, 64, 64]);
});

it('one call that went the short way makes up for all misses, and queues do not share them', () => {
  const luck = new Luck();
  for (let miss = 0; miss < 5; miss += 1) luck.learn('mail', false);
  expect(luck.isWorthIt('other')).toBe(true);
  luck.learn('mail', true);
  luck.learn('mail', false);
  expect(luck.isWorthIt('mail')).toBe(true);
});
