import { beforeEach, expect, test } from 'vitest';
import { claimRequest } from '../../testing/conformance/support.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import type { ClaimAnswer } from '../store.ts';
import { Idle } from './idle.ts';

const REQUEST = claimRequest({ limit: 2 });
const answer = (jobs: number, more: Partial<ClaimAnswer> = {}): ClaimAnswer => {
  return { claimId: 'c', jobs: new Array(jobs).fill({}), nextDueInMs: null, paused: false, ...more };
};

let clock: FakeClock;
let isHearing: boolean;
let idle: Idle;

beforeEach(() => {
  clock = new FakeClock();
  isHearing = true;
  idle = new Idle(clock, () => isHearing);
});

const claim = (
  jobs: number,
  more: Partial<ClaimAnswer> = {},
): [mark: boolean, idle: boolean, again: boolean] => {
  const asked = idle.ask(REQUEST);
  return [asked.mark, asked.idle, idle.learn(REQUEST, asked, answer(jobs, more))];
};

test('a worker that finds nothing is marked once, and looks once more', () => {
  expect(claim(0)).toEqual([true, false, true]);
  expect(claim(0)).toEqual([false, false, false]);
});

test('the mark is kept fresh', async () => {
  claim(0);
  await clock.advance(20_000);

  expect(claim(0)).toEqual([true, false, false]);
  expect(claim(0)).toEqual([false, false, false]);
});

test('a worker to which jobs come one by one stays marked, one that has its hands full does not', () => {
  claim(0);
  expect(claim(1)).toEqual([false, false, false]);
  expect(claim(2)).toEqual([false, false, false]);
  expect(claim(2)).toEqual([false, false, false]);
  expect(claim(2)).toEqual([false, true, false]);

  expect(claim(0)).toEqual([true, false, true]);
});

test('who would hear nothing is not marked, and neither is who waits for something else', () => {
  isHearing = false;
  expect(claim(0)).toEqual([false, false, false]);
  isHearing = true;
  expect(claim(0, { paused: true })).toEqual([true, false, false]);
  expect(claim(0, { sessionOver: true })).toEqual([true, false, false]);
  expect(claim(0)).toEqual([true, false, true]);
});
