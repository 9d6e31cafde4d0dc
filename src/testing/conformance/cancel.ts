import assert from 'node:assert/strict';
import type { Topic } from './scene.ts';
import {
  add,
  at,
  COMPLETED,
  cancelled,
  claimIds,
  claimOne,
  countsOf,
  failed,
  findJob,
  finish,
  jobOf,
  move,
  moveOk,
  parked,
  reclaimTwice,
  session,
  settle,
  settleOk,
  stateOf,
  totalsOf,
  unchanged,
} from './support.ts';

const cancelling = (id: string, reason = 'not needed') => ({ op: 'cancel', job: at(id), reason }) as const;

export const cancelCases: Topic = (guarantee) => {
  guarantee('a job that is not running ends at once when it is cancelled', async ({ store, clock }) => {
    await finish(store, parked(1_000), { id: 'parked' });
    await add(store, { id: 'waiting' }, { id: 'delayed', delayMs: 1_000 });

    for (const id of ['waiting', 'delayed', 'parked']) {
      await moveOk(store, cancelling(id, `no ${id}`));
      const job = await jobOf(store, id);
      assert.deepEqual(
        [job.state, job.cause, job.cancelReason, job.finishedAt, job.dueAt],
        ['cancelled', 'cancelled', `no ${id}`, clock.now(), null],
      );
    }
    await clock.advance(2_000);
    assert.deepEqual(await claimIds(store), []);
    assert.deepEqual(await totalsOf(store), { added: 3, cancelled: 3 });
  });

  guarantee('a running job goes on until its worker hears that it should stop', async ({ store }) => {
    await add(store);
    const { lease } = await claimOne(store);

    await moveOk(store, cancelling('a'));

    const job = await jobOf(store);
    assert.deepEqual([job.state, job.cancelReason, job.cause], ['active', 'not needed', null]);
    assert.deepEqual(await countsOf(store), { active: 1 });
    assert.deepEqual(await store.renew([lease], 1_000), [{ outcome: 'ok', cancelReason: 'not needed' }]);
  });

  guarantee('a job that finishes in spite of a cancel is completed', async ({ store }) => {
    await add(store);
    const { lease } = await claimOne(store);
    await moveOk(store, cancelling('a'));

    assert.deepEqual(await settle(store, lease, COMPLETED), { outcome: 'ok', state: 'completed' });
  });

  guarantee('a job that fails for good in spite of a cancel is a dead letter', async ({ store }) => {
    await add(store);
    const { lease } = await claimOne(store);
    await moveOk(store, cancelling('a'));

    assert.equal((await settleOk(store, lease, failed())).state, 'failed');
  });

  guarantee(
    'a cancelled running job whose worker dies ends cancelled and does not run again',
    async ({ store, clock }) => {
      await add(store);
      await claimOne(store);
      await moveOk(store, cancelling('a'));
      await clock.advance(60_000);

      const [taken] = await reclaimTwice(store);

      assert.equal(taken?.state, 'cancelled');
      const job = await jobOf(store);
      assert.deepEqual(
        [job.state, job.cause, job.cancelReason, job.finishedAt, job.crashes],
        ['cancelled', 'cancelled', 'not needed', clock.now(), 1],
      );
      assert.deepEqual(await totalsOf(store), { added: 1, cancelled: 1, reclaimed: 1 });
    },
  );

  guarantee('a cancelled running job whose session ends is cancelled', async ({ store }) => {
    await store.beat([session()]);
    await add(store);
    await claimOne(store, { leaseMs: null });
    await moveOk(store, cancelling('a'));

    assert.equal(await store.endSession('worker-1'), 1);

    assert.equal(await stateOf(store), 'cancelled');
  });

  guarantee('a job that ended cannot be cancelled', async ({ store }) => {
    const ends = { completed: COMPLETED, failed: failed(), cancelled: cancelled() };
    for (const [state, next] of Object.entries(ends)) {
      await finish(store, next, { id: state });

      await unchanged(store, async () => {
        assert.deepEqual(await move(store, cancelling(state)), { outcome: 'wrong-state', state });
      });
    }
  });

  guarantee('cancelling a job that is not there answers gone', async ({ store }) => {
    assert.deepEqual(await move(store, cancelling('none')), { outcome: 'gone' });
    await add(store);
    assert.deepEqual(await move(store, { ...cancelling('a'), job: at('a', 'other') }), { outcome: 'gone' });
    assert.equal((await findJob(store))?.state, 'waiting');
  });
};
