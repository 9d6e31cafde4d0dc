import { beforeEach, expect, test } from 'vitest';
import { claimRequest, newJob, QUEUE } from '../../testing/conformance/support.ts';
import type { ClaimAnswer, Claimed, Hint } from '../store.ts';
import { Rides } from './ride.ts';

const REQUEST = claimRequest({ limit: 2 });
const answer = (jobs: number, more: Partial<ClaimAnswer> = {}): ClaimAnswer => {
  return { claimId: 'c', jobs: new Array<Claimed>(jobs), nextDueInMs: null, paused: false, ...more };
};

let told: Hint[];
let onNews: () => void;
let rides: Rides;

beforeEach(() => {
  told = [];
  onNews = () => undefined;
  rides = new Rides((hint) => {
    told.push(hint);
    void Promise.resolve().then(onNews);
  });
});

const found = (jobs: number, more: Partial<ClaimAnswer> = {}): void => {
  rides.begins([REQUEST]);
  rides.ended([REQUEST], [answer(jobs, more)]);
};

test('the claim of a worker that waits rides with what is added', async () => {
  found(1);
  let claimed: Promise<ClaimAnswer[]> | null = null;
  onNews = () => {
    claimed = rides.board([REQUEST]);
  };

  const passenger = await rides.passengerFor([newJob(), newJob({ id: 'b' })]);

  expect(told).toEqual([{ queue: QUEUE, news: 'coming' }]);
  expect(passenger?.request).toBe(REQUEST);
  passenger?.claimed.resolve([answer(2)]);
  expect(await claimed).toEqual([answer(2)]);
});

test.each<[string, () => unknown]>([
  ['nobody has claimed', () => undefined],
  ['a worker has its hands full', () => found(2)],
  ['a worker claims just now', () => [found(0), rides.begins([REQUEST])]],
  ['the queue is paused', () => found(0, { paused: true })],
  ['the worker has to come back first', () => found(0, { sessionOver: true })],
])('nobody is waited for where %s', async (_, before) => {
  before();
  expect(await rides.passengerFor([newJob()])).toBeNull();
  expect(told).toEqual([]);
});

test('nobody is waited for by jobs that are not to run now, or that are of several queues', async () => {
  found(0);
  expect(await rides.passengerFor([newJob({ delayMs: 1 })])).toBeNull();
  expect(await rides.passengerFor([newJob(), newJob({ queue: 'other' })])).toBeNull();
  expect(told).toEqual([]);
});

test('who does not come in time is left behind, and nobody boards what has left', async () => {
  found(0);
  expect(await rides.passengerFor([newJob()])).toBeNull();
  expect(told).toHaveLength(1);
  expect(rides.board([REQUEST])).toBeNull();
});

test('there is room for one claim, and for no other queue', async () => {
  found(0);
  const boarded: boolean[] = [];
  onNews = () => {
    for (const queue of ['other', QUEUE, QUEUE]) {
      boarded.push(rides.board([{ ...REQUEST, queue }]) !== null);
    }
  };
  await rides.passengerFor([newJob()]);
  expect(boarded).toEqual([false, true, false]);
});
