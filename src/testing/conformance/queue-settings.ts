import assert from 'node:assert/strict';
import { DEFAULT_QUEUE_SETTINGS, type QueuePatch } from '../../job/queue-settings.ts';
import type { Topic } from './scene.ts';
import { add, applyOne, claimIds, claimOne, configure, settle, summaryOf, upkeep } from './support.ts';

export const queueSettingsCases: Topic = (guarantee) => {
  guarantee('an empty patch only makes the queue', async ({ store, clock }) => {
    const result = await applyOne(store, { op: 'configure', queue: 'new', patch: {} });

    assert.deepEqual(result, { op: 'configure', settings: DEFAULT_QUEUE_SETTINGS });
    const summary = await summaryOf(store, 'new');
    assert.deepEqual([summary.settings, summary.createdAt], [DEFAULT_QUEUE_SETTINGS, clock.now()]);
  });

  guarantee('every setting can be changed, alone, and the others stay', async ({ store }) => {
    const patches: readonly QueuePatch[] = [
      { paused: true },
      { delivery: 'at-most-once' },
      { maxCrashes: 0 },
      { deadLetterQueue: 'dead' },
      { objectiveMs: 5 },
      { feed: 'on' },
      { retention: { failed: { count: 7 } } },
    ];
    let wanted = DEFAULT_QUEUE_SETTINGS;
    for (const patch of patches) {
      const { retention, ...rest } = patch;
      wanted = { ...wanted, ...rest };
      if (retention) {
        const failed = { ...wanted.retention.failed, count: 7 };
        wanted = { ...wanted, retention: { ...wanted.retention, failed } };
      }

      const result = await applyOne(store, { op: 'configure', queue: 'orders', patch });

      assert.deepEqual(result, { op: 'configure', settings: wanted });
      assert.deepEqual((await summaryOf(store)).settings, wanted);
    }
  });

  guarantee('a setting can be taken back to none', async ({ store }) => {
    await configure(store, { deadLetterQueue: 'dead', retention: { completed: { ageMs: 5, count: 5 } } });

    await configure(store, { deadLetterQueue: null, retention: { completed: { ageMs: null } } });

    const { settings } = await summaryOf(store);
    assert.equal(settings.deadLetterQueue, null);
    assert.deepEqual(settings.retention.completed, { ageMs: null, count: 5 });
  });

  guarantee('settings of one queue are not those of another', async ({ store }) => {
    await configure(store, { maxCrashes: 9 }, 'one');
    await configure(store, {}, 'two');

    assert.equal((await summaryOf(store, 'two')).settings.maxCrashes, DEFAULT_QUEUE_SETTINGS.maxCrashes);
  });

  guarantee(
    'nothing starts while a queue is paused, and all goes on after resume',
    async ({ store, clock }) => {
      await add(store, { id: 'a' }, { id: 'b' }, { id: 'd', delayMs: 10 });
      const { lease } = await claimOne(store);
      await configure(store, { paused: true });
      await clock.advance(10);
      await upkeep(store);

      assert.deepEqual(await claimIds(store), []);
      assert.equal((await settle(store, lease)).outcome, 'ok');
      await configure(store, { paused: false });

      assert.deepEqual(await claimIds(store), ['b', 'd']);
    },
  );

  guarantee('pausing one queue leaves the others running', async ({ store }) => {
    await add(store, { id: 'a', queue: 'one' }, { id: 'b', queue: 'two' });
    await configure(store, { paused: true }, 'one');

    assert.deepEqual(await claimIds(store, 5, 'one'), []);
    assert.deepEqual(await claimIds(store, 5, 'two'), ['b']);
  });

  guarantee(
    'settings outlive the process that made them',
    async (scene) => {
      await configure(scene.store, { paused: true, maxCrashes: 8 });
      await scene.store.close();

      const store = await scene.reopen();

      const { settings } = await summaryOf(store);
      assert.deepEqual([settings.paused, settings.maxCrashes], [true, 8]);
    },
    'reopen',
  );

  guarantee(
    'another handle sees changed settings at its next claim',
    async (scene) => {
      await add(scene.store, { id: 'a' });
      const other = await scene.reopen();
      await configure(other, { paused: true });

      assert.deepEqual(await claimIds(scene.store), []);
    },
    'reopen',
  );
};
