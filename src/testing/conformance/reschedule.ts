import assert from 'node:assert/strict';
import type { Topic } from './scene.ts';
import {
  add,
  at,
  COMPLETED,
  claimIds,
  claimOne,
  failed,
  findJob,
  finish,
  jobOf,
  move,
  moveOk,
  parked,
  RELEASED,
  settleOk,
  stateOf,
  totalsOf,
  unchanged,
} from './support.ts';

export const rescheduleCases: Topic = (guarantee) => {
  guarantee('a promoted job is ready at once', async ({ store, clock }) => {
    await add(store, { delayMs: 60_000 });
    await clock.advance(1_000);

    await moveOk(store, { op: 'promote', job: at('a') });

    const job = await jobOf(store);
    assert.deepEqual([job.state, job.readyAt, job.dueAt], ['waiting', clock.now(), null]);
    assert.equal((await claimOne(store)).waitedMs, 0);
  });

  guarantee('only a delayed job can be promoted', async ({ store }) => {
    await finish(store, parked(1_000), { id: 'parked' });
    await finish(store, COMPLETED, { id: 'completed' });
    await add(store, { id: 'waiting' });
    await add(store, { id: 'active', queue: 'two' });
    await claimOne(store, { queue: 'two' });

    for (const [id, queue] of [['parked'], ['completed'], ['waiting'], ['active', 'two']] as const) {
      await unchanged(store, async () => {
        const outcome = await move(store, { op: 'promote', job: at(id, queue) });
        assert.deepEqual(outcome, { outcome: 'wrong-state', state: id });
      });
    }
    assert.deepEqual(await move(store, { op: 'promote', job: at('none') }), { outcome: 'gone' });
  });

  guarantee('a rescheduled job is due that long from now', async ({ store, clock }) => {
    await add(store, { id: 'w' }, { id: 'd', delayMs: 60_000 });
    await clock.advance(1_000);

    for (const id of ['w', 'd']) {
      await moveOk(store, { op: 'reschedule', job: at(id), delayMs: 700 });
      const job = await jobOf(store, id);
      assert.deepEqual([job.state, job.dueAt, job.readyAt], ['delayed', clock.now() + 700, null]);
    }
    await clock.advance(699);
    assert.deepEqual(await claimIds(store), []);
    await clock.advance(1);
    assert.deepEqual(await claimIds(store), ['w', 'd']);
  });

  guarantee(
    'rescheduling without a delay makes a delayed job ready and leaves a waiting one',
    async ({ store, clock }) => {
      await add(store, { id: 'd', delayMs: 60_000 }, { id: 'w' });
      const readyAt = clock.now();
      await clock.advance(300);

      await moveOk(store, { op: 'reschedule', job: at('d'), delayMs: 0 });
      await moveOk(store, { op: 'reschedule', job: at('w'), delayMs: 0 });

      assert.deepEqual(
        [(await jobOf(store, 'd')).state, (await jobOf(store, 'd')).readyAt],
        ['waiting', clock.now()],
      );
      assert.deepEqual(
        [(await jobOf(store, 'w')).state, (await jobOf(store, 'w')).readyAt],
        ['waiting', readyAt],
      );
    },
  );

  guarantee('the time to live of a rescheduled job counts from its new time', async ({ store, clock }) => {
    await add(store, { id: 'a', policy: { ttlMs: 1_000 } }, { id: 'claimed', policy: { ttlMs: 1_000 } });
    await moveOk(store, { op: 'reschedule', job: at('a'), delayMs: 5_000 });
    assert.equal((await jobOf(store)).expiresAt, clock.now() + 6_000);
    const { lease } = await claimOne(store);
    await settleOk(store, lease, RELEASED);
    await moveOk(store, { op: 'reschedule', job: lease, delayMs: 5_000 });
    assert.equal((await jobOf(store, 'claimed')).expiresAt, null);
    await clock.advance(5_999);

    assert.deepEqual(await claimIds(store), ['a', 'claimed']);
  });

  guarantee('a job that runs or has ended cannot be rescheduled or prioritized', async ({ store }) => {
    await finish(store, failed(), { id: 'failed' });
    await add(store, { id: 'active' });
    await claimOne(store);

    for (const state of ['failed', 'active']) {
      await unchanged(store, async () => {
        const wrong = { outcome: 'wrong-state', state };
        assert.deepEqual(await move(store, { op: 'reschedule', job: at(state), delayMs: 5 }), wrong);
        assert.deepEqual(
          await move(store, { op: 'prioritize', job: at(state), priority: 1, lifo: false }),
          wrong,
        );
      });
    }
    assert.deepEqual(await move(store, { op: 'reschedule', job: at('none'), delayMs: 5 }), {
      outcome: 'gone',
    });
    assert.deepEqual(await move(store, { op: 'prioritize', job: at('none'), priority: 1, lifo: true }), {
      outcome: 'gone',
    });
  });

  guarantee('a delayed job takes its new priority along to when it is due', async ({ store, clock }) => {
    await add(store, { id: 'd', delayMs: 100 }, { id: 'w' });
    await moveOk(store, { op: 'prioritize', job: at('d'), priority: 3, lifo: false });
    await clock.advance(100);

    assert.equal((await jobOf(store, 'd')).priority, 3);
    assert.deepEqual(await claimIds(store), ['w', 'd']);
  });

  guarantee('moving a job to the front uses up a number of its own', async ({ store }) => {
    await add(store, { id: 'a' }, { id: 'b' });
    await moveOk(store, { op: 'prioritize', job: at('a'), priority: 0, lifo: true });
    await add(store, { id: 'c' });

    assert.deepEqual([(await jobOf(store, 'a')).rank, (await jobOf(store, 'c')).rank], [-3, 4]);
  });

  guarantee('a discarded job is gone, with whatever was known of it', async ({ store }) => {
    await add(store, { id: 'w' }, { id: 'd', delayMs: 5 });
    await finish(store, failed(), { id: 'f', queue: 'two' });

    for (const [id, queue] of [
      ['w', 'orders'],
      ['d', 'orders'],
      ['f', 'two'],
    ] as const) {
      await moveOk(store, { op: 'discard', job: at(id, queue) });
      assert.equal(await findJob(store, id, queue), null);
      assert.deepEqual(await move(store, { op: 'discard', job: at(id, queue) }), { outcome: 'gone' });
    }
    assert.deepEqual(await totalsOf(store), { added: 2, removed: 2 });
  });

  guarantee('a running job cannot be discarded', async ({ store }) => {
    await add(store);
    await claimOne(store);

    await unchanged(store, async () => {
      const outcome = await move(store, { op: 'discard', job: at('a') });
      assert.deepEqual(outcome, { outcome: 'wrong-state', state: 'active' });
    });
    assert.equal(await stateOf(store), 'active');
  });
};
