import assert from 'node:assert/strict';
import type { Topic } from './scene.ts';
import {
  add,
  addNamed,
  at,
  claim,
  claimOne,
  countsOf,
  jobOf,
  QUEUE,
  RELEASED,
  reclaimTwice,
  session,
  settle,
  settleOk,
  totalsOf,
  upkeep,
} from './support.ts';

export const sessionsCases: Topic = (guarantee) => {
  guarantee('a worker is listed as it presented itself', async ({ store, clock }) => {
    const { ttlMs: _ttlMs, ...shown } = session({ lagMs: 1.25 });
    await store.beat([session({ lagMs: 1.25 })]);

    assert.deepEqual(await store.sessions(), [
      { ...shown, startedAt: clock.now(), seenAt: clock.now(), expiresAt: clock.now() + 30_000 },
    ]);
  });

  guarantee('a beat refreshes the session and keeps when it began', async ({ store, clock }) => {
    await store.beat([session()]);
    const startedAt = clock.now();
    await clock.advance(10_000);
    const queues = [{ queue: 'other', slots: 1, busy: 1 }];
    await store.beat([session({ queues, ttlMs: 5_000 })]);

    const [record] = await store.sessions();

    assert.deepEqual(
      [record?.startedAt, record?.seenAt, record?.expiresAt],
      [startedAt, clock.now(), clock.now() + 5_000],
    );
    assert.deepEqual(record?.queues, queues);
  });

  guarantee('several sessions beat by one call, and each is told whether it was alive', async (scene) => {
    const { store, clock } = scene;
    await store.beat([session({ id: 'a', ttlMs: 1_000 }), session({ id: 'b', ttlMs: 5_000 })]);
    await clock.advance(1_000);

    const answer = await store.beat(['a', 'b', 'c'].map((id) => session({ id })));

    assert.deepEqual(answer, [{ outcome: 'begun' }, { outcome: 'kept' }, { outcome: 'begun' }]);
    assert.deepEqual(
      (await store.sessions()).map(({ id, expiresAt }) => [id, expiresAt - clock.now()]),
      ['a', 'b', 'c'].map((id) => [id, 30_000]),
    );
    assert.deepEqual(await store.beat([]), []);
  });

  guarantee(
    'a claim that binds its leases to a session gets nothing while that is over',
    async ({ store, clock }) => {
      await store.beat([session({ ttlMs: 1_000 })]);
      await addNamed(store, 'a', 'b');
      const claimBound = async (claimId: string) => {
        const [answer] = await store.claim([
          { claimId, queue: QUEUE, limit: 1, worker: 'worker-1', leaseMs: null },
        ]);
        return [answer?.jobs.length, answer?.sessionOver];
      };
      assert.deepEqual(await claimBound('first'), [1, undefined]);
      await clock.advance(1_000);

      assert.deepEqual(await claimBound('second'), [0, true]);
      assert.deepEqual(await claimBound('first'), [1, undefined]);
      await upkeep(store);
      assert.deepEqual(await claimBound('second'), [0, true]);
      assert.deepEqual(await countsOf(store), { waiting: 1, active: 1 });

      await store.beat([session()]);
      assert.deepEqual(await claimBound('second'), [1, undefined]);
    },
  );

  guarantee('the leases of a worker are listed by token, whatever they are bound to', async ({ store }) => {
    await store.beat([session()]);
    await addNamed(store, 'a', 'b', 'c', 'd');
    const leases = [
      await claimOne(store, { leaseMs: null }),
      await claimOne(store, { leaseMs: 60_000 }),
      await claimOne(store, { leaseMs: null }),
    ].map(({ lease }) => lease);
    await claimOne(store, { worker: 'worker-2' });
    const [first, ...others] = leases;
    assert.ok(first);

    assert.deepEqual(await store.leases('worker-1'), leases);
    await settleOk(store, first);
    assert.deepEqual(await store.leases('worker-1'), others);
    assert.deepEqual(await store.leases('nobody'), []);
  });

  guarantee('a lease bound to a session that lives can be ended alone', async ({ store }) => {
    await store.beat([session()]);
    await addNamed(store, 'a', 'b');
    const { lease } = await claimOne(store, { leaseMs: null });
    await claimOne(store, { leaseMs: null });

    assert.deepEqual(await store.renew([lease], 0), [{ outcome: 'ok', cancelReason: null }]);

    assert.deepEqual(
      (await reclaimTwice(store)).map(({ id, crashes }) => [id, crashes]),
      [['a', 1]],
    );
    assert.deepEqual(await countsOf(store), { waiting: 1, active: 1 });
  });

  guarantee('a session that was ended begins anew with its next beat', async ({ store }) => {
    await store.beat([session()]);
    assert.deepEqual(await store.beat([session()]), [{ outcome: 'kept' }]);
    await store.endSession('worker-1');

    assert.deepEqual(await store.beat([session()]), [{ outcome: 'begun' }]);
  });

  guarantee('a session that does not beat is over when its time is', async ({ store, clock }) => {
    await store.beat([session({ ttlMs: 1_000 })]);
    await clock.advance(999);
    assert.equal((await store.sessions()).length, 1);
    await clock.advance(1);

    assert.deepEqual(await store.sessions(), []);
    await upkeep(store);
    await store.beat([session()]);
    assert.equal((await store.sessions())[0]?.startedAt, clock.now());
  });

  guarantee(
    'ending a session hands its jobs back at once, without burning an attempt',
    async ({ store, clock }) => {
      await store.beat([session()]);
      await addNamed(store, 'a', 'b', 'c');
      await claimOne(store, { leaseMs: null });
      await claimOne(store, { leaseMs: 60_000 });
      await claimOne(store, { worker: 'worker-2' });
      await clock.advance(40);

      assert.equal(await store.endSession('worker-1'), 2);

      for (const id of ['a', 'b']) {
        const job = await jobOf(store, id);
        assert.deepEqual([job.state, job.readyAt, job.failures, job.crashes], ['waiting', clock.now(), 0, 0]);
        assert.deepEqual(
          (await store.attempts(at(id))).map((each) => each.outcome),
          ['released'],
        );
      }
      assert.deepEqual(await countsOf(store), { waiting: 2, active: 1 });
      assert.deepEqual(await totalsOf(store), { added: 3, released: 2 });
      assert.deepEqual(await store.sessions(), []);
    },
  );

  guarantee('a worker whose session was ended settles no more', async ({ store }) => {
    await store.beat([session()]);
    await add(store);
    const { lease } = await claimOne(store, { leaseMs: null });
    await store.endSession('worker-1');

    assert.equal((await settle(store, lease)).outcome, 'superseded');
    const next = await claimOne(store, { worker: 'worker-2' });
    assert.equal((await settleOk(store, next.lease)).state, 'completed');
    assert.equal((await settle(store, lease, RELEASED)).outcome, 'superseded');
  });

  guarantee('ending a session that is not there hands back what it holds all the same', async ({ store }) => {
    assert.equal(await store.endSession('never-was'), 0);
    await add(store);
    await claim(store, { worker: 'no-session' });

    assert.equal(await store.endSession('no-session'), 1);
    assert.equal(await store.endSession('no-session'), 0);
  });

  guarantee('many sessions are listed by id', async ({ store }) => {
    for (const id of ['c', 'a', 'b']) await store.beat([session({ id })]);

    assert.deepEqual(
      (await store.sessions()).map((each) => each.id),
      ['a', 'b', 'c'],
    );
  });
};
