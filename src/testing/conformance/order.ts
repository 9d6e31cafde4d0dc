import assert from 'node:assert/strict';
import type { Topic } from './scene.ts';
import {
  add,
  addNamed,
  at,
  claim,
  claimIds,
  claimOne,
  failed,
  LEASE_MS,
  moveOk,
  RELEASED,
  reclaimTwice,
  retry,
  settleOk,
} from './support.ts';

export const orderCases: Topic = (guarantee) => {
  guarantee('jobs of one priority run in the order in which they were added', async ({ store }) => {
    await add(store, { id: 'c' }, { id: 'a' });
    await add(store, { id: 'b' });

    assert.deepEqual(await claimIds(store), ['c', 'a', 'b']);
  });

  guarantee('a lower priority number runs first', async ({ store }) => {
    await add(
      store,
      { id: 'ten', priority: 10 },
      { id: 'zero' },
      { id: 'two', priority: 2 },
      { id: 'last', priority: 2_097_151 },
      { id: 'ten-too', priority: 10 },
    );

    assert.deepEqual(await claimIds(store), ['zero', 'two', 'ten', 'ten-too', 'last']);
  });

  guarantee('a lifo job runs before the others of its priority, the newest first', async ({ store }) => {
    await add(
      store,
      { id: 'a' },
      { id: 'x', lifo: true },
      { id: 'b' },
      { id: 'y', lifo: true },
      { id: 'first', priority: 0, lifo: true },
      { id: 'low', priority: 1, lifo: true },
    );

    assert.deepEqual(await claimIds(store), ['first', 'y', 'x', 'a', 'b', 'low']);
  });

  guarantee('a retried job keeps its place before jobs that were added later', async ({ store }) => {
    await addNamed(store, 'a', 'b', 'c');
    const { lease } = await claimOne(store);
    await settleOk(store, lease, retry());

    assert.deepEqual(await claimIds(store), ['a', 'b', 'c']);
  });

  guarantee('a released job keeps its place', async ({ store }) => {
    await addNamed(store, 'a', 'b');
    const { jobs } = await claim(store, { limit: 2 });
    for (const { lease } of jobs.toReversed()) await settleOk(store, lease, RELEASED);
    await addNamed(store, 'c');

    assert.deepEqual(await claimIds(store), ['a', 'b', 'c']);
  });

  guarantee('a reclaimed job keeps its place', async ({ store, clock }) => {
    await addNamed(store, 'a', 'b');
    await claimOne(store);
    await clock.advance(LEASE_MS);
    await reclaimTwice(store);

    assert.deepEqual(await claimIds(store), ['a', 'b']);
  });

  guarantee('a redriven job keeps its place', async ({ store }) => {
    await addNamed(store, 'a', 'b');
    const { lease } = await claimOne(store);
    await settleOk(store, lease, failed());
    await moveOk(store, { op: 'redrive', job: at('a'), toQueue: null });

    assert.deepEqual(await claimIds(store), ['a', 'b']);
  });

  guarantee('a job that was delayed takes its old place when it is due', async ({ store, clock }) => {
    await add(store, { id: 'late', delayMs: 100 }, { id: 'a' });
    await clock.advance(100);
    await addNamed(store, 'b');

    assert.deepEqual(await claimIds(store), ['late', 'a', 'b']);
  });

  guarantee('priority goes before the time at which jobs were due', async ({ store, clock }) => {
    await add(store, { id: 'soon', delayMs: 10, priority: 5 }, { id: 'later', delayMs: 90, priority: 1 });
    await clock.advance(100);

    assert.deepEqual(await claimIds(store), ['later', 'soon']);
  });

  guarantee('another priority moves a job and keeps its rank there', async ({ store }) => {
    await addNamed(store, 'a', 'b', 'c');
    await moveOk(store, { op: 'prioritize', job: at('a'), priority: 3, lifo: false });
    await moveOk(store, { op: 'prioritize', job: at('c'), priority: 3, lifo: false });
    await add(store, { id: 'd', priority: 3 });

    assert.deepEqual(await claimIds(store), ['b', 'a', 'c', 'd']);
  });

  guarantee('prioritizing with lifo moves a job before those that wait', async ({ store }) => {
    await addNamed(store, 'a', 'b', 'c');
    await add(store, { id: 'x', lifo: true });
    await moveOk(store, { op: 'prioritize', job: at('c'), priority: 0, lifo: true });

    assert.deepEqual(await claimIds(store), ['c', 'x', 'a', 'b']);
  });

  guarantee(
    'one producer and one worker see strict first in, first out over many calls',
    async ({ store }) => {
      const wanted: string[] = [];
      const given: string[] = [];
      for (let round = 0; round < 20; round += 1) {
        const ids = [0, 1, 2].map((n) => `job-${round}-${n}`);
        wanted.push(...ids);
        await addNamed(store, ...ids);
        given.push(...(await claimIds(store, 2)));
      }
      given.push(...(await claimIds(store)));

      assert.deepEqual(given, wanted);
    },
  );
};
