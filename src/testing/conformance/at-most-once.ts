import assert from 'node:assert/strict';
import type { Topic } from './scene.ts';
import {
  add,
  at,
  claim,
  claimIds,
  claimOne,
  claimRequest,
  configure,
  countsOf,
  failed,
  findJob,
  finish,
  jobOf,
  moveOk,
  reclaimTwice,
  settle,
  totalsOf,
} from './support.ts';

export const atMostOnceCases: Topic = (guarantee) => {
  guarantee(
    'a job of an at-most-once queue is completed with its claim and never runs again',
    async ({ store, clock }) => {
      await configure(store, { delivery: 'at-most-once' });
      await add(store);
      await clock.advance(5);

      const { settled, job, lease, waitedMs } = await claimOne(store, { worker: 'w' });

      assert.deepEqual([settled, job.state, job.result, waitedMs], [true, 'completed', null, 5]);
      assert.deepEqual([job.finishedAt, job.claims, job.token], [clock.now(), 1, lease.token]);
      assert.deepEqual(await jobOf(store), job);
      await clock.advance(3_600_000);
      assert.deepEqual(await reclaimTwice(store), []);
      assert.deepEqual(await claimIds(store), []);
      assert.deepEqual(await totalsOf(store), { added: 1, completed: 1 });
    },
  );

  guarantee('there is nothing to settle: a settlement answers ok and changes nothing', async ({ store }) => {
    await configure(store, { delivery: 'at-most-once' });
    await add(store);
    const { lease } = await claimOne(store);

    const result = await settle(store, lease, { to: 'completed', result: new Uint8Array(3) });

    assert.deepEqual(result, { outcome: 'ok', state: 'completed' });
    assert.equal((await jobOf(store)).result, null);
    assert.equal((await store.renew([lease], 1_000))[0]?.outcome, 'superseded');
  });

  guarantee('the claim is its attempt, on record', async ({ store, clock }) => {
    await configure(store, { delivery: 'at-most-once' });
    await add(store);
    const { lease } = await claimOne(store, { worker: 'w' });

    const attempts = await store.attempts(at('a'));

    assert.equal(attempts.length, 1);
    assert.deepEqual(
      [attempts[0]?.outcome, attempts[0]?.token, attempts[0]?.worker, attempts[0]?.endedAt],
      ['completed', lease.token, 'w', clock.now()],
    );
  });

  guarantee('jobs claimed at most once are kept no longer than completed ones', async ({ store }) => {
    await configure(store, { delivery: 'at-most-once', retention: { completed: { count: 0 } } });
    await add(store);

    const { job } = await claimOne(store);

    assert.equal(job.state, 'completed');
    assert.equal(await findJob(store), null);
    assert.deepEqual(await countsOf(store), {});
  });

  guarantee('whoever claims is told all of a job, also where nothing of it is kept', async ({ store }) => {
    await configure(store, { delivery: 'at-most-once', retention: { completed: { count: 0 } } }, 'once');
    await finish(store, failed('no route'));
    await moveOk(store, { op: 'redrive', job: at('a'), toQueue: 'once' });

    const { job } = await claimOne(store, { queue: 'once' });

    assert.deepEqual([job.origin?.cause, job.origin?.queue], ['redrive', 'orders']);
    assert.equal(await findJob(store, 'a', 'once'), null);
  });

  guarantee('repeating the claim does not give the job again', async ({ store }) => {
    await configure(store, { delivery: 'at-most-once' });
    await add(store, { id: 'a' }, { id: 'b' });
    const request = claimRequest({ limit: 1 });
    await store.claim([request]);

    const [again] = await store.claim([request]);

    assert.deepEqual(again?.jobs, []);
    assert.deepEqual(await countsOf(store), { completed: 1, waiting: 1 });
  });

  guarantee('changing the delivery of a queue does not touch jobs that run', async ({ store }) => {
    await add(store, { id: 'a' }, { id: 'b' });
    const first = await claimOne(store);
    await configure(store, { delivery: 'at-most-once' });

    const second = await claim(store);

    assert.deepEqual([first.settled, second.jobs[0]?.settled], [false, true]);
    assert.deepEqual(await settle(store, first.lease), { outcome: 'ok', state: 'completed' });
  });
};
