import assert from 'node:assert/strict';
import { MAX_LEASE_MS } from '../../job/limits.ts';
import type { LeaseRef } from '../../job/record.ts';
import type { RenewResult, Store } from '../../store/store.ts';
import type { Topic } from './scene.ts';
import {
  add,
  addNamed,
  at,
  COMPLETED,
  claim,
  claimOne,
  failed,
  jobOf,
  LEASE_MS,
  moveOk,
  parked,
  RELEASED,
  reclaimTwice,
  retry,
  session,
  settle,
  settleOk,
  stateOf,
  unchanged,
  upkeep,
  utf8,
} from './support.ts';

async function renew(store: Store, lease: LeaseRef, leaseMs = LEASE_MS): Promise<RenewResult> {
  const [result] = await store.renew([lease], leaseMs);
  assert.ok(result !== undefined);
  return result;
}

const OK: RenewResult = { outcome: 'ok', cancelReason: null };

export const leaseCases: Topic = (guarantee) => {
  guarantee('a second worker cannot finish a job whose lease it does not hold', async ({ store }) => {
    await add(store);
    const { lease } = await claimOne(store);

    for (const token of [0, lease.token - 1, lease.token + 1, Number.MAX_SAFE_INTEGER]) {
      for (const next of [COMPLETED, failed(), retry(), RELEASED, parked(null)]) {
        await unchanged(store, async () => {
          const result = await settle(store, { ...lease, token }, next);
          assert.deepEqual(result, { outcome: 'superseded', state: null });
        });
      }
    }
    assert.equal((await settleOk(store, lease)).state, 'completed');
  });

  guarantee('a job that nobody holds cannot be settled', async ({ store }) => {
    await add(store);

    assert.equal((await settle(store, { ...at('a'), token: 0 })).outcome, 'superseded');
    assert.equal((await settle(store, { ...at('none'), token: 1 })).outcome, 'gone');
    assert.equal(await stateOf(store), 'waiting');
  });

  guarantee('a lease is good until the last millisecond and not longer', async ({ store, clock }) => {
    await addNamed(store, 'a', 'b');
    const { jobs } = await claim(store, { limit: 2, leaseMs: 1_000 });
    const [first, second] = jobs.map((each) => each.lease) as [LeaseRef, LeaseRef];

    await clock.advance(999);
    assert.equal((await settle(store, first)).outcome, 'ok');
    await clock.advance(1);

    assert.deepEqual(await settle(store, second), { outcome: 'expired', state: null });
    assert.equal(await stateOf(store, 'b'), 'active');
  });

  guarantee(
    'a lenient settlement counts after the lease ran out while nobody took the job',
    async ({ store, clock }) => {
      await add(store);
      const { lease } = await claimOne(store);
      await clock.advance(LEASE_MS + 1);

      const result = await settle(store, lease, COMPLETED, { mode: 'lenient' });

      assert.deepEqual(result, { outcome: 'ok', state: 'completed' });
    },
  );

  guarantee(
    'a lenient settlement is refused once the job was given to somebody else',
    async ({ store, clock }) => {
      await add(store);
      const { lease } = await claimOne(store);
      await clock.advance(LEASE_MS);
      await reclaimTwice(store);
      await claimOne(store, { worker: 'worker-2' });

      await unchanged(store, async () => {
        const result = await settle(store, lease, COMPLETED, { mode: 'lenient' });
        assert.equal(result.outcome, 'superseded');
      });
    },
  );

  guarantee('a renewal prolongs the lease from now on', async ({ store, clock }) => {
    await add(store);
    const { lease } = await claimOne(store, { leaseMs: 1_000 });
    await clock.advance(900);
    assert.deepEqual(await renew(store, lease, 1_000), OK);
    await clock.advance(999);

    assert.equal((await settle(store, lease)).outcome, 'ok');
  });

  guarantee('a renewal may also make the lease shorter', async ({ store, clock }) => {
    await add(store);
    const { lease } = await claimOne(store);
    await renew(store, lease, 10);
    await clock.advance(10);

    assert.equal((await settle(store, lease)).outcome, 'expired');
  });

  guarantee('renewing for no time ends the lease, and the job comes back', async ({ store }) => {
    await add(store);
    const { lease } = await claimOne(store);

    assert.deepEqual(await renew(store, lease, 0), OK);

    assert.equal((await settle(store, lease)).outcome, 'expired');
    await reclaimTwice(store);
    assert.equal(await stateOf(store), 'waiting');
  });

  guarantee('a lease may be held for twelve hours', async ({ store, clock }) => {
    await add(store);
    const { lease } = await claimOne(store, { leaseMs: MAX_LEASE_MS });
    await clock.advance(MAX_LEASE_MS - 1);
    await renew(store, lease, MAX_LEASE_MS);
    await clock.advance(MAX_LEASE_MS - 1);

    assert.equal((await settle(store, lease)).outcome, 'ok');
  });

  guarantee('a lease that ran out is renewed as long as nobody took the job', async ({ store, clock }) => {
    await add(store);
    const { lease } = await claimOne(store);
    await clock.advance(LEASE_MS * 2);

    assert.deepEqual(await renew(store, lease), OK);

    assert.equal((await settle(store, lease)).outcome, 'ok');
  });

  guarantee('only the present lease can be renewed', async ({ store }) => {
    await add(store);
    const { lease: old } = await claimOne(store);
    await settleOk(store, old, RELEASED);
    assert.equal((await renew(store, old)).outcome, 'superseded');
    const { lease } = await claimOne(store);

    await unchanged(store, async () => {
      assert.deepEqual(await renew(store, old), { outcome: 'superseded', cancelReason: null });
      assert.equal((await renew(store, { ...lease, token: lease.token + 1 })).outcome, 'superseded');
      assert.equal((await renew(store, { ...at('none'), token: 1 })).outcome, 'gone');
      assert.equal((await renew(store, { ...lease, queue: 'other' })).outcome, 'gone');
    });
  });

  guarantee('a call that renews many leases answers each in its place', async ({ store }) => {
    await addNamed(store, 'a', 'b');
    const { jobs } = await claim(store, { limit: 2 });
    const [first, second] = jobs.map((each) => each.lease) as [LeaseRef, LeaseRef];
    await settleOk(store, first);

    const results = await store.renew([second, { ...first, id: 'none' }, first, second], 5_000);

    assert.deepEqual(
      results.map((result) => result.outcome),
      ['ok', 'gone', 'superseded', 'ok'],
    );
    assert.deepEqual(await store.renew([], 5_000), []);
  });

  guarantee('a renewal lifts the suspicion of an earlier reclaim pass', async ({ store, clock }) => {
    await add(store);
    const { lease } = await claimOne(store);
    await clock.advance(LEASE_MS);
    await upkeep(store, { reclaim: true });
    await renew(store, lease);
    await clock.advance(LEASE_MS);

    assert.deepEqual((await upkeep(store, { reclaim: true })).reclaimed, []);
    assert.equal((await upkeep(store, { reclaim: true })).reclaimed.length, 1);
  });

  guarantee('a lease that is bound to its session stays so when it is renewed', async ({ store, clock }) => {
    await store.beat([session({ ttlMs: 50_000 })]);
    await add(store);
    const { lease } = await claimOne(store, { leaseMs: null });
    assert.deepEqual(await renew(store, lease, 1), OK);
    await clock.advance(49_998);
    assert.equal((await settle(store, lease, parked(1))).outcome, 'ok');
    await clock.advance(1);

    const again = await claimOne(store, { leaseMs: null });
    await clock.advance(1);

    assert.equal((await settle(store, again.lease)).outcome, 'expired');
  });

  guarantee('a lease of its own time needs no session', async ({ store, clock }) => {
    await add(store);
    const { lease } = await claimOne(store, { worker: 'nobody' });
    await clock.advance(LEASE_MS - 1);

    assert.deepEqual(await reclaimTwice(store), []);
    assert.equal((await settle(store, lease)).outcome, 'ok');
  });

  guarantee('a renewal tells the worker that somebody asked the job to stop', async ({ store }) => {
    await add(store);
    const { lease } = await claimOne(store);
    await moveOk(store, { op: 'cancel', job: at('a'), reason: 'wrong address' });

    assert.deepEqual(await renew(store, lease), { outcome: 'ok', cancelReason: 'wrong address' });
  });

  guarantee('progress, log and data of a worker are refused without its lease', async ({ store, clock }) => {
    await add(store, { id: 'a' }, { id: 'gone' });
    const { lease } = await claimOne(store);
    const writes = (job: LeaseRef): Promise<string[]> =>
      store
        .apply([
          { op: 'progress', job, value: utf8('1') },
          { op: 'log', job, lines: ['x'] },
          { op: 'data', job, body: utf8('new'), contentType: 'text/plain' },
        ])
        .then((results) => results.map((result) => ('outcome' in result ? result.outcome : result.op)));
    const stale = { ...lease, token: lease.token + 1 };

    await unchanged(store, async () => {
      assert.deepEqual(await writes(stale), ['superseded', 'superseded', 'superseded']);
      assert.deepEqual(await writes({ ...lease, id: 'none' }), ['gone', 'gone', 'gone']);
      assert.deepEqual(await writes({ ...at('gone'), token: 0 }), ['superseded', 'superseded', 'superseded']);
    });
    await clock.advance(LEASE_MS);
    await unchanged(store, async () => {
      assert.deepEqual(await writes(lease), ['expired', 'expired', 'expired']);
    });
    await renew(store, lease);
    assert.deepEqual(await writes(lease), ['ok', 'ok', 'ok']);
    assert.equal((await jobOf(store)).contentType, 'text/plain');
  });
};
