import assert from 'node:assert/strict';
import type { Topic } from './scene.ts';
import {
  add,
  addNamed,
  at,
  COMPLETED,
  claim,
  claimOne,
  configure,
  countsOf,
  failed,
  finish,
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
  totalsOf,
  unchanged,
  upkeep,
  utf8,
} from './support.ts';

export const reclaimCases: Topic = (guarantee) => {
  guarantee(
    'a job whose worker died is taken back by the second pass that sees it past due',
    async ({ store, clock }) => {
      await add(store);
      const { lease } = await claimOne(store, { worker: 'dead-worker' });
      await clock.advance(LEASE_MS);

      assert.deepEqual((await upkeep(store, { reclaim: true })).reclaimed, []);
      assert.equal(await stateOf(store), 'active');
      await clock.advance(15_000);
      const report = await upkeep(store, { reclaim: true });

      assert.deepEqual(report.reclaimed, [{ ...lease, worker: 'dead-worker', crashes: 1, state: 'waiting' }]);
      const job = await jobOf(store);
      assert.deepEqual(
        [job.state, job.readyAt, job.crashes, job.failures, job.claims],
        ['waiting', clock.now(), 1, 0, 1],
      );
      assert.deepEqual(await countsOf(store), { waiting: 1 });
      assert.deepEqual(await totalsOf(store), { added: 1, reclaimed: 1 });
    },
  );

  guarantee('a good lease is never taken back, however often upkeep looks', async ({ store, clock }) => {
    await add(store);
    const { lease } = await claimOne(store);
    await clock.advance(LEASE_MS - 1);

    assert.deepEqual(await reclaimTwice(store), []);
    assert.deepEqual(await reclaimTwice(store), []);
    assert.equal((await settle(store, lease)).outcome, 'ok');
  });

  guarantee('one jump of the clock takes no live lease', async ({ store, clock }) => {
    await add(store);
    const { lease } = await claimOne(store);
    clock.shift(86_400_000);
    await upkeep(store, { reclaim: true });
    await store.renew([lease], LEASE_MS);

    assert.deepEqual((await upkeep(store, { reclaim: true })).reclaimed, []);
    assert.equal((await settle(store, lease)).outcome, 'ok');
  });

  guarantee('upkeep without reclaim looks at no lease and counts as no pass', async ({ store, clock }) => {
    await add(store);
    await claimOne(store);
    await clock.advance(LEASE_MS);

    for (let n = 0; n < 3; n += 1) assert.deepEqual((await upkeep(store)).reclaimed, []);
    assert.deepEqual((await upkeep(store, { reclaim: true })).reclaimed, []);
    assert.deepEqual((await upkeep(store)).reclaimed, []);
    assert.equal((await upkeep(store, { reclaim: true })).reclaimed.length, 1);
  });

  guarantee(
    'every write of a worker that comes too late is refused and changes nothing',
    async ({ store, clock }) => {
      await add(store);
      const { lease } = await claimOne(store);
      await clock.advance(LEASE_MS);
      await reclaimTwice(store);
      const late = async (): Promise<void> => {
        for (const next of [COMPLETED, failed(), retry(), RELEASED, parked(1)]) {
          for (const mode of ['strict', 'lenient'] as const) {
            assert.equal((await settle(store, lease, next, { mode })).outcome, 'superseded');
          }
        }
        assert.deepEqual(await store.renew([lease], LEASE_MS), [
          { outcome: 'superseded', cancelReason: null },
        ]);
        const results = await store.apply([
          { op: 'progress', job: lease, value: utf8('1') },
          { op: 'log', job: lease, lines: ['late'] },
          { op: 'data', job: lease, body: utf8('late'), contentType: 'text/plain' },
        ]);
        assert.deepEqual(results, [
          { op: 'progress', outcome: 'superseded' },
          { op: 'log', outcome: 'superseded' },
          { op: 'data', outcome: 'superseded' },
        ]);
      };

      await unchanged(store, late);
      await claimOne(store, { worker: 'worker-2' });
      await unchanged(store, late);
    },
  );

  guarantee('the next worker gets a higher token and finishes the job', async ({ store, clock }) => {
    await add(store);
    const first = await claimOne(store);
    await clock.advance(LEASE_MS);
    await reclaimTwice(store);

    const second = await claimOne(store, { worker: 'worker-2' });

    assert.ok(second.lease.token > first.lease.token);
    assert.equal((await settleOk(store, second.lease)).state, 'completed');
  });

  guarantee('a crash is recorded as an attempt with its times and worker', async ({ store, clock }) => {
    await add(store);
    const { lease, job } = await claimOne(store, { worker: 'w' });
    await clock.advance(LEASE_MS + 7);
    await reclaimTwice(store);

    const [attempt] = await store.attempts(at('a'));
    assert.deepEqual(
      [attempt?.number, attempt?.generation, attempt?.token, attempt?.worker, attempt?.outcome],
      [1, 1, lease.token, 'w', 'crashed'],
    );
    assert.deepEqual([attempt?.startedAt, attempt?.endedAt], [job.claimedAt, clock.now()]);
    assert.deepEqual(
      [attempt?.error?.name, attempt?.error?.fingerprint, attempt?.retryAfterMs],
      ['LeaseExpired', 'lease-expired', null],
    );
  });

  guarantee(
    'a job that crashes more often than its queue allows is a dead letter',
    async ({ store, clock }) => {
      await configure(store, { maxCrashes: 2 });
      await add(store);
      for (const state of ['waiting', 'waiting', 'failed']) {
        await claimOne(store);
        await clock.advance(LEASE_MS);
        assert.equal((await reclaimTwice(store))[0]?.state, state);
      }

      const job = await jobOf(store);
      assert.deepEqual(
        [job.state, job.cause, job.crashes, job.failures, job.finishedAt],
        ['failed', 'crashed', 3, 0, clock.now()],
      );
      assert.equal(job.error?.name, 'LeaseExpired');
      assert.deepEqual(await totalsOf(store), { added: 1, reclaimed: 3, failed: 1 });
    },
  );

  guarantee('a queue that allows no crash ends a job with its first', async ({ store, clock }) => {
    await configure(store, { maxCrashes: 0 });
    await add(store);
    await claimOne(store);
    await clock.advance(LEASE_MS);

    assert.equal((await reclaimTwice(store))[0]?.state, 'failed');
  });

  guarantee('a redrive gives the job its crashes back', async ({ store, clock }) => {
    await configure(store, { maxCrashes: 0 });
    await add(store);
    await claimOne(store);
    await clock.advance(LEASE_MS);
    await reclaimTwice(store);

    await moveOk(store, { op: 'redrive', job: at('a'), toQueue: null });

    assert.equal((await jobOf(store)).crashes, 0);
  });

  guarantee(
    'leases of a session that is over are taken back, those of a live one are not',
    async ({ store, clock }) => {
      await addNamed(store, 'a', 'b', 'c');
      await store.beat([session({ id: 'dies', ttlMs: 10_000 }), session({ id: 'dies-first', ttlMs: 5_000 })]);
      await store.beat([session({ id: 'lives', ttlMs: 60_000 })]);
      for (const worker of ['dies', 'lives', 'dies-first']) await claimOne(store, { worker, leaseMs: null });
      await clock.advance(10_000);

      const atOnce = await reclaimTwice(store);
      await clock.advance(1_000);
      const taken = [...atOnce, ...(await upkeep(store, { reclaim: true })).reclaimed];

      assert.deepEqual(
        taken.map((each) => [each.id, each.worker]),
        [
          ['a', 'dies'],
          ['c', 'dies-first'],
        ],
      );
      assert.equal(await stateOf(store, 'b'), 'active');
    },
  );

  guarantee('a session that beats in time keeps its leases', async ({ store, clock }) => {
    await store.beat([session({ ttlMs: 1_000 })]);
    await add(store);
    const { lease } = await claimOne(store, { leaseMs: null });
    for (let n = 0; n < 5; n += 1) {
      await clock.advance(999);
      await store.beat([session({ ttlMs: 1_000 })]);
      assert.deepEqual(await reclaimTwice(store), []);
    }

    assert.equal((await settle(store, lease)).outcome, 'ok');
  });

  guarantee('a session that came back between two passes is suspected anew', async ({ store, clock }) => {
    await store.beat([session({ ttlMs: 1_000 })]);
    await add(store);
    await claimOne(store, { leaseMs: null });
    await clock.advance(1_000);
    await upkeep(store, { reclaim: true });
    await store.beat([session({ ttlMs: 1_000 })]);
    await upkeep(store, { reclaim: true });
    await clock.advance(1_000);

    assert.deepEqual((await upkeep(store, { reclaim: true })).reclaimed, []);
    await clock.advance(499);
    assert.deepEqual((await upkeep(store, { reclaim: true })).reclaimed, []);
    await clock.advance(1);
    assert.equal((await upkeep(store, { reclaim: true })).reclaimed.length, 1);
  });

  guarantee(
    'a jump of the clock takes no lease of a session that beats soon after it, however often upkeep looks',
    async ({ store, clock }) => {
      await store.beat([session({ ttlMs: 30_000 })]);
      await addNamed(store, 'a', 'b');
      const { lease } = await claimOne(store, { leaseMs: null });
      await claimOne(store, { leaseMs: 60_000 });
      clock.shift(86_400_000);
      for (let ms = 0; ms < 3_000; ms += 100) {
        const { reclaimed, more } = await upkeep(store, { reclaim: true, limit: 1 });
        assert.deepEqual([reclaimed.filter(({ id }) => id === 'a'), ms > 300 && more], [[], false]);
        await upkeep(store);
        await clock.advance(100);
      }
      await store.beat([session({ ttlMs: 30_000 })]);

      assert.deepEqual((await upkeep(store, { reclaim: true })).reclaimed, []);
      assert.equal((await settle(store, lease)).outcome, 'ok');
      assert.equal(await stateOf(store, 'b'), 'waiting');
    },
  );

  guarantee('a suspicion from before the clock went back counts anew', async ({ store, clock }) => {
    await store.beat([session({ ttlMs: 10_000 })]);
    await add(store);
    await claimOne(store, { leaseMs: null });
    clock.shift(60_000);
    await upkeep(store, { reclaim: true });
    clock.shift(-30_000);

    assert.deepEqual(await reclaimTwice(store), []);
    await clock.advance(999);
    assert.deepEqual((await upkeep(store, { reclaim: true })).reclaimed, []);
    await clock.advance(1);
    assert.equal((await upkeep(store, { reclaim: true })).reclaimed.length, 1);
  });

  guarantee(
    'a pass takes back at most as many leases as its budget allows, and says that there are more',
    async ({ store, clock }) => {
      await addNamed(store, 'a', 'b', 'c', 'd', 'e');
      await claim(store, { limit: 5 });
      await clock.advance(LEASE_MS);

      let passes = 0;
      let taken = 0;
      for (; passes < 10 && taken < 5; passes += 1) {
        const report = await upkeep(store, { reclaim: true, limit: 2 });
        assert.ok(report.reclaimed.length <= 2);
        taken += report.reclaimed.length;
        if (passes === 0) assert.equal(report.more, true);
      }

      assert.equal(taken, 5);
      assert.deepEqual(await countsOf(store), { waiting: 5 });
    },
  );

  guarantee('the passes may be those of different leaders', async ({ store, clock }) => {
    await add(store);
    await claimOne(store);
    await clock.advance(LEASE_MS);
    await upkeep(store, { reclaim: true, holder: 'first', leaderLeaseMs: 1_000 });
    await clock.advance(1_000);

    const report = await upkeep(store, { reclaim: true, holder: 'second' });

    assert.equal(report.reclaimed.length, 1);
  });

  guarantee(
    'a suspicion outlives the process that had it',
    async (scene) => {
      await add(scene.store);
      await claimOne(scene.store);
      await scene.clock.advance(LEASE_MS);
      await upkeep(scene.store, { reclaim: true });
      await scene.store.close();

      const store = await scene.reopen();

      assert.equal((await upkeep(store, { reclaim: true })).reclaimed.length, 1);
    },
    'reopen',
  );

  guarantee('a crash costs no attempt: failures stay what they were', async ({ store, clock }) => {
    await finish(store, retry());
    await claimOne(store);
    await clock.advance(LEASE_MS);
    await reclaimTwice(store);

    const job = await jobOf(store);
    assert.deepEqual([job.failures, job.crashes], [1, 1]);
  });

  guarantee(
    'a worker that is back before the second pass keeps its job, if it settles leniently',
    async ({ store, clock }) => {
      await add(store);
      const { lease } = await claimOne(store);
      await clock.advance(LEASE_MS);
      await upkeep(store, { reclaim: true });
      assert.equal((await settle(store, lease)).outcome, 'expired');

      assert.equal((await settle(store, lease, COMPLETED, { mode: 'lenient' })).outcome, 'ok');

      assert.deepEqual((await upkeep(store, { reclaim: true })).reclaimed, []);
      assert.equal(await stateOf(store), 'completed');
    },
  );
};
