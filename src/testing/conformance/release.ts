import assert from 'node:assert/strict';
import type { Topic } from './scene.ts';
import {
  add,
  at,
  claimIds,
  claimOne,
  errorOf,
  finish,
  moveOk,
  parked,
  RELEASED,
  retry,
  settle,
  settleOk,
  stateOf,
  totalsOf,
} from './support.ts';

export const releaseCases: Topic = (guarantee) => {
  guarantee(
    'a job that is handed back has lost no attempt and is ready at once',
    async ({ store, clock }) => {
      await add(store);
      const { lease } = await claimOne(store);
      await clock.advance(20);

      const job = await settleOk(store, lease, RELEASED);

      assert.deepEqual(
        [job.state, job.readyAt, job.failures, job.crashes, job.claims],
        ['waiting', clock.now(), 0, 0, 1],
      );
      assert.equal(job.error, null);
      assert.deepEqual(await totalsOf(store), { added: 1, released: 1 });
    },
  );

  guarantee('a job may be handed back for later', async ({ store, clock }) => {
    const job = await finish(store, { to: 'released', afterMs: 500, why: 'rate limit' });
    assert.deepEqual([job.state, job.dueAt, job.readyAt], ['delayed', clock.now() + 500, null]);
    await clock.advance(499);
    assert.deepEqual(await claimIds(store), []);
    await clock.advance(1);

    assert.deepEqual(await claimIds(store), ['a']);
  });

  guarantee('handing back leaves failures and error of earlier attempts as they are', async ({ store }) => {
    await finish(store, retry(0, 'first'));
    const { lease } = await claimOne(store);

    const job = await settleOk(store, lease, RELEASED);

    assert.equal(job.failures, 1);
    assert.deepEqual(job.error, errorOf('first'));
  });

  guarantee('handing back or parking a job that somebody asked to stop ends it', async ({ store }) => {
    for (const [id, next] of Object.entries({
      r: RELEASED,
      later: { ...RELEASED, afterMs: 9 },
      p: parked(5),
    })) {
      await add(store, { id });
      const { lease } = await claimOne(store);
      await moveOk(store, { op: 'cancel', job: at(id), reason: 'stop' });

      assert.deepEqual(await settle(store, lease, next), { outcome: 'ok', state: 'cancelled' });

      assert.equal(await stateOf(store, id), 'cancelled');
    }
    assert.deepEqual(await totalsOf(store), { added: 3, cancelled: 3 });
  });
};
