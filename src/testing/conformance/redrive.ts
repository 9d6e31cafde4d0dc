import assert from 'node:assert/strict';
import type { Topic } from './scene.ts';
import {
  add,
  assertBytes,
  at,
  COMPLETED,
  cancelled,
  claimOne,
  countsOf,
  errorOf,
  failed,
  findJob,
  finish,
  jobOf,
  move,
  moveOk,
  parked,
  retry,
  settleOk,
  stateOf,
  totalsOf,
  unchanged,
  utf8,
} from './support.ts';

const redriving = (id = 'a', toQueue: string | null = null) =>
  ({ op: 'redrive', job: at(id), toQueue }) as const;

export const redriveCases: Topic = (guarantee) => {
  guarantee(
    'a redriven dead letter starts anew with the same body and its history',
    async ({ store, clock }) => {
      const body = Uint8Array.of(0, 1, 255);
      await finish(store, failed('no route'), { body, policy: { ttlMs: 5_000 } });
      await clock.advance(90_000);

      await moveOk(store, redriving());

      const job = await jobOf(store);
      assertBytes(job.body, body);
      assert.deepEqual([job.state, job.readyAt, job.generation], ['waiting', clock.now(), 2]);
      assert.deepEqual([job.failures, job.crashes, job.claims], [0, 0, 1]);
      assert.deepEqual(
        [job.dueAt, job.expiresAt, job.firstClaimedAt, job.finishedAt, job.cause, job.origin],
        [null, null, null, null, null, null],
      );
      assert.deepEqual(job.error, errorOf('no route'));
      assert.equal((await store.attempts(at('a'))).length, 1);
      assert.deepEqual(await countsOf(store), { waiting: 1 });
      assert.deepEqual(await totalsOf(store), { added: 1, failed: 1, attemptsFailed: 1 });
    },
  );

  guarantee('a completed job forgets its result and progress when it is redriven', async ({ store }) => {
    await add(store);
    const { lease } = await claimOne(store);
    await store.apply([{ op: 'progress', job: lease, value: utf8('100') }]);
    await settleOk(store, lease, { to: 'completed', result: utf8('"done"') });

    await moveOk(store, redriving());

    const job = await jobOf(store);
    assert.deepEqual([job.state, job.result, job.progress], ['waiting', null, null]);
  });

  guarantee('a cancelled job forgets cause and reason when it is redriven', async ({ store }) => {
    await finish(store, cancelled('by mistake'));

    await moveOk(store, redriving());

    const job = await jobOf(store);
    assert.deepEqual([job.state, job.cause, job.cancelReason], ['waiting', null, null]);
    const { lease } = await claimOne(store);
    assert.equal((await settleOk(store, lease, retry(5))).state, 'delayed');
  });

  guarantee('token and attempt numbers go on after a redrive', async ({ store, clock }) => {
    await finish(store, failed());
    await clock.advance(1_000);
    await moveOk(store, redriving());
    await clock.advance(50);
    const { lease, waitedMs, elapsedMs, job } = await claimOne(store);
    assert.ok(lease.token > 1);
    assert.deepEqual([waitedMs, elapsedMs, job.claims, job.generation], [50, 0, 2, 2]);
    await settleOk(store, lease);

    const attempts = await store.attempts(at('a'));
    assert.deepEqual(
      attempts.map((each) => [each.number, each.generation]),
      [
        [1, 1],
        [2, 2],
      ],
    );
  });

  guarantee('a job may be redriven into another queue, keeping its id', async ({ store, clock }) => {
    await finish(store, failed('x'), { name: 'bill', priority: 2 });
    await clock.advance(10);

    await moveOk(store, redriving('a', 'second'));

    const job = await jobOf(store, 'a', 'second');
    assert.deepEqual([job.queue, job.state, job.name, job.priority], ['second', 'waiting', 'bill', 2]);
    assert.deepEqual(job.origin, { queue: 'orders', cause: 'redrive', movedAt: clock.now() });
    assert.equal((await jobOf(store, 'a', 'orders')).queue, 'second');
    assert.deepEqual([await countsOf(store), await countsOf(store, 'second')], [{}, { waiting: 1 }]);
    assert.deepEqual(await totalsOf(store), { added: 1, failed: 1, attemptsFailed: 1, removed: 1 });
    assert.deepEqual(await totalsOf(store, 'second'), { added: 1 });
  });

  guarantee('a dead letter is redriven to where it came from', async ({ store, clock }) => {
    await finish(store, failed(), { policy: { deadLetterQueue: 'dead' } });
    await clock.advance(10);

    await moveOk(store, { op: 'redrive', job: at('a', 'dead'), toQueue: 'orders' });

    const job = await jobOf(store);
    assert.deepEqual([job.queue, job.state, job.generation], ['orders', 'waiting', 3]);
    assert.equal(job.origin?.queue, 'dead');
  });

  guarantee('waiting and delayed jobs are redriven into another queue only', async ({ store, clock }) => {
    await add(store, { id: 'w' }, { id: 'd', delayMs: 5_000, policy: { ttlMs: 1 } });

    for (const id of ['w', 'd']) {
      const state = id === 'w' ? 'waiting' : 'delayed';
      assert.deepEqual(await move(store, redriving(id)), { outcome: 'wrong-state', state });
      assert.deepEqual(await move(store, redriving(id, 'orders')), { outcome: 'wrong-state', state });
      await moveOk(store, redriving(id, 'second'));
      const job = await jobOf(store, id, 'second');
      assert.deepEqual(
        [job.state, job.readyAt, job.dueAt, job.expiresAt],
        ['waiting', clock.now(), null, null],
      );
    }
  });

  guarantee('a running or parked job cannot be redriven', async ({ store }) => {
    await finish(store, parked(null), { id: 'parked' });
    await add(store, { id: 'active' });
    await claimOne(store);

    for (const state of ['parked', 'active']) {
      await unchanged(store, async () => {
        assert.deepEqual(await move(store, redriving(state)), { outcome: 'wrong-state', state });
        assert.deepEqual(await move(store, redriving(state, 'second')), { outcome: 'wrong-state', state });
      });
    }
  });

  guarantee(
    'a redrive into a queue that has the id answers duplicate and changes nothing',
    async ({ store }) => {
      await finish(store, failed());
      await add(store, { queue: 'second' });

      await unchanged(store, async () => {
        assert.deepEqual(await move(store, redriving('a', 'second')), { outcome: 'duplicate' });
      });
      assert.equal(await stateOf(store), 'failed');
    },
  );

  guarantee('redriving a job that is not there answers gone and makes no queue', async ({ store }) => {
    assert.deepEqual(await move(store, redriving('none', 'second')), { outcome: 'gone' });
    assert.deepEqual(await store.queues(), []);
    assert.equal(await findJob(store, 'none', 'second'), null);
  });

  guarantee('a completed job runs again only after a redrive', async ({ store, clock }) => {
    await finish(store, COMPLETED);
    await clock.advance(60_000);
    await store.upkeep({ holder: 'l', leaderLeaseMs: 1_000, limit: 10, reclaim: true });
    assert.deepEqual((await store.claim([])).length, 0);
    assert.equal(await stateOf(store), 'completed');

    await moveOk(store, redriving());

    assert.equal((await claimOne(store)).job.generation, 2);
  });
};
