import assert from 'node:assert/strict';
import type { Topic } from './scene.ts';
import {
  add,
  addNamed,
  at,
  claim,
  claimOne,
  claimRequest,
  configure,
  countsOf,
  newJob,
  RELEASED,
  reclaimTwice,
  settle,
  settleOk,
  stateOf,
  totalsOf,
  unchanged,
  upkeep,
} from './support.ts';

const MEMORY_MS = 600_000;

export const idempotenceCases: Topic = (guarantee) => {
  guarantee(
    'repeating a call with its request id answers as before and changes nothing',
    async ({ store }) => {
      const effects = [
        { op: 'add', jobs: [newJob({ id: 'a', delayMs: 5_000 }), newJob({ id: 'a' })] },
        { op: 'promote', job: at('a') },
        { op: 'log', job: at('a'), lines: ['once'] },
        { op: 'configure', queue: 'orders', patch: { maxCrashes: 1 } },
        { op: 'drain', queue: 'none', delayed: true, before: null },
      ] as const;
      const first = await store.apply(effects, { requestId: 'r-1' });

      await unchanged(store, async () => {
        assert.deepEqual(await store.apply(effects, { requestId: 'r-1' }), first);
      });

      assert.equal((await store.logs(at('a'), 0, 10)).length, 1);
      assert.deepEqual(await totalsOf(store), { added: 1, duplicates: 1 });
    },
  );

  guarantee('a request id answers as before also when the job is gone since', async ({ store }) => {
    const effects = [{ op: 'add', jobs: [newJob()] }] as const;
    const first = await store.apply(effects, { requestId: 'r-1' });
    await store.apply([{ op: 'discard', job: at('a') }]);

    assert.deepEqual(await store.apply(effects, { requestId: 'r-1' }), first);

    assert.equal(await stateOf(store), 'gone');
  });

  guarantee('another request id is another request', async ({ store }) => {
    const effects = [{ op: 'add', jobs: [newJob()] }] as const;
    await store.apply(effects, { requestId: 'r-1' });

    const results = await store.apply(effects, { requestId: 'r-2' });

    assert.deepEqual(results, [{ op: 'add', jobs: [{ id: 'a', outcome: 'duplicate' }] }]);
  });

  guarantee('a request id is known for ten minutes and then forgotten', async ({ store, clock }) => {
    const effects = [{ op: 'log', job: at('a'), lines: ['x'] }] as const;
    await add(store);
    await store.apply(effects, { requestId: 'r-1' });
    await clock.advance(MEMORY_MS - 1);
    await upkeep(store);
    await store.apply(effects, { requestId: 'r-1' });
    assert.equal((await store.logs(at('a'), 0, 10)).length, 1);
    await clock.advance(1);

    await store.apply(effects, { requestId: 'r-1' });

    assert.equal((await store.logs(at('a'), 0, 10)).length, 2);
  });

  guarantee('a call that was refused is not remembered under its request id', async ({ store }) => {
    const bad = [{ op: 'add', jobs: [newJob({ id: '' })] }] as const;
    await assert.rejects(store.apply(bad, { requestId: 'r-1' }));

    const results = await store.apply([{ op: 'add', jobs: [newJob()] }], { requestId: 'r-1' });

    assert.deepEqual(results, [{ op: 'add', jobs: [{ id: 'a', outcome: 'created' }] }]);
  });

  guarantee('the same request sent twice at once is done once', async ({ store }) => {
    const effects = [{ op: 'log', job: at('a'), lines: ['x'] }] as const;
    await add(store);

    await Promise.all(Array.from({ length: 5 }, () => store.apply(effects, { requestId: 'r-1' })));

    assert.equal((await store.logs(at('a'), 0, 10)).length, 1);
  });

  guarantee('repeating a claim gives the same leases and claims nothing new', async ({ store }) => {
    await addNamed(store, 'a', 'b', 'c');
    const request = claimRequest({ limit: 2 });
    const [first] = await store.claim([request]);

    await unchanged(store, async () => {
      const [again] = await store.claim([request]);
      assert.deepEqual(again, first);
    });
    assert.deepEqual(await countsOf(store), { active: 2, waiting: 1 });
  });

  guarantee('a repeated claim promotes nothing and leaves due jobs as they are', async ({ store, clock }) => {
    await add(store, { id: 'a' }, { id: 'd', delayMs: 10 });
    const request = claimRequest({ limit: 5 });
    await store.claim([request]);
    await clock.advance(10);

    const [again] = await store.claim([request]);

    assert.deepEqual(
      again?.jobs.map(({ job }) => job.id),
      ['a'],
    );
    assert.deepEqual(await countsOf(store), { active: 1, delayed: 1 });
  });

  guarantee('a repeated claim gives only the leases that are still held', async ({ store, clock }) => {
    await addNamed(store, 'a', 'b', 'c');
    const request = claimRequest({ limit: 3 });
    const [first] = await store.claim([request]);
    const [a, b] = first?.jobs ?? [];
    assert.ok(a && b);
    await settleOk(store, a.lease);
    await settleOk(store, b.lease, RELEASED);
    await claim(store, { worker: 'worker-2' });

    const [again] = await store.claim([request]);

    assert.deepEqual(
      again?.jobs.map(({ job }) => job.id),
      ['c'],
    );
    await clock.advance(30_000);
    await reclaimTwice(store);
    assert.deepEqual((await store.claim([request]))[0]?.jobs, []);
  });

  guarantee('a claim that found nothing may be repeated and finds what came since', async ({ store }) => {
    const request = claimRequest();
    assert.deepEqual((await store.claim([request]))[0]?.jobs, []);
    await add(store);

    assert.equal((await store.claim([request]))[0]?.jobs.length, 1);
  });

  guarantee('the same claim twice in one call is one claim', async ({ store }) => {
    await addNamed(store, 'a', 'b');
    const request = claimRequest();

    const [first, second] = await store.claim([request, request]);

    assert.deepEqual(second, first);
    assert.deepEqual(await countsOf(store), { active: 1, waiting: 1 });
  });

  guarantee('a claim id is known for ten minutes and then forgotten', async ({ store, clock }) => {
    await addNamed(store, 'a', 'b');
    const request = claimRequest({ leaseMs: 3_600_000 });
    await store.claim([request]);
    await clock.advance(MEMORY_MS - 1);
    await upkeep(store);
    assert.deepEqual(
      (await store.claim([request]))[0]?.jobs.map(({ job }) => job.id),
      ['a'],
    );
    await clock.advance(1);

    assert.deepEqual(
      (await store.claim([request]))[0]?.jobs.map(({ job }) => job.id),
      ['b'],
    );
  });

  guarantee('a repeated claim of a paused queue still gives the leases that are held', async ({ store }) => {
    await add(store);
    const request = claimRequest();
    await store.claim([request]);
    await configure(store, { paused: true });

    const [again] = await store.claim([request]);

    assert.deepEqual([again?.jobs.length, again?.paused], [1, true]);
  });

  guarantee('a commit whose answer was lost may be repeated as a whole', async ({ store }) => {
    await addNamed(store, 'a', 'b', 'c');
    const { lease } = await claimOne(store);
    const settlements = [{ lease, next: { to: 'completed', result: null }, mode: 'strict' }] as const;
    const claims = [claimRequest()];
    const first = await store.commit(settlements, claims);

    await unchanged(store, async () => {
      assert.deepEqual(await store.commit(settlements, claims), first);
    });
  });

  guarantee(
    'request and claim ids are still known after the store was opened again',
    async (scene) => {
      const effects = [{ op: 'log', job: at('a'), lines: ['x'] }] as const;
      await add(scene.store, { id: 'a' }, { id: 'b' });
      const request = claimRequest();
      await scene.store.claim([request]);
      await scene.store.apply(effects, { requestId: 'r-1' });
      await scene.store.close();

      const store = await scene.reopen();
      await store.apply(effects, { requestId: 'r-1' });

      assert.equal((await store.logs(at('a'), 0, 10)).length, 1);
      assert.deepEqual(
        (await store.claim([request]))[0]?.jobs.map(({ job }) => job.id),
        ['a'],
      );
    },
    'reopen',
  );

  guarantee(
    'a settlement is still known after the store was opened again',
    async (scene) => {
      await add(scene.store);
      const { lease } = await claimOne(scene.store);
      await settleOk(scene.store, lease);
      await scene.store.close();

      const store = await scene.reopen();

      assert.deepEqual(await settle(store, lease), { outcome: 'ok', state: 'completed' });
    },
    'reopen',
  );
};
