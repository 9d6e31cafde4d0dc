import assert from 'node:assert/strict';
import type { JobPolicy } from '../../job/record.ts';
import type { Next } from '../../store/store.ts';
import type { Topic } from './scene.ts';
import {
  add,
  at,
  COMPLETED,
  cancelled,
  claimOne,
  configure,
  countsOf,
  failed,
  findJob,
  finish,
  parked,
  RELEASED,
  retry,
  settle,
  settleOk,
  stateOf,
  totalsOf,
  upkeep,
} from './support.ts';

const DAY_MS = 86_400_000;
const ENDS: Readonly<Record<'completed' | 'failed' | 'cancelled', Next>> = {
  completed: COMPLETED,
  failed: failed(),
  cancelled: cancelled(),
};
const STATES = ['completed', 'failed', 'cancelled'] as const;

export const retentionCases: Topic = (guarantee) => {
  guarantee(
    'finished jobs are removed when the age of their queue is over, not before',
    async ({ store, clock }) => {
      for (const state of STATES) {
        await configure(store, { retention: { [state]: { ageMs: 5_000 } } }, state);
        await finish(store, ENDS[state], { id: state, queue: state });
      }
      await clock.advance(4_999);
      assert.equal((await upkeep(store)).pruned, 0);
      await clock.advance(1);

      assert.equal((await upkeep(store)).pruned, 3);

      for (const state of STATES) {
        assert.equal(await findJob(store, state, state), null);
        assert.deepEqual(await store.attempts(at(state, state)), []);
        assert.equal((await totalsOf(store, state))['removed'], 1);
      }
    },
  );

  guarantee(
    'without settings finished jobs are kept a day, dead letters thirty',
    async ({ store, clock }) => {
      for (const state of STATES) await finish(store, ENDS[state], { id: state });
      await clock.advance(DAY_MS - 1);
      await upkeep(store);
      assert.deepEqual(await countsOf(store), { completed: 1, failed: 1, cancelled: 1 });
      await clock.advance(1);
      await upkeep(store);
      assert.deepEqual(await countsOf(store), { failed: 1 });
      await clock.advance(29 * DAY_MS);

      await upkeep(store);

      assert.deepEqual(await countsOf(store), {});
    },
  );

  guarantee(
    'only the newest finished jobs are kept when a queue bounds their number',
    async ({ store, clock }) => {
      await configure(store, { retention: { completed: { count: 2 } } });
      for (const id of ['a', 'b', 'c', 'd']) {
        await finish(store, COMPLETED, { id });
        await clock.advance(10);
      }

      assert.equal((await upkeep(store)).pruned, 2);

      assert.deepEqual(await Promise.all(['a', 'b', 'c', 'd'].map((id) => stateOf(store, id))), [
        'gone',
        'gone',
        'completed',
        'completed',
      ]);
    },
  );

  guarantee(
    'jobs that ended at the same time are kept by the order in which they were added',
    async ({ store }) => {
      await configure(store, { retention: { completed: { count: 1 } } });
      await add(store, { id: 'a' }, { id: 'b', priority: 1 }, { id: 'c', priority: 2 });
      const leases = [await claimOne(store), await claimOne(store), await claimOne(store)];
      for (const { lease } of leases.toReversed()) await settleOk(store, lease);

      await upkeep(store);

      assert.deepEqual(await countsOf(store), { completed: 1 });
      assert.equal(await stateOf(store, 'c'), 'completed');
    },
  );

  guarantee('the bound of one state leaves the others alone', async ({ store, clock }) => {
    await configure(store, { retention: { completed: { count: 1 }, failed: { count: null } } });
    await finish(store, COMPLETED, { id: 'c1' });
    await finish(store, failed(), { id: 'f1' });
    await clock.advance(1);
    await finish(store, failed(), { id: 'f2' });
    await finish(store, COMPLETED, { id: 'c2' });

    await upkeep(store);

    assert.deepEqual(await countsOf(store), { completed: 1, failed: 2 });
    assert.equal(await stateOf(store, 'c2'), 'completed');
  });

  guarantee('what a job says about itself goes before its queue', async ({ store, clock }) => {
    await configure(store, {
      retention: { completed: { ageMs: 1_000, count: 1 }, failed: { ageMs: 1_000 } },
    });
    const longer: Partial<JobPolicy> = { keepCompletedMs: 60_000, keepFailedMs: 60_000 };
    await finish(store, COMPLETED, { id: 'c', policy: longer });
    await finish(store, failed(), { id: 'f', policy: longer });
    await finish(store, COMPLETED, { id: 'c-queue' });
    await clock.advance(1);
    await finish(store, COMPLETED, { id: 'c-queue-2' });
    await clock.advance(999);

    assert.equal((await upkeep(store)).pruned, 1);

    assert.deepEqual(await countsOf(store), { completed: 2, failed: 1 });
    await clock.advance(59_000);
    await upkeep(store);
    assert.deepEqual(await countsOf(store), {});
  });

  guarantee(
    'a job that keeps itself does not count among those that its queue keeps',
    async ({ store, clock }) => {
      await configure(store, { retention: { completed: { count: 1 } } });
      await finish(store, COMPLETED, { id: 'queue' });
      await clock.advance(1);
      await finish(store, COMPLETED, { id: 'own', policy: { keepCompletedMs: 60_000 } });

      assert.equal((await upkeep(store)).pruned, 0);
    },
  );

  guarantee('a job that is kept for no time is gone with its end', async ({ store }) => {
    const none: Partial<JobPolicy> = { keepCompletedMs: 0, keepFailedMs: 0 };
    await add(store, { id: 'c', policy: none }, { id: 'f', policy: none });
    for (const next of [COMPLETED, failed()]) {
      const { lease } = await claimOne(store);
      const result = await settle(store, lease, next);
      assert.deepEqual(result, { outcome: 'ok', state: next.to });
      assert.equal(await findJob(store, lease.id), null);
      assert.deepEqual(await store.attempts(lease), []);
    }

    assert.deepEqual(await totalsOf(store), {
      added: 2,
      completed: 1,
      failed: 1,
      attemptsFailed: 1,
      removed: 2,
    });
  });

  guarantee('a queue may keep nothing, by age or by number', async ({ store }) => {
    for (const bounds of [{ ageMs: 0 }, { count: 0 }]) {
      await configure(store, { retention: { completed: bounds, failed: bounds, cancelled: bounds } }, 'none');
      for (const state of STATES) {
        await add(store, { id: state, queue: 'none' });
        const { lease } = await claimOne(store, { queue: 'none' });
        assert.equal((await settle(store, lease, ENDS[state])).outcome, 'ok');
        assert.equal(await findJob(store, state, 'none'), null);
      }
    }
    assert.deepEqual(await countsOf(store, 'none'), {});
  });

  guarantee('jobs that have not ended are never pruned', async ({ store, clock }) => {
    await configure(store, {
      retention: { completed: { ageMs: 1 }, failed: { ageMs: 1 }, cancelled: { ageMs: 1 } },
    });
    const open: Record<string, Next> = {
      parked: parked(null),
      waiting: RELEASED,
      delayed: retry(90 * DAY_MS),
    };
    for (const [id, next] of Object.entries(open)) await finish(store, next, { id, queue: id });
    await add(store, { id: 'active' });
    await claimOne(store);
    await clock.advance(60 * DAY_MS);

    assert.equal((await upkeep(store)).pruned, 0);
    for (const state of Object.keys(open)) assert.equal(await stateOf(store, state, state), state);
    assert.equal(await stateOf(store, 'active'), 'active');
  });

  guarantee(
    'pruning stays within its budget, the oldest end first, and says that there is more',
    async ({ store, clock }) => {
      await configure(store, { retention: { completed: { ageMs: 1_000 } } });
      for (const id of ['a', 'b', 'c']) {
        await finish(store, COMPLETED, { id });
        await clock.advance(10);
      }
      await clock.advance(1_000);

      const first = await upkeep(store, { limit: 2 });
      assert.deepEqual([first.pruned, first.more], [2, true]);
      assert.equal(await stateOf(store, 'c'), 'completed');
      const second = await upkeep(store, { limit: 2 });

      assert.deepEqual([second.pruned, second.more], [1, false]);
    },
  );

  guarantee(
    'what ended first is pruned first, whatever was added first and by whichever rule',
    async ({ store, clock }) => {
      await configure(store, { retention: { completed: { ageMs: 1_000 } } });
      for (const policy of [{}, { keepCompletedMs: 1_000 }]) {
        const ids = ['a', 'b', 'c', 'd'];
        await add(store, ...ids.map((id, n) => ({ id, policy, priority: 9 - n })));
        for (const _id of ids) {
          await settleOk(store, (await claimOne(store)).lease);
          await clock.advance(10);
        }
        await clock.advance(1_000);

        assert.equal((await upkeep(store, { limit: 1 })).pruned, 1);
        assert.equal(await stateOf(store, 'd'), 'gone');
        assert.deepEqual(await countsOf(store), { completed: 3 });
        await upkeep(store);
      }
    },
  );

  guarantee('the id of a pruned job is free again', async ({ store, clock }) => {
    await finish(store, COMPLETED, { policy: { keepCompletedMs: 10 } });
    await clock.advance(10);
    await upkeep(store);

    assert.deepEqual(await add(store), [{ id: 'a', outcome: 'created' }]);
  });
};
