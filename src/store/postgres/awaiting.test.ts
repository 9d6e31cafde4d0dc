import { beforeEach, expect, test } from 'vitest';
import { FakeClock } from '../../testing/fake-clock.ts';
import type { Hint } from '../store.ts';
import { Awaiting } from './awaiting.ts';

const ENDED: Hint = { news: 'ended', queue: 'q' };

let clock: FakeClock;
let said: string[];
let looked: string[];
let claimed: string[];
let awaiting: Awaiting;

beforeEach(() => {
  clock = new FakeClock();
  said = [];
  looked = [];
  claimed = [];
  awaiting = new Awaiting({
    clock,
    notify: async (payloads) => void said.push(...payloads),
    look: (queues) => void looked.push(...queues),
    claimsFrom: (queue) => claimed.includes(queue),
  });
});

test('who waits says so once in a while, unless it works on the queue itself', async () => {
  awaiting.watching(['q', 'mine'], () => true);
  claimed.push('mine');
  await clock.advance(100);
  awaiting.watching(['q'], () => true);
  await clock.advance(100);
  expect(said).toEqual(['await q']);

  await clock.advance(30_000);
  awaiting.watching(['q'], () => true);
  await clock.advance(100);
  expect(said).toEqual(['await q', 'await q']);
});

test('who waits looks once more when others have heard of it: what ended before was told to nobody', async () => {
  awaiting.watching(['q'], () => true);
  await clock.advance(25);
  expect([said, looked]).toEqual([['await q'], []]);
  await clock.advance(10);
  expect(looked).toEqual(['q']);
  await clock.advance(60_000);
  expect(looked).toEqual(['q']);
});

test('who has stopped watching does not wait', async () => {
  awaiting.watching(['q'], () => false);
  await clock.advance(100);

  expect(said).toEqual([]);
});

test('what ended is told while somebody waits for it, and together', async () => {
  awaiting.tell([ENDED]);
  expect(said).toEqual([]);
  awaiting.heard('q');
  for (let n = 0; n < 5; n += 1)
    awaiting.tell([ENDED, { news: 'ready', queue: 'q' }, { news: 'ended', queue: 'other' }]);
  expect(said).toEqual(['ended q']);
  await clock.advance(10);
  expect(said).toEqual(['ended q', 'ended q']);
  await clock.advance(60_000);
  awaiting.tell([ENDED]);
  expect(said).toHaveLength(2);
});
