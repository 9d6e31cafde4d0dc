import assert from 'node:assert/strict';
import type { LeaseRef } from '../../job/record.ts';
import type { Store } from '../../store/store.ts';
import type { FakeClock } from '../fake-clock.ts';
import type { Topic } from './scene.ts';
import {
  add,
  addNamed,
  at,
  claim,
  claimOne,
  claimRequest,
  configure,
  jobOf,
  LEASE_MS,
  move,
  moveOk,
  RELEASED,
  reclaimTwice,
  session,
  settleOk,
  stateOf,
  unchanged,
  upkeep,
} from './support.ts';

const QUARANTINE = { quarantine: true } as const;

/** The holder dies, and upkeep notices. */
async function die(store: Store, clock: FakeClock): Promise<readonly string[]> {
  await clock.advance(LEASE_MS);
  return (await reclaimTwice(store)).map(({ id, state }) => `${id} ${state}`);
}

const isolate = (store: Store, job: LeaseRef): Promise<void> =>
  moveOk(store, { op: 'isolate', job, alone: true });

export const quarantineCases: Topic = (guarantee) => {
  guarantee(
    'a job that was never run alone goes back to waiting, however often its worker died',
    async ({ store, clock }) => {
      await configure(store, { maxCrashes: 1 });
      await add(store);
      for (let crashes = 1; crashes <= 5; crashes += 1) {
        await claimOne(store, QUARANTINE);
        assert.deepEqual(await die(store, clock), ['a waiting']);
        assert.equal((await jobOf(store)).crashes, crashes);
      }
    },
  );

  guarantee(
    'a queue that allows no crash ends a job only by one that it had alone',
    async ({ store, clock }) => {
      await configure(store, { maxCrashes: 0 });
      await add(store);
      await claimOne(store, QUARANTINE);
      assert.deepEqual(await die(store, clock), ['a waiting']);

      await isolate(store, (await claimOne(store, QUARANTINE)).lease);

      assert.deepEqual(await die(store, clock), ['a failed']);
    },
  );

  guarantee(
    'of the jobs of a worker that died only the one that ran alone may be the dead letter',
    async ({ store, clock }) => {
      await configure(store, { maxCrashes: 1 });
      await addNamed(store, 'a', 'b', 'c');
      await claim(store, { limit: 3, ...QUARANTINE });
      await die(store, clock);
      const { jobs } = await claim(store, { limit: 3, ...QUARANTINE });
      const poison = jobs[1]?.lease;
      assert.ok(poison !== undefined);

      await isolate(store, poison);

      assert.deepEqual(await die(store, clock), ['a waiting', 'b failed', 'c waiting']);
      const job = await jobOf(store, 'b');
      assert.deepEqual([job.cause, job.crashes, job.failures], ['crashed', 2, 0]);
    },
  );

  guarantee(
    'a job that runs alone may still crash as often as its queue allows',
    async ({ store, clock }) => {
      await configure(store, { maxCrashes: 2 });
      await add(store);
      for (const state of ['waiting', 'waiting', 'failed']) {
        await isolate(store, (await claimOne(store, QUARANTINE)).lease);
        assert.deepEqual(await die(store, clock), [`a ${state}`]);
      }
    },
  );

  guarantee('a job that has company again is spared again', async ({ store, clock }) => {
    await configure(store, { maxCrashes: 0 });
    await add(store);
    const { lease } = await claimOne(store, QUARANTINE);
    await isolate(store, lease);
    await moveOk(store, { op: 'isolate', job: lease, alone: false });

    assert.deepEqual(await die(store, clock), ['a waiting']);
  });

  guarantee('the timeout of a job counts from when it is alone', async ({ store, clock }) => {
    await add(store, { policy: { timeoutMs: 10_000 } });
    for (const leaseMs of [LEASE_MS, null]) {
      await store.beat([session({ ttlMs: 600_000 })]);
      const { lease } = await claimOne(store, { leaseMs, ...QUARANTINE });
      await clock.advance(14_000);
      await isolate(store, lease);
      await store.renew([lease], LEASE_MS);
      await clock.advance(10_000);

      await moveOk(store, { op: 'isolate', job: lease, alone: false });
      await clock.advance(4_999);
      assert.deepEqual(await store.renew([lease], LEASE_MS), [{ outcome: 'ok', cancelReason: null }]);
      await clock.advance(1);
      assert.equal((await store.renew([lease], LEASE_MS))[0]?.outcome, 'timed-out');
      await upkeep(store, { reclaim: true });
      await clock.advance(3_000);
      assert.equal((await upkeep(store, { reclaim: true })).reclaimed.length, 1);
    }
  });

  guarantee('whether a job ran alone is forgotten with its lease', async ({ store, clock }) => {
    await configure(store, { maxCrashes: 0 });
    await add(store);
    const { lease } = await claimOne(store, QUARANTINE);
    await isolate(store, lease);
    await settleOk(store, lease, RELEASED);

    await claimOne(store, QUARANTINE);

    assert.deepEqual(await die(store, clock), ['a waiting']);
  });

  guarantee('a renewal does not change whether a job runs alone', async ({ store, clock }) => {
    await configure(store, { maxCrashes: 0 });
    await addNamed(store, 'a', 'b');
    const alone = await claimOne(store, QUARANTINE);
    const other = await claimOne(store, QUARANTINE);
    await isolate(store, alone.lease);
    await store.renew([alone.lease, other.lease], LEASE_MS);

    assert.deepEqual(await die(store, clock), ['a failed', 'b waiting']);
  });

  guarantee('a repeated claim answers a lease that is as it was', async ({ store, clock }) => {
    await configure(store, { maxCrashes: 0 });
    await addNamed(store, 'a', 'b');
    const request = claimRequest({ limit: 2, ...QUARANTINE });
    const [first] = await store.claim([request]);
    assert.ok(first?.jobs[0] !== undefined);
    await isolate(store, first.jobs[0].lease);

    const [again] = await store.claim([request]);

    assert.deepEqual(again?.jobs, first.jobs);
    assert.deepEqual(await die(store, clock), ['a failed', 'b waiting']);
  });

  guarantee('to run alone is the right of the lease alone', async ({ store, clock }) => {
    await configure(store, { maxCrashes: 0 });
    await add(store);
    const { lease } = await claimOne(store, QUARANTINE);
    const refused = async (job: LeaseRef, outcome: string): Promise<void> => {
      await unchanged(store, async () => {
        assert.deepEqual(await move(store, { op: 'isolate', job, alone: true }), { outcome });
      });
    };
    await refused({ ...lease, token: lease.token + 1 }, 'superseded');
    await refused({ ...at('nobody'), token: lease.token }, 'gone');
    await clock.advance(LEASE_MS);
    await refused(lease, 'expired');

    await reclaimTwice(store);
    await refused(lease, 'superseded');
    assert.equal(await stateOf(store), 'waiting');
  });

  guarantee('saying it twice is saying it once', async ({ store }) => {
    await add(store);
    const { lease } = await claimOne(store, QUARANTINE);
    await isolate(store, lease);

    await unchanged(store, () => isolate(store, lease));
  });

  guarantee('a claim that knows of no quarantine is as before', async ({ store, clock }) => {
    await configure(store, { maxCrashes: 0 });
    await addNamed(store, 'a', 'b');
    await isolate(store, (await claimOne(store)).lease);
    await claimOne(store, { quarantine: false });

    assert.deepEqual(await die(store, clock), ['a failed', 'b failed']);
  });

  guarantee(
    'what ran alone is still known when the store is opened again',
    async (scene) => {
      await configure(scene.store, { maxCrashes: 0 });
      await addNamed(scene.store, 'a', 'b');
      const { lease } = await claimOne(scene.store, QUARANTINE);
      await claimOne(scene.store, QUARANTINE);
      await isolate(scene.store, lease);
      await scene.store.close();

      const store = await scene.reopen();

      assert.deepEqual(await die(store, scene.clock), ['a failed', 'b waiting']);
    },
    'reopen',
  );
};
