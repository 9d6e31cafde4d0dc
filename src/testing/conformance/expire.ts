import assert from 'node:assert/strict';
import type { Topic } from './scene.ts';
import {
  add,
  at,
  claim,
  claimIds,
  claimOne,
  configure,
  countsOf,
  findJob,
  jobOf,
  moveOk,
  RELEASED,
  settleOk,
  stateOf,
  totalsOf,
  upkeep,
} from './support.ts';

const living = (ttlMs: number) => ({ policy: { ttlMs } });

export const expireCases: Topic = (guarantee) => {
  guarantee(
    'a job that was not claimed in its time is cancelled instead of being given out',
    async ({ store, clock }) => {
      await add(store, { id: 'old', ...living(1_000) }, { id: 'new' });
      await clock.advance(1_000);

      assert.deepEqual(await claimIds(store, 1), ['new']);

      const job = await jobOf(store, 'old');
      assert.deepEqual([job.state, job.cause, job.finishedAt], ['cancelled', 'expired', clock.now()]);
      assert.deepEqual([job.claims, job.token], [0, 0]);
      assert.deepEqual(await totalsOf(store), { added: 2, cancelled: 1 });
      assert.deepEqual(await store.attempts(at('old')), []);
    },
  );

  guarantee('a job can be claimed until the last millisecond of its time', async ({ store, clock }) => {
    await add(store, living(1_000));
    await clock.advance(999);

    assert.deepEqual(await claimIds(store), ['a']);
  });

  guarantee('the time of a delayed job begins when it is due', async ({ store, clock }) => {
    await add(
      store,
      { id: 'in-time', delayMs: 5_000, ...living(10) },
      { id: 'late', delayMs: 4_000, ...living(10) },
    );
    await clock.advance(5_009);

    assert.deepEqual(await claimIds(store), ['in-time']);
    assert.equal((await jobOf(store, 'late')).cause, 'expired');
  });

  guarantee('upkeep ends jobs whose time is over though nobody claims', async ({ store, clock }) => {
    await add(store, { id: 'a', ...living(1_000) }, { id: 'b', ...living(2_000) }, { id: 'c' });
    assert.equal((await upkeep(store)).expired, 0);
    await clock.advance(1_000);

    assert.equal((await upkeep(store)).expired, 1);

    assert.deepEqual(await countsOf(store), { cancelled: 1, waiting: 2 });
    assert.equal((await jobOf(store, 'a')).cause, 'expired');
  });

  guarantee(
    'upkeep ends jobs of a paused queue whose time is over, delayed ones too',
    async ({ store, clock }) => {
      await configure(store, { paused: true });
      await add(store, { id: 'w', ...living(50) }, { id: 'd', delayMs: 10, ...living(50) });
      await clock.advance(60);

      assert.equal((await upkeep(store)).expired, 2);

      assert.deepEqual(await countsOf(store), { cancelled: 2 });
    },
  );

  guarantee('a job that was claimed once does not expire any more', async ({ store, clock }) => {
    await add(store, living(1_000));
    const { lease } = await claimOne(store);
    await settleOk(store, lease, RELEASED);
    await clock.advance(5_000);

    assert.equal((await upkeep(store)).expired, 0);
    assert.deepEqual(await claimIds(store), ['a']);
  });

  guarantee('an expired job is kept as cancelled jobs of its queue are', async ({ store, clock }) => {
    await configure(store, { retention: { cancelled: { ageMs: 0 } } });
    await add(store, living(10));
    await clock.advance(10);

    assert.deepEqual(await claimIds(store), []);

    assert.equal(await findJob(store), null);
    assert.deepEqual(await totalsOf(store), { added: 1, cancelled: 1, removed: 1 });
  });

  guarantee('at most a thousand jobs whose time is over are ended in one claim', async ({ store, clock }) => {
    for (const part of ['x', 'y']) {
      await add(store, ...Array.from({ length: 501 }, (_, n) => ({ id: `${part}${n}`, ...living(10) })));
    }
    await clock.advance(10);

    assert.deepEqual((await claim(store)).jobs, []);
    assert.deepEqual(await countsOf(store), { cancelled: 1_000, waiting: 2 });
    assert.deepEqual((await claim(store)).jobs, []);

    assert.deepEqual(await countsOf(store), { cancelled: 1_002 });
  });

  guarantee('promoting a delayed job does not take its time to live away', async ({ store, clock }) => {
    await add(store, { delayMs: 5_000, ...living(1_000) });
    await moveOk(store, { op: 'promote', job: at('a') });
    await clock.advance(6_000);

    assert.deepEqual((await claim(store)).jobs, []);
    assert.equal(await stateOf(store), 'cancelled');
  });
};
