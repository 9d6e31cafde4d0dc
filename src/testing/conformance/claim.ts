import assert from 'node:assert/strict';
import type { Topic } from './scene.ts';
import {
  add,
  addNamed,
  claim,
  claimIds,
  claimOne,
  claimRequest,
  configure,
  countsOf,
  finish,
  jobOf,
  parked,
  RELEASED,
  retry,
  settleOk,
} from './support.ts';

export const claimCases: Topic = (guarantee) => {
  guarantee('claiming from a queue that is not there gives nothing and makes nothing', async ({ store }) => {
    const answer = await claim(store, { claimId: 'c' });

    assert.deepEqual(answer, { claimId: 'c', jobs: [], nextDueInMs: null, paused: false });
    assert.deepEqual(await store.queues(), []);
  });

  guarantee(
    'a claimed job is active and says by whom, since when and how often',
    async ({ store, clock }) => {
      await add(store, { policy: { ttlMs: 60_000 } });
      const readyAt = clock.now();
      await clock.advance(250);

      const { lease, job, waitedMs, elapsedMs, settled } = await claimOne(store, { worker: 'w-7' });

      assert.deepEqual(await jobOf(store), job);
      assert.deepEqual(lease, { queue: 'orders', id: 'a', token: job.token });
      assert.deepEqual(
        [job.state, job.worker, job.claims, job.failures, job.crashes],
        ['active', 'w-7', 1, 0, 0],
      );
      assert.deepEqual([job.claimedAt, job.firstClaimedAt], [clock.now(), clock.now()]);
      assert.deepEqual([job.readyAt, job.expiresAt, job.dueAt], [readyAt, null, null]);
      assert.deepEqual([waitedMs, elapsedMs, settled], [250, 0, false]);
      assert.deepEqual(await countsOf(store), { active: 1 });
    },
  );

  guarantee('no more jobs are given out than were asked for', async ({ store }) => {
    await addNamed(store, 'a', 'b', 'c');

    assert.deepEqual(await claimIds(store, 2), ['a', 'b']);
    assert.deepEqual(await claimIds(store, 2), ['c']);
    assert.deepEqual(await claimIds(store, 2), []);
  });

  guarantee('a job is never given to two workers that claim at once', async ({ store }) => {
    const ids = Array.from({ length: 60 }, (_, n) => `job-${n}`);
    await addNamed(store, ...ids);

    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => claim(store, { limit: 5, worker: `w-${n}` })),
    );

    const given = answers.flatMap((answer) => answer.jobs.map(({ job }) => job.id));
    assert.equal(given.length, 60);
    assert.equal(new Set(given).size, 60);
  });

  guarantee('one call may claim from several queues, each answered in its place', async ({ store }) => {
    await add(store, { id: 'a', queue: 'one' }, { id: 'b', queue: 'two' }, { id: 'c', queue: 'one' });

    const answers = await store.claim([
      claimRequest({ claimId: 'x', queue: 'two', limit: 5 }),
      claimRequest({ claimId: 'y', queue: 'none' }),
      claimRequest({ claimId: 'z', queue: 'one', limit: 1 }),
      claimRequest({ claimId: 'zz', queue: 'one', limit: 5 }),
    ]);

    assert.deepEqual(
      answers.map((answer) => [answer.claimId, ...answer.jobs.map(({ job }) => job.id)]),
      [['x', 'b'], ['y'], ['z', 'a'], ['zz', 'c']],
    );
  });

  guarantee(
    'tokens rise from claim to claim over all queues, in the order of the jobs',
    async ({ store }) => {
      await add(store, { id: 'a' }, { id: 'b' }, { id: 'c', queue: 'two' });

      const first = await claim(store, { limit: 2 });
      const { lease } = await claimOne(store, { queue: 'two' });

      const tokens = [...first.jobs.map((each) => each.lease.token), lease.token];
      const rising = new Set(tokens.toSorted((one, other) => one - other));
      assert.deepEqual(tokens, [...rising]);
      assert.equal(rising.size, 3);
    },
  );

  guarantee('a job claimed again has a higher token than ever before', async ({ store }) => {
    await add(store, { id: 'a' }, { id: 'b' });
    const tokens: number[] = [];
    for (const next of [RELEASED, retry(), RELEASED]) {
      const { lease } = await claimOne(store);
      tokens.push(lease.token);
      await settleOk(store, lease, next);
    }
    tokens.push((await claimOne(store)).lease.token);

    assert.deepEqual(
      tokens,
      tokens.toSorted((x, y) => x - y),
    );
    assert.equal(new Set(tokens).size, 4);
  });

  guarantee(
    'tokens go on rising after the store was closed and opened again',
    async (scene) => {
      await add(scene.store, { id: 'a' });
      const { lease } = await claimOne(scene.store);
      await settleOk(scene.store, lease, RELEASED);
      await scene.store.close();

      const store = await scene.reopen();

      assert.ok((await claimOne(store)).lease.token > lease.token);
    },
    'reopen',
  );

  guarantee(
    'two handles on the same data never get the same job',
    async (scene) => {
      await addNamed(scene.store, 'a', 'b', 'c', 'd', 'e', 'f');
      const other = await scene.reopen();

      const answers = await Promise.all(
        [scene.store, other, scene.store, other].map((store) => claim(store, { limit: 2 })),
      );

      const given = answers.flatMap((answer) => answer.jobs.map(({ job }) => job.id));
      assert.deepEqual(given.toSorted(), ['a', 'b', 'c', 'd', 'e', 'f']);
    },
    'reopen',
  );

  guarantee('a paused queue gives nothing out and says that it is paused', async ({ store }) => {
    await add(store, { id: 'a' });
    await configure(store, { paused: true });

    const answer = await claim(store);

    assert.deepEqual([answer.jobs, answer.paused], [[], true]);
    assert.deepEqual(await countsOf(store), { waiting: 1 });
  });

  guarantee('a delayed job is never given out early and not a millisecond late', async ({ store, clock }) => {
    await add(store, { delayMs: 1_000 });
    const dueAt = clock.now() + 1_000;
    await clock.advance(999);
    assert.deepEqual((await claim(store)).jobs, []);
    await clock.advance(1);

    const { job, waitedMs } = await claimOne(store);

    assert.deepEqual([job.readyAt, job.dueAt, waitedMs], [dueAt, null, 0]);
  });

  guarantee('the wait of a delayed job counts from when it was due', async ({ store, clock }) => {
    await add(store, { delayMs: 1_000 });
    await clock.advance(1_400);

    assert.equal((await claimOne(store)).waitedMs, 400);
  });

  guarantee('an answer says in how long the next delayed or parked job is due', async ({ store, clock }) => {
    await add(store, { id: 'a' }, { id: 'b', delayMs: 9_000 }, { id: 'c', delayMs: 4_000 });
    assert.equal((await claim(store, { limit: 1 })).nextDueInMs, 4_000);
    await clock.advance(4_000);
    assert.equal((await claim(store, { limit: 1 })).nextDueInMs, 5_000);
    await clock.advance(5_000);
    assert.equal((await claim(store, { limit: 1 })).nextDueInMs, null);

    await finish(store, parked(300), { id: 'p', queue: 'other' });

    assert.equal((await claim(store, { queue: 'other' })).nextDueInMs, 300);
  });

  guarantee('due jobs of the whole queue become ready though only one is taken', async ({ store, clock }) => {
    await add(store, ...['a', 'b', 'c'].map((id, n) => ({ id, delayMs: 100 + n })));
    await clock.advance(200);

    assert.deepEqual(await claimIds(store, 1), ['a']);

    assert.deepEqual(await countsOf(store), { active: 1, waiting: 2 });
    assert.equal((await jobOf(store, 'b')).readyAt, clock.now() - 99);
  });

  guarantee('at most a thousand due jobs become ready in one claim', async ({ store, clock }) => {
    for (const part of ['x', 'y']) {
      await add(store, ...Array.from({ length: 505 }, (_, n) => ({ id: `${part}${n}`, delayMs: 10 })));
    }
    await clock.advance(10);

    await claim(store);

    assert.deepEqual(await countsOf(store), { active: 1, waiting: 999, delayed: 10 });
  });

  guarantee('elapsed time counts from the first claim of the generation', async ({ store, clock }) => {
    await finish(store, retry(500));
    await clock.advance(700);
    const second = await claimOne(store);
    assert.equal(second.elapsedMs, 700);
    await settleOk(store, second.lease, retry());
    await clock.advance(100);

    const third = await claimOne(store);

    assert.deepEqual([third.elapsedMs, third.waitedMs], [800, 100]);
    assert.equal(third.job.firstClaimedAt, clock.now() - 800);
    assert.equal(third.job.claimedAt, clock.now());
  });

  guarantee('a clock that goes back makes no negative durations', async ({ store, clock }) => {
    await add(store, { id: 'a' });
    clock.shift(-5_000);

    const { waitedMs, elapsedMs } = await claimOne(store);

    assert.deepEqual([waitedMs, elapsedMs], [0, 0]);
  });

  guarantee('an empty list of claims is answered with an empty list', async ({ store }) => {
    assert.deepEqual(await store.claim([]), []);
  });
};
