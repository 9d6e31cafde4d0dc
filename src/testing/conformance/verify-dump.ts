import assert from 'node:assert/strict';
import type { DumpRow, Store } from '../../store/store.ts';
import type { Topic } from './scene.ts';
import {
  add,
  applyOne,
  at,
  claim,
  claimOne,
  configure,
  dumpOf,
  failed,
  finish,
  moveOk,
  retry,
  session,
  settleOk,
  upkeep,
  utf8,
} from './support.ts';

async function rowsOf(store: Store): Promise<DumpRow[]> {
  const rows: DumpRow[] = [];
  for await (const row of store.dump()) rows.push(row);
  return rows;
}

/** A bit of everything that a store can hold. */
async function busyLife(store: Store): Promise<void> {
  await store.beat([session()]);
  await finish(store, retry(500, 'x'), { id: 'retried', headers: { b: 1, a: 'é' } });
  await finish(store, failed('dead'), { id: 'dead', policy: { deadLetterQueue: 'dead' } });
  await add(
    store,
    { id: 'active', policy: { timeoutMs: 1_000 } },
    { id: 'waiting' },
    { id: 'late', delayMs: 9_000 },
  );
  await claimOne(store);
  await moveOk(store, { op: 'log', job: at('active'), lines: ['one', 'two'] });
  await moveOk(store, { op: 'cancel', job: at('waiting'), reason: 'no' });
  const operation = {
    id: 'op',
    kind: 'cancel',
    filter: {},
    toQueue: null,
    ratePerSecond: 1,
    reason: '',
  } as const;
  await applyOne(store, { op: 'start-operation', operation });
}

export const verifyDumpCases: Topic = (guarantee) => {
  guarantee('a new store holds nothing and has nothing wrong', async ({ store }) => {
    assert.deepEqual(await rowsOf(store), []);
    assert.deepEqual(await store.verify(), []);
  });

  guarantee('the books balance after a busy life', async ({ store, clock }) => {
    await busyLife(store);
    assert.deepEqual(await store.verify(), []);
    await clock.advance(120_000);
    await upkeep(store, { reclaim: true });
    await upkeep(store, { reclaim: true });

    assert.deepEqual(await store.verify(), []);
  });

  guarantee('a dump names every kind of thing once, in order', async ({ store }) => {
    await busyLife(store);

    const rows = await rowsOf(store);

    const keys = rows.map((row) => row.key);
    assert.deepEqual(
      keys,
      keys.toSorted((one, other) => (one < other ? -1 : 1)),
    );
    assert.equal(new Set(keys).size, keys.length);
    const kinds = new Set(keys.map((key) => key.split(' ')[0]));
    for (const kind of ['queue', 'job', 'attempt', 'log', 'lease', 'session', 'operation', 'stats-minute']) {
      assert.ok(kinds.has(kind), `no row of kind ${kind}`);
    }
    for (const row of rows) JSON.parse(row.value);
  });

  guarantee('dumping changes nothing, and gives the same twice', async ({ store }) => {
    await busyLife(store);

    assert.equal(await dumpOf(store), await dumpOf(store));
  });

  guarantee('a dump tells stores apart that differ in anything', async ({ store }) => {
    await busyLife(store);
    const seen = new Set([await dumpOf(store)]);
    const changes: (() => Promise<unknown>)[] = [
      () => moveOk(store, { op: 'data', job: at('late'), body: utf8('{"n":2}'), contentType: 'x/y' }),
      () => moveOk(store, { op: 'log', job: at('late'), lines: [''] }),
      () => moveOk(store, { op: 'progress', job: at('late'), value: new Uint8Array() }),
      () => moveOk(store, { op: 'prioritize', job: at('late'), priority: 1, lifo: false }),
      () => moveOk(store, { op: 'cancel', job: at('active'), reason: 'x' }),
      () => configure(store, { objectiveMs: 1 }),
      () => store.beat([session({ lagMs: 3 })]),
      () => applyOne(store, { op: 'abort-operation', id: 'op' }),
      () => add(store, { id: 'late' }),
      () => store.renew([{ ...at('active'), token: 3 }], 1),
      () => claim(store, { queue: 'dead' }),
      () => store.endSession('worker-1'),
    ];
    for (const [index, change] of changes.entries()) {
      await change();
      const dump = await dumpOf(store);
      assert.equal(seen.has(dump), false, `change ${index} does not show`);
      seen.add(dump);
    }
  });

  guarantee('a dump can be read while the store goes on working', async ({ store }) => {
    await add(store, ...Array.from({ length: 50 }, (_, n) => ({ id: `job-${n}` })));
    let rows = 0;
    for await (const _row of store.dump()) {
      rows += 1;
      if (rows % 10 === 0) {
        const { lease } = await claimOne(store);
        await settleOk(store, lease);
      }
    }

    assert.ok(rows >= 51);
  });

  guarantee(
    'a store is the same after it was closed and opened again',
    async (scene) => {
      await busyLife(scene.store);
      const before = await dumpOf(scene.store);
      await scene.store.close();

      const store = await scene.reopen();

      assert.equal(await dumpOf(store), before);
      assert.deepEqual(await store.verify(), []);
    },
    'reopen',
  );

  guarantee(
    'a store says what an acknowledged write survives, and what a person should know',
    async ({ store }) => {
      const { level, detail } = await store.durability();
      assert.ok(['memory', 'os', 'disk', 'replicated'].includes(level));
      assert.notEqual(detail, '');

      for (const finding of await store.doctor()) {
        assert.ok(['ok', 'warning', 'error'].includes(finding.severity));
        assert.notEqual(finding.message, '');
        if (finding.severity !== 'ok') assert.notEqual(finding.advice, '');
      }
    },
  );
};
