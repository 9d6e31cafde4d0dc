import assert from 'node:assert/strict';
import type { JobFilter } from '../../job/filter.ts';
import type { PageRequest, Store } from '../../store/store.ts';
import type { Topic } from './scene.ts';
import {
  add,
  at,
  COMPLETED,
  cancelled,
  claimOne,
  FIRST_PAGE,
  failed,
  finish,
  idsOf,
  moveOk,
  parked,
  retry,
  unchanged,
  utf8,
} from './support.ts';

async function found(store: Store, filter: JobFilter, page: Partial<PageRequest> = {}): Promise<string[]> {
  return idsOf(await store.find(filter, { ...FIRST_PAGE, order: 'oldest', ...page }));
}

/** Follows the cursor to the end. */
async function pages(store: Store, filter: JobFilter, page: PageRequest): Promise<string[][]> {
  const all: string[][] = [];
  for (let cursor = page.cursor, n = 0; n < 100; n += 1) {
    const answer = await store.find(filter, { ...page, cursor });
    all.push(idsOf(answer));
    cursor = answer.cursor;
    if (cursor === null) return all;
  }
  throw new Error('the cursor leads nowhere');
}

async function fillStates(store: Store): Promise<void> {
  await finish(store, COMPLETED, { id: 'completed' });
  await finish(store, failed('no route to host'), { id: 'failed', name: 'bill', priority: 5 });
  await finish(store, cancelled(), { id: 'cancelled' });
  await finish(store, retry(60_000, 'Timeout of 5 s'), { id: 'delayed' });
  await finish(store, parked(null), { id: 'parked' });
  await add(store, { id: 'active' });
  await claimOne(store);
  await add(store, { id: 'waiting' }, { id: 'other', queue: 'other', name: 'bill', priority: 9 });
}

export const findCases: Topic = (guarantee) => {
  guarantee('an empty filter finds every job, the newest first', async ({ store }) => {
    await add(store, { id: 'a' }, { id: 'b', queue: 'two' }, { id: 'c', lifo: true });

    const page = await store.find({}, { cursor: null, limit: 10 });

    assert.deepEqual(idsOf(page), ['c', 'b', 'a']);
    assert.deepEqual([page.cursor, page.complete, page.scanned], [null, true, 3]);
    assert.deepEqual(page.jobs[2], await store.job(at('a')));
  });

  guarantee('the oldest come first when asked to', async ({ store }) => {
    await add(store, { id: 'a' }, { id: 'b' }, { id: 'c' });

    assert.deepEqual(await found(store, {}), ['a', 'b', 'c']);
  });

  guarantee('nothing is found in an empty store', async ({ store }) => {
    assert.deepEqual(await store.find({}, FIRST_PAGE), {
      jobs: [],
      cursor: null,
      scanned: 0,
      complete: true,
    });
  });

  guarantee('jobs are found by queue, state, id, name and priority', async ({ store }) => {
    await fillStates(store);
    const wanted: [JobFilter, string[]][] = [
      [{ queues: ['other'] }, ['other']],
      [{ queues: ['none'] }, []],
      [{ states: ['failed', 'parked'] }, ['failed', 'parked']],
      [{ states: ['active'] }, ['active']],
      [{ states: ['waiting'], queues: ['orders'] }, ['waiting']],
      [{ ids: ['delayed', 'waiting', 'none'] }, ['delayed', 'waiting']],
      [{ names: ['bill'] }, ['failed', 'other']],
      [{ names: ['bill'], queues: ['orders'] }, ['failed']],
      [{ priority: { is: '=', value: 5 } }, ['failed']],
      [{ priority: { is: '>', value: 5 } }, ['other']],
      [{ priority: { is: '>=', value: 5 } }, ['failed', 'other']],
      [{ priority: { is: '<', value: 0 } }, []],
      [{ states: ['failed'], priority: { is: '<=', value: 4 } }, []],
    ];
    for (const [filter, ids] of wanted)
      assert.deepEqual(await found(store, filter), ids, JSON.stringify(filter));
  });

  guarantee('jobs are found by what went wrong', async ({ store }) => {
    await fillStates(store);
    const wanted: [JobFilter, string[]][] = [
      [{ errorText: 'NO ROUTE' }, ['failed']],
      [{ errorText: 'typeerror' }, ['failed', 'delayed']],
      [{ errorText: 'timeout of 5' }, ['delayed']],
      [{ errorText: '%' }, []],
      [{ errorText: '_o route' }, []],
      [{ fingerprints: ['mail/no route to host'] }, ['failed']],
      [{ causes: ['attempts-spent'] }, ['failed']],
      [{ causes: ['discarded', 'expired'] }, ['cancelled']],
      [{ attempts: { is: '=', value: 1 } }, ['failed', 'delayed']],
      [{ attempts: { is: '>', value: 1 } }, []],
      [{ attempts: { is: '<', value: 1 }, states: ['active', 'waiting'] }, ['active', 'waiting', 'other']],
    ];
    for (const [filter, ids] of wanted)
      assert.deepEqual(await found(store, filter), ids, JSON.stringify(filter));
  });

  guarantee('wildcards of a search are letters like any other', async ({ store }) => {
    await finish(store, failed('100% sure_thing'), { id: 'a' });
    await finish(store, failed('100 sure thing'), { id: 'b' });

    assert.deepEqual(await found(store, { errorText: '0% s' }), ['a']);
    assert.deepEqual(await found(store, { errorText: 'e_t' }), ['a']);
    assert.deepEqual(await found(store, { errorText: '\\' }), []);
  });

  guarantee('jobs are found by age: since they ended, or since they were added', async ({ store, clock }) => {
    await finish(store, COMPLETED, { id: 'ended' });
    await add(store, { id: 'open' });
    await clock.advance(10_000);
    await add(store, { id: 'young' });
    const { lease } = await claimOne(store);
    await store.commit([{ lease, next: COMPLETED, mode: 'strict' }]);

    assert.deepEqual(await found(store, { withinMs: 9_999 }), ['open', 'young']);
    assert.deepEqual(await found(store, { withinMs: 10_000 }), ['ended', 'open', 'young']);
    assert.deepEqual(await found(store, { olderThanMs: 10_000 }), ['ended']);
    assert.deepEqual(await found(store, { olderThanMs: 10_001 }), []);
    assert.deepEqual(await found(store, { olderThanMs: 0, withinMs: 0 }), ['open', 'young']);
  });

  guarantee('jobs are found by what is in their JSON', async ({ store }) => {
    if (!store.can.searchBodies) return;
    const bodies = {
      a: '{"user":{"id":42,"tags":["x"]},"ok":true,"__proto__":{"p":1}}',
      b: '{"user":{"id":"42"},"ok":"true"}',
      c: '{"user":null,"a.b":7}',
      broken: '{"user":',
    };
    await add(store, ...Object.entries(bodies).map(([id, body]) => ({ id, body: utf8(body) })));
    await add(store, { id: 'bytes', body: Uint8Array.of(0xff, 0), contentType: 'application/octet-stream' });
    const wanted: [string[], string, string[]][] = [
      [['user', 'id'], '42', ['a', 'b']],
      [['ok'], 'true', ['a', 'b']],
      [['user'], 'null', ['c']],
      [['a.b'], '7', ['c']],
      [['user', 'tags', '0'], 'x', ['a']],
      [['__proto__', 'p'], '1', ['a']],
      [['toString'], String(Object.prototype.toString), []],
      [['user', 'id', 'x'], '42', []],
      [['none'], 'undefined', []],
    ];
    for (const [path, value, ids] of wanted) {
      assert.deepEqual(await found(store, { data: [{ path, value }] }), ids, path.join('.'));
    }
    const both = [
      { path: ['user', 'id'], value: '42' },
      { path: ['ok'], value: 'true' },
    ];
    assert.deepEqual(await found(store, { data: both }), ['a', 'b']);
  });

  guarantee('pages follow each other without a gap or a repetition', async ({ store }) => {
    const ids = Array.from({ length: 23 }, (_, n) => `job-${String(n).padStart(2, '0')}`);
    await add(store, ...ids.map((id, n) => ({ id, queue: `q${n % 3}` })));

    for (const limit of [1, 5, 23, 24]) {
      const oldest = await pages(store, {}, { cursor: null, limit, order: 'oldest' });
      const newest = await pages(store, {}, { cursor: null, limit });
      assert.deepEqual(oldest.flat(), ids);
      assert.deepEqual(newest.flat(), ids.toReversed());
    }
    const some = await pages(store, { queues: ['q1'] }, { cursor: null, limit: 2, order: 'oldest' });
    assert.deepEqual(
      some.flat(),
      ids.filter((_, n) => n % 3 === 1),
    );
  });

  guarantee('what is added or removed between two pages shifts nothing', async ({ store }) => {
    await add(store, ...['a', 'b', 'c', 'd', 'e'].map((id) => ({ id })));
    const first = await store.find({}, { cursor: null, limit: 2 });
    assert.deepEqual(idsOf(first), ['e', 'd']);
    await add(store, { id: 'new' });
    await moveOk(store, { op: 'discard', job: at('e') });
    await moveOk(store, { op: 'discard', job: at('c') });

    const second = await store.find({}, { cursor: first.cursor, limit: 10 });

    assert.deepEqual(idsOf(second), ['b', 'a']);
  });

  guarantee(
    'a search that has looked at enough says how far it got and goes on from there',
    async ({ store }) => {
      await add(
        store,
        ...Array.from({ length: 30 }, (_, n) => ({ id: `job-${n}`, name: n === 0 ? 'rare' : 'mail' })),
      );
      const byName: JobFilter = { names: ['rare'], priority: { is: '=', value: 0 } };

      const page = await store.find(byName, { cursor: null, limit: 5, scan: 10 });

      assert.ok(page.scanned <= 10);
      if (!page.complete) assert.notEqual(page.cursor, null);
      const all = await pages(store, byName, { cursor: null, limit: 5, scan: 10 });
      assert.deepEqual(all.flat(), ['job-0']);
    },
  );

  guarantee('a full page is complete and has a cursor unless the end is reached', async ({ store }) => {
    await add(store, { id: 'a' }, { id: 'b' }, { id: 'c' });

    const part = await store.find({}, { cursor: null, limit: 2 });
    const whole = await store.find({}, { cursor: null, limit: 4 });

    assert.deepEqual([part.complete, part.cursor !== null], [true, true]);
    assert.deepEqual([whole.complete, whole.cursor], [true, null]);
  });

  guarantee('searching changes nothing', async ({ store }) => {
    await fillStates(store);

    await unchanged(store, () => store.find({ errorText: 'x', withinMs: 5 }, FIRST_PAGE));
  });
};
