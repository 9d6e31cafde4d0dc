import assert from 'node:assert/strict';
import { InvalidOptionError, UnsupportedError } from '../../errors.ts';
import type { Topic } from './scene.ts';
import { add, at, claimIds, countsOf, dumpOf, findJob, newJob, stateOf, totalsOf } from './support.ts';

export const addManyCases: Topic = (guarantee) => {
  guarantee('a thousand jobs go in with one call and come out in their order', async ({ store }) => {
    const ids = Array.from({ length: 1_000 }, (_, n) => `job-${n}`);

    const outcomes = await add(store, ...ids.map((id) => ({ id })));

    assert.deepEqual(
      outcomes,
      ids.map((id) => ({ id, outcome: 'created' })),
    );
    assert.deepEqual(await countsOf(store), { waiting: 1_000 });
    assert.deepEqual(await claimIds(store, 1_000), ids);
  });

  guarantee('all jobs of a call are there, or none', async ({ store }) => {
    const jobs = [newJob({ id: 'good' }), newJob({ id: 'bad', priority: -1 })];

    await assert.rejects(store.apply([{ op: 'add', jobs }]), InvalidOptionError);

    assert.equal(await findJob(store, 'good'), null);
    assert.deepEqual(await store.queues(), []);
  });

  guarantee('all effects of a call are applied, or none', async ({ store }) => {
    await add(store, { id: 'old', delayMs: 1_000 });
    const before = await dumpOf(store);

    const call = store.apply([
      { op: 'promote', job: at('old') },
      { op: 'add', jobs: [newJob({ id: 'good' })] },
      { op: 'configure', queue: 'made', patch: {} },
      { op: 'add', jobs: [newJob({ id: '' })] },
    ]);

    await assert.rejects(call, InvalidOptionError);
    assert.equal(await dumpOf(store), before);
  });

  guarantee('the second job with an id in one call is a duplicate of the first', async ({ store }) => {
    const outcomes = await add(store, { id: 'a', name: 'x' }, { id: 'b' }, { id: 'a', name: 'y' });

    assert.deepEqual(outcomes, [
      { id: 'a', outcome: 'created' },
      { id: 'b', outcome: 'created' },
      { id: 'a', outcome: 'duplicate' },
    ]);
    assert.equal((await findJob(store, 'a'))?.name, 'x');
    assert.deepEqual(await totalsOf(store), { added: 2, duplicates: 1 });
  });

  guarantee('one call may add to several queues', async ({ store }) => {
    await add(store, { id: 'a', queue: 'one' }, { id: 'b', queue: 'two' }, { id: 'c', queue: 'one' });

    assert.deepEqual(await countsOf(store, 'one'), { waiting: 2 });
    assert.deepEqual(await countsOf(store, 'two'), { waiting: 1 });
  });

  guarantee('a duplicate does not keep the rest of its call out', async ({ store }) => {
    await add(store, { id: 'b' });

    await add(store, { id: 'a' }, { id: 'b' }, { id: 'c' });

    assert.deepEqual(await claimIds(store), ['b', 'a', 'c']);
  });

  guarantee(
    'an effect sees what the effects before it did, and answers stand in their order',
    async ({ store }) => {
      const results = await store.apply([
        { op: 'add', jobs: [newJob({ id: 'a', delayMs: 1_000 })] },
        { op: 'promote', job: at('a') },
        { op: 'promote', job: at('a') },
        { op: 'discard', job: at('a') },
        { op: 'add', jobs: [newJob({ id: 'a' })] },
      ]);

      assert.deepEqual(results, [
        { op: 'add', jobs: [{ id: 'a', outcome: 'created' }] },
        { op: 'promote', outcome: 'ok' },
        { op: 'promote', outcome: 'wrong-state', state: 'waiting' },
        { op: 'discard', outcome: 'ok' },
        { op: 'add', jobs: [{ id: 'a', outcome: 'created' }] },
      ]);
      assert.equal(await stateOf(store), 'waiting');
    },
  );

  guarantee('a store that cannot join a transaction says so and writes nothing', async ({ store }) => {
    if (store.can.transactions) return;

    await assert.rejects(store.apply([{ op: 'add', jobs: [newJob()] }], { tx: {} }), UnsupportedError);

    assert.equal(await findJob(store), null);
  });

  guarantee('a call without effects does nothing', async ({ store }) => {
    assert.deepEqual(await store.apply([]), []);
  });

  guarantee('calls that run at once do not disturb each other', async ({ store }) => {
    const calls = Array.from({ length: 50 }, (_, n) => add(store, { id: `job-${n % 25}` }));

    const outcomes = (await Promise.all(calls)).flat();

    assert.equal(outcomes.filter((each) => each.outcome === 'created').length, 25);
    assert.deepEqual(await countsOf(store), { waiting: 25 });
    assert.deepEqual(await totalsOf(store), { added: 25, duplicates: 25 });
  });
};
