import { afterEach, beforeEach, expect, test } from 'vitest';
import { type TestStore, testStore } from '../testing/index.ts';
import type { Worker } from '../worker/worker.ts';
import { capture } from './captured.ts';
import type { FoundWorker } from './import-modules.ts';
import { isDone, pausedWith } from './work-end.ts';

let t: TestStore;
let found: FoundWorker[];

beforeEach(() => {
  t = testStore();
  found = [{ worker: { name: 'emails', id: 'here' } as Worker, store: t.store }];
});

afterEach(() => t.close());

const add = async (...options: string[]): Promise<unknown> =>
  capture(['add', 'emails', 'welcome', ...options], { connection: t.connection });

async function claim(worker: string): Promise<void> {
  await t.store.claim([{ claimId: worker, queue: 'emails', limit: 1, worker, leaseMs: 30_000 }]);
}

const done = async (): Promise<boolean[]> => [await isDone(found, 'once'), await isDone(found, 'drain')];

test('a queue that is empty, or not there yet, is done', async () => {
  expect(await done()).toEqual([true, true]);
});

test('a waiting job is to be done by both', async () => {
  await add();

  expect(await done()).toEqual([false, false]);
});

test('a job that is active here is waited for by both, one that is active elsewhere by drain alone', async () => {
  await add();
  await claim('elsewhere');
  expect(await done()).toEqual([true, false]);

  await add();
  await claim('here');
  expect(await done()).toEqual([false, false]);
});

test('a delayed job is left for the next time until it is due', async () => {
  await add('--delay', '10s');
  expect(await done()).toEqual([true, true]);

  await t.advance('10s');
  expect(await done()).toEqual([false, false]);
});

test('jobs of a paused queue are not waited for, and are mentioned', async () => {
  await add();
  await capture(['queues', 'pause', 'emails'], { connection: t.connection });

  expect(await done()).toEqual([true, true]);
  expect(await pausedWith(found)).toEqual(['emails is paused with 1 ready']);
});

test('queues that none of the workers serve do not count', async () => {
  await capture(['add', 'invoices', 'create'], { connection: t.connection });

  expect(await done()).toEqual([true, true]);
});
