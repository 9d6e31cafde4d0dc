import assert from 'node:assert/strict';
import type { Topic } from './scene.ts';
import {
  add,
  at,
  claimIds,
  claimOne,
  countsOf,
  errorOf,
  finish,
  jobOf,
  moveOk,
  retry,
  settle,
  settleOk,
  totalsOf,
} from './support.ts';

export const retryCases: Topic = (guarantee) => {
  guarantee('a retry with a wait is delayed by exactly that long', async ({ store, clock }) => {
    await add(store);
    const { lease } = await claimOne(store);
    await clock.advance(30);

    const job = await settleOk(store, lease, retry(4_000, 'timeout'));

    assert.deepEqual(
      [job.state, job.dueAt, job.readyAt, job.failures, job.claims],
      ['delayed', clock.now() + 4_000, null, 1, 1],
    );
    assert.deepEqual(job.error, errorOf('timeout'));
    assert.deepEqual([job.finishedAt, job.cause], [null, null]);
    await clock.advance(3_999);
    assert.deepEqual(await claimIds(store), []);
    await clock.advance(1);
    assert.deepEqual(await claimIds(store), ['a']);
  });

  guarantee('a retry without a wait is ready at once', async ({ store, clock }) => {
    await add(store);
    const { lease } = await claimOne(store);
    await clock.advance(30);

    const job = await settleOk(store, lease, retry(0));

    assert.deepEqual([job.state, job.dueAt, job.readyAt], ['waiting', null, clock.now()]);
  });

  guarantee('each failed attempt is counted, in the job and in the queue', async ({ store }) => {
    await add(store);
    for (let failures = 1; failures <= 4; failures += 1) {
      const { lease } = await claimOne(store);
      assert.equal((await settleOk(store, lease, retry(0, `try ${failures}`))).failures, failures);
    }

    assert.deepEqual((await jobOf(store)).error, errorOf('try 4'));
    assert.deepEqual(await totalsOf(store), { added: 1, attemptsFailed: 4 });
    assert.deepEqual(await countsOf(store), { waiting: 1 });
  });

  guarantee(
    'a retry of a job that somebody asked to stop ends it, and keeps the error',
    async ({ store, clock }) => {
      await add(store);
      const { lease } = await claimOne(store);
      await moveOk(store, { op: 'cancel', job: at('a'), reason: 'wrong order' });

      const result = await settle(store, lease, retry(1_000, 'aborted'));

      assert.deepEqual(result, { outcome: 'ok', state: 'cancelled' });
      const job = await jobOf(store);
      assert.deepEqual(
        [job.state, job.cause, job.cancelReason, job.finishedAt, job.dueAt],
        ['cancelled', 'cancelled', 'wrong order', clock.now(), null],
      );
      assert.deepEqual(job.error, errorOf('aborted'));
      assert.deepEqual(await totalsOf(store), { added: 1, cancelled: 1 });
    },
  );

  guarantee(
    'the time to live ends with the first claim: a retried job does not expire',
    async ({ store, clock }) => {
      const job = await finish(store, retry(60_000), { policy: { ttlMs: 1_000 } });
      await clock.advance(60_000);

      assert.equal(job.expiresAt, null);
      assert.deepEqual(await claimIds(store), ['a']);
    },
  );
};
