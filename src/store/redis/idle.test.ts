import { beforeEach, expect, test } from 'vitest';
import { claimRequest } from '../../testing/conformance/support.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { Idle, type Marking } from './idle.ts';

const REQUEST = claimRequest({ limit: 2 });

let clock: FakeClock;
let isHearing: boolean;
let idle: Idle;

beforeEach(() => {
  clock = new FakeClock();
  isHearing = true;
  idle = new Idle(clock, () => isHearing);
});

const claim = (jobs: number): Marking => {
  const asked = idle.ask(REQUEST);
  const answer = { claimId: 'c', jobs: new Array(jobs).fill({}), nextDueInMs: null, paused: false };
  idle.learn(REQUEST, asked, answer);
  return asked;
};

test('a worker that finds nothing is marked once, and anew before that is forgotten', async () => {
  expect([claim(0), claim(0)]).toEqual([1, 0]);
  await clock.advance(20_000);
  expect([claim(0), claim(0)]).toEqual([1, 0]);
});

test('a worker to which jobs come one by one stays marked, one that has its hands full does not', () => {
  claim(0);
  expect([claim(1), claim(2), claim(2), claim(2)]).toEqual([0, 0, 0, 2]);
  expect([claim(0), claim(0)]).toEqual([1, 0]);
});

test('who would hear nothing is not marked', () => {
  isHearing = false;
  expect([claim(0), claim(0)]).toEqual([0, 0]);
  isHearing = true;
  expect(claim(0)).toBe(1);
});

test('marks are made anew when it is not known whether the server has them still', () => {
  claim(0);
  idle.forget();
  expect([claim(0), claim(0)]).toEqual([1, 0]);
});

test('who works on a queue is known', () => {
  claim(0);
  expect([idle.claimsFrom(REQUEST.queue), idle.claimsFrom('another')]).toEqual([true, false]);
});
