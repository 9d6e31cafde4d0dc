import assert from 'node:assert/strict';
import type { Topic } from './scene.ts';
import {
  add,
  at,
  COMPLETED,
  claimOne,
  finish,
  jobOf,
  LEASE_MS,
  moveOk,
  reclaimTwice,
  retry,
  session,
  settle,
  stateOf,
  unchanged,
  upkeep,
} from './support.ts';

/** What the store gives a worker on top of the job's own time, to abort and say so. */
const GRACE_MS = 5_000;
const timed = (timeoutMs: number) => ({ policy: { timeoutMs } });

export const timeoutCases: Topic = (guarantee) => {
  guarantee('a lease never outlives the time limit of its job and the grace', async ({ store, clock }) => {
    await add(store, { id: 'a', ...timed(1_000) }, { id: 'b', ...timed(1_000) });
    const first = await claimOne(store, { leaseMs: 600_000 });
    const second = await claimOne(store, { leaseMs: 600_000 });

    await clock.advance(1_000 + GRACE_MS - 1);
    assert.equal((await settle(store, first.lease)).outcome, 'ok');
    await clock.advance(1);

    assert.equal((await settle(store, second.lease)).outcome, 'expired');
  });

  guarantee('a renewal reaches up to the time limit and not beyond', async ({ store, clock }) => {
    await add(store, timed(10_000));
    const { lease } = await claimOne(store, { leaseMs: 12_000 });
    await clock.advance(11_000);
    assert.deepEqual(await store.renew([lease], 60_000), [{ outcome: 'ok', cancelReason: null }]);
    await clock.advance(3_999);
    assert.equal((await settle(store, lease, retry())).outcome, 'ok');
  });

  guarantee(
    'a job past its time limit is not renewed any more, and keeps its lease as it was',
    async ({ store, clock }) => {
      await add(store, timed(10_000));
      const { lease } = await claimOne(store, { leaseMs: LEASE_MS });
      await clock.advance(15_000);

      await unchanged(store, async () => {
        assert.deepEqual(await store.renew([lease], LEASE_MS), [
          { outcome: 'timed-out', cancelReason: null },
        ]);
      });
      assert.equal((await settle(store, lease)).outcome, 'expired');
    },
  );

  guarantee('a worker that missed the time limit may still settle leniently', async ({ store, clock }) => {
    await add(store, timed(10_000));
    const { lease } = await claimOne(store);
    await clock.advance(15_000);

    assert.equal((await settle(store, lease, COMPLETED, { mode: 'lenient' })).outcome, 'ok');
  });

  guarantee('a hung job is taken back though its worker goes on renewing', async ({ store, clock }) => {
    await add(store, timed(10_000));
    const { lease } = await claimOne(store);
    await clock.advance(15_000);
    await store.renew([lease], LEASE_MS);

    const [taken] = await reclaimTwice(store);

    assert.deepEqual([taken?.id, taken?.crashes, taken?.state], ['a', 1, 'waiting']);
  });

  guarantee('a time limit also ends a lease that is bound to a session', async ({ store, clock }) => {
    await store.beat([session({ ttlMs: 3_600_000 })]);
    await add(store, timed(10_000));
    const { lease } = await claimOne(store, { leaseMs: null });
    await clock.advance(14_999);
    assert.deepEqual(await store.renew([lease], LEASE_MS), [{ outcome: 'ok', cancelReason: null }]);
    await clock.advance(1);

    assert.equal((await store.renew([lease], LEASE_MS))[0]?.outcome, 'timed-out');
    assert.equal((await settle(store, lease)).outcome, 'expired');
    assert.deepEqual(await reclaimTwice(store), []);
    await clock.advance(3_000);
    assert.equal((await upkeep(store, { reclaim: true })).reclaimed.length, 1);
  });

  guarantee(
    'a job that is past its time limit still hears that it was cancelled',
    async ({ store, clock }) => {
      await add(store, timed(1_000));
      const { lease } = await claimOne(store);
      await moveOk(store, { op: 'cancel', job: at('a'), reason: 'enough' });
      await clock.advance(6_000);

      assert.deepEqual(await store.renew([lease], 1), [{ outcome: 'timed-out', cancelReason: 'enough' }]);
    },
  );

  guarantee('each attempt has the whole time of the job for itself', async ({ store, clock }) => {
    await finish(store, retry(), timed(1_000));
    await clock.advance(60_000);
    const { lease } = await claimOne(store);
    await clock.advance(5_999);

    assert.equal((await settle(store, lease)).outcome, 'ok');
    assert.equal(await stateOf(store), 'completed');
    assert.equal((await jobOf(store)).policy.timeoutMs, 1_000);
  });
};
