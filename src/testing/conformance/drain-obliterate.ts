import assert from 'node:assert/strict';
import type { Store, Swept } from '../../store/store.ts';
import type { Topic } from './scene.ts';
import {
  add,
  addNamed,
  applyOne,
  at,
  claimOne,
  configure,
  countsOf,
  failed,
  findJob,
  finish,
  moveOk,
  RELEASED,
  settle,
  summaryOf,
  totalsOf,
} from './support.ts';

interface Drain {
  readonly queue?: string;
  readonly delayed?: boolean;
  readonly before?: number | null;
}

async function drain(store: Store, options: Drain = {}): Promise<Swept> {
  const result = await applyOne(store, {
    op: 'drain',
    queue: 'orders',
    delayed: false,
    before: null,
    ...options,
  });
  return result as Swept & { op: 'drain' };
}

async function obliterate(store: Store, force = false, queue = 'orders'): Promise<Swept> {
  return (await applyOne(store, { op: 'obliterate', queue, force })) as Swept & { op: 'obliterate' };
}

const many = (count: number) => Array.from({ length: count }, (_, n) => ({ id: `job-${n}` }));

export const drainObliterateCases: Topic = (guarantee) => {
  guarantee('draining removes waiting jobs and leaves all others', async ({ store }) => {
    await finish(store, failed(), { id: 'failed' });
    await addNamed(store, 'active', 'w1', 'w2');
    await claimOne(store);
    await add(store, { id: 'delayed', delayMs: 10 });

    const swept = await drain(store);

    assert.deepEqual([swept.outcome, swept.removed, swept.more], ['ok', 2, false]);
    assert.deepEqual(await countsOf(store), { active: 1, delayed: 1, failed: 1 });
    assert.equal(await findJob(store, 'w1'), null);
    assert.equal((await totalsOf(store))['removed'], 2);
  });

  guarantee('draining removes delayed jobs when asked to', async ({ store }) => {
    await add(store, { id: 'w' }, { id: 'd', delayMs: 10 });

    assert.equal((await drain(store, { delayed: true })).removed, 2);
    assert.deepEqual(await countsOf(store), {});
  });

  guarantee('draining many jobs goes on call by call and spares those added meanwhile', async ({ store }) => {
    await add(store, ...many(1_000));
    await add(store, ...['x', 'y'].map((id) => ({ id })));

    const first = await drain(store);
    assert.deepEqual([first.removed, first.more], [1_000, true]);
    assert.equal(await findJob(store, 'job-0'), null);
    await add(store, { id: 'meanwhile' });
    const second = await drain(store, { before: first.before });

    assert.deepEqual([second.removed, second.more], [2, false]);
    assert.equal(second.before, first.before);
    assert.equal((await findJob(store, 'meanwhile'))?.state, 'waiting');
  });

  guarantee('draining a queue that is empty or not there removes nothing', async ({ store }) => {
    const swept = await drain(store, { queue: 'none' });
    assert.deepEqual([swept.outcome, swept.removed, swept.more], ['ok', 0, false]);
    assert.deepEqual(await store.queues(), []);
    await configure(store, {});

    assert.equal((await drain(store)).removed, 0);
  });

  guarantee('draining one queue leaves another alone', async ({ store }) => {
    await add(store, { id: 'a' }, { id: 'a', queue: 'other' });

    await drain(store);

    assert.deepEqual(await countsOf(store, 'other'), { waiting: 1 });
  });

  guarantee('obliterating is refused while jobs are active and changes nothing', async ({ store }) => {
    await addNamed(store, 'a', 'b');
    await claimOne(store);

    const swept = await obliterate(store);

    assert.deepEqual([swept.outcome, swept.removed, swept.more], ['active', 0, false]);
    assert.equal((await summaryOf(store)).settings.paused, false);
    assert.deepEqual(await countsOf(store), { active: 1, waiting: 1 });
  });

  guarantee('obliterating removes the queue and all it holds', async ({ store }) => {
    await finish(store, failed(), { id: 'f' });
    await add(store, { id: 'w' }, { id: 'd', delayMs: 5 });
    await add(store, { id: 'other', queue: 'other' });

    const swept = await obliterate(store);

    assert.deepEqual(swept, { op: 'obliterate', outcome: 'ok', removed: 3, more: false, before: 0 });
    assert.deepEqual(
      (await store.queues()).map((each) => each.queue),
      ['other'],
    );
    assert.equal(await findJob(store, 'f'), null);
    assert.deepEqual(await store.attempts(at('f')), []);
    assert.deepEqual(await store.stats({ queue: 'orders', step: 'minute', withinMs: 3_600_000 }), []);
  });

  guarantee('obliterating with force takes the leases away too', async ({ store }) => {
    await add(store);
    const { lease } = await claimOne(store);

    assert.deepEqual([(await obliterate(store, true)).outcome], ['ok']);

    assert.equal((await settle(store, lease)).outcome, 'gone');
    assert.equal((await store.renew([lease], 1_000))[0]?.outcome, 'gone');
    assert.deepEqual(await store.queues(), []);
  });

  guarantee('obliterating many jobs goes on call by call, with the queue paused', async ({ store }) => {
    await add(store, ...many(1_000));
    await add(store, { id: 'x' });

    const first = await obliterate(store);
    assert.deepEqual([first.removed, first.more], [1_000, true]);
    assert.equal((await summaryOf(store)).settings.paused, true);
    const second = await obliterate(store);

    assert.deepEqual([second.removed, second.more], [1, false]);
    assert.deepEqual(await store.queues(), []);
  });

  guarantee('an obliterated queue can be made again and starts from nothing', async ({ store }) => {
    const { token } = await finish(store);
    await obliterate(store);
    await add(store);

    assert.deepEqual(await totalsOf(store), { added: 1 });
    assert.deepEqual(await countsOf(store), { waiting: 1 });
    const { lease } = await claimOne(store);
    assert.ok(lease.token > token);
    await settle(store, lease, RELEASED);
  });

  guarantee('obliterating a queue that is not there is done already', async ({ store }) => {
    assert.deepEqual(await obliterate(store), {
      op: 'obliterate',
      outcome: 'ok',
      removed: 0,
      more: false,
      before: 0,
    });
    assert.deepEqual(await store.queues(), []);
  });

  guarantee('a drained job may be added again', async ({ store }) => {
    await add(store);
    await drain(store);

    assert.deepEqual(await add(store), [{ id: 'a', outcome: 'created' }]);
    await moveOk(store, { op: 'discard', job: at('a') });
  });
};
