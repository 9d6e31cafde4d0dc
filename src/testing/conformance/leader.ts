import assert from 'node:assert/strict';
import type { UpkeepReport } from '../../store/store.ts';
import type { Topic } from './scene.ts';
import { add, claimOne, configure, countsOf, finish, parked, session, summaryOf, upkeep } from './support.ts';

const IDLE: UpkeepReport = {
  led: true,
  promoted: 0,
  reclaimed: [],
  suspicionMs: 0,
  expired: 0,
  pruned: 0,
  operated: 0,
  more: false,
  nextDueInMs: null,
};

export const leaderCases: Topic = (guarantee) => {
  guarantee('upkeep of an empty store does nothing and says that nothing is due', async ({ store }) => {
    assert.deepEqual(await upkeep(store, { reclaim: true }), IDLE);
  });

  guarantee('only one holder leads at a time, and the other does nothing', async ({ store, clock }) => {
    await add(store, { delayMs: 10 });
    await upkeep(store, { holder: 'one', leaderLeaseMs: 5_000 });
    await clock.advance(4_999);

    const report = await upkeep(store, { holder: 'two' });

    assert.deepEqual(report, { ...IDLE, led: false });
    assert.deepEqual(await countsOf(store), { delayed: 1 });
  });

  guarantee('the lead passes on when its lease runs out', async ({ store, clock }) => {
    await upkeep(store, { holder: 'one', leaderLeaseMs: 5_000 });
    await clock.advance(5_000);

    assert.equal((await upkeep(store, { holder: 'two', leaderLeaseMs: 5_000 })).led, true);
    assert.equal((await upkeep(store, { holder: 'one' })).led, false);
  });

  guarantee(
    'a lead with more than half of its time left is not prolonged: that spares a write',
    async ({ store, clock }) => {
      await upkeep(store, { holder: 'one', leaderLeaseMs: 1_000 });
      await clock.advance(499);
      await upkeep(store, { holder: 'one', leaderLeaseMs: 1_000 });
      await clock.advance(500);
      assert.equal((await upkeep(store, { holder: 'two', leaderLeaseMs: 1_000 })).led, false);

      await clock.advance(1);
      assert.equal((await upkeep(store, { holder: 'two', leaderLeaseMs: 1_000 })).led, true);
    },
  );

  guarantee('a lead with half of its time left is prolonged', async ({ store, clock }) => {
    await upkeep(store, { holder: 'one', leaderLeaseMs: 1_000 });
    await clock.advance(500);
    await upkeep(store, { holder: 'one', leaderLeaseMs: 1_000 });
    await clock.advance(999);

    assert.equal((await upkeep(store, { holder: 'two', leaderLeaseMs: 1_000 })).led, false);
  });

  guarantee('the leader prolongs its lead by leading', async ({ store, clock }) => {
    for (let n = 0; n < 3; n += 1) {
      assert.equal((await upkeep(store, { holder: 'one', leaderLeaseMs: 1_000 })).led, true);
      await clock.advance(999);
      assert.equal((await upkeep(store, { holder: 'two' })).led, false);
    }
  });

  guarantee(
    'upkeep makes due jobs of all queues ready, by the time they were due',
    async ({ store, clock }) => {
      await add(
        store,
        { id: 'a', delayMs: 30 },
        { id: 'b', queue: 'two', delayMs: 10 },
        { id: 'c', delayMs: 60 },
      );
      await finish(store, parked(20), { id: 'p', queue: 'three' });
      await clock.advance(30);

      const first = await upkeep(store, { limit: 2 });
      assert.deepEqual([first.promoted, first.more, first.nextDueInMs], [2, true, 0]);
      assert.deepEqual(await countsOf(store), { delayed: 2 });
      const second = await upkeep(store, { limit: 2 });

      assert.deepEqual([second.promoted, second.more, second.nextDueInMs], [1, false, 30]);
      assert.deepEqual(await countsOf(store, 'three'), { waiting: 1 });
      assert.deepEqual(await countsOf(store, 'two'), { waiting: 1 });
    },
  );

  guarantee('a promoted job is ready since it was due', async ({ store, clock }) => {
    await add(store, { delayMs: 10 });
    await clock.advance(110);
    await upkeep(store);

    assert.equal((await summaryOf(store)).oldestReadyMs, 100);
  });

  guarantee('due jobs of a paused queue stay as they are and wake nobody', async ({ store, clock }) => {
    await configure(store, { paused: true });
    await add(store, { delayMs: 10 });
    await clock.advance(10);

    assert.deepEqual(await upkeep(store), IDLE);
    assert.deepEqual(await countsOf(store), { delayed: 1 });
  });

  guarantee('upkeep says in how long the next job is due or expires', async ({ store, clock }) => {
    await add(store, { id: 'd', delayMs: 5_000 });
    assert.equal((await upkeep(store)).nextDueInMs, 5_000);
    await add(store, { id: 'w', policy: { ttlMs: 3_000 } });
    assert.equal((await upkeep(store)).nextDueInMs, 3_000);
    await clock.advance(3_000);

    assert.equal((await upkeep(store)).nextDueInMs, 2_000);
  });

  guarantee('upkeep within its budget says no more than it did', async ({ store, clock }) => {
    await add(store, { id: 'a', delayMs: 1 }, { id: 'b', delayMs: 1 });
    await clock.advance(1);

    const report = await upkeep(store, { limit: 2 });

    assert.deepEqual([report.promoted, report.more], [2, false]);
  });

  guarantee('upkeep by two holders at once promotes each job once', async ({ store, clock }) => {
    await add(store, ...Array.from({ length: 20 }, (_, n) => ({ id: `job-${n}`, delayMs: 1 })));
    await clock.advance(1);

    const reports = await Promise.all(
      ['one', 'two', 'three'].map((holder) => upkeep(store, { holder, limit: 100 })),
    );

    assert.equal(reports.filter((report) => report.led).length, 1);
    assert.equal(
      reports.reduce((sum, report) => sum + report.promoted, 0),
      20,
    );
  });

  guarantee('upkeep takes nothing from a worker that is alive', async ({ store, clock }) => {
    await store.beat([session({ ttlMs: 3_600_000 })]);
    await add(store);
    await claimOne(store, { leaseMs: null });
    await clock.advance(3_599_999);

    const report = await upkeep(store, { reclaim: true });

    assert.deepEqual([report.reclaimed, await countsOf(store)], [[], { active: 1 }]);
  });
};
