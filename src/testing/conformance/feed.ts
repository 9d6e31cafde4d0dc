import assert from 'node:assert/strict';
import type { Change, FeedPage, FeedRequest, Store } from '../../store/store.ts';
import type { Topic } from './scene.ts';
import {
  add,
  applyOne,
  assertBytes,
  at,
  COMPLETED,
  cancelled,
  claim,
  claimOne,
  configure,
  failed,
  finish,
  moveOk,
  RELEASED,
  reclaimTwice,
  retry,
  settleOk,
  upkeep,
  utf8,
} from './support.ts';

const KEEP_MS = 60_000;

async function read(store: Store, after: number | null, over: Partial<FeedRequest> = {}): Promise<FeedPage> {
  return store.feed({ queues: ['orders'], after, limit: 1_000, keepMs: KEEP_MS, ...over });
}

/** Starts to listen, and answers a function that gives what happened since its last call. */
async function listen(
  store: Store,
  queues: readonly string[] = ['orders'],
): Promise<() => Promise<Change[]>> {
  let { cursor } = await read(store, null, { queues });
  return async () => {
    const page = await read(store, cursor, { queues });
    assert.equal(page.complete, true);
    cursor = page.cursor;
    return [...page.changes];
  };
}

const kindsOf = (changes: readonly Change[]): string[] =>
  changes.map((change) => `${change.kind} ${change.id}`.trim());

export const feedCases: Topic = (guarantee) => {
  guarantee('who asks without a cursor gets the present one and no changes', async ({ store }) => {
    await add(store);

    const page = await read(store, null);

    assert.deepEqual([page.changes, page.complete], [[], true]);
    assert.deepEqual((await read(store, page.cursor)).changes, []);
  });

  guarantee('a reader sees every move of a job, in order', async ({ store, clock }) => {
    const news = await listen(store);
    await add(store);
    await add(store);
    const { lease } = await claimOne(store);
    await moveOk(store, { op: 'progress', job: lease, value: utf8('50') });
    await settleOk(store, lease, retry(100, 'boom'));
    await clock.advance(100);
    const second = await claimOne(store);
    await settleOk(store, second.lease, RELEASED);
    const third = await claimOne(store);
    await settleOk(store, third.lease, { to: 'completed', result: utf8('"ok"') });
    await moveOk(store, { op: 'discard', job: at('a') });

    const changes = await news();

    assert.deepEqual(kindsOf(changes), [
      'added a',
      'duplicate a',
      'active a',
      'progress a',
      'retried a',
      'waiting a',
      'active a',
      'released a',
      'active a',
      'completed a',
      'removed a',
    ]);
    assert.ok(changes.every((change) => change.queue === 'orders' && change.name === 'mail'));
    const cursors = changes.map((change) => change.cursor);
    assert.deepEqual(
      cursors,
      cursors.toSorted((x, y) => x - y),
    );
    assert.equal(new Set(cursors).size, cursors.length);
    assert.equal(changes.at(-1)?.at, clock.now());
    assertBytes(changes[3]?.data ?? null, '50');
    assertBytes(changes[9]?.data ?? null, '"ok"');
    const told = JSON.parse(Buffer.from(changes[4]?.data ?? []).toString()) as { message: string };
    assert.equal(told.message, 'boom');
    assert.deepEqual(await news(), []);
  });

  guarantee('a reader hears of dead letters, cancels, redrives, promotions and delays', async ({ store }) => {
    const news = await listen(store);
    await finish(store, failed('no'), { id: 'f' });
    await finish(store, cancelled(), { id: 'c' });
    await moveOk(store, { op: 'redrive', job: at('f'), toQueue: null });
    await moveOk(store, { op: 'reschedule', job: at('f'), delayMs: 500 });
    await moveOk(store, { op: 'promote', job: at('f') });
    await moveOk(store, { op: 'cancel', job: at('f'), reason: 'x' });

    assert.deepEqual(kindsOf(await news()), [
      'added f',
      'active f',
      'failed f',
      'added c',
      'active c',
      'cancelled c',
      'waiting f',
      'delayed f',
      'waiting f',
      'cancelled f',
    ]);
  });

  guarantee(
    'a reader hears of what expired as others were claimed, also where none of it is kept',
    async ({ store, clock }) => {
      await configure(store, { retention: { cancelled: { count: 0 } } });
      const news = await listen(store);
      await add(
        store,
        { id: 'a' },
        { id: 't', policy: { ttlMs: 100 }, priority: 1 },
        { id: 'z', priority: 2 },
      );
      await clock.advance(100);

      await claim(store, { limit: 3 });

      assert.deepEqual(kindsOf(await news()), [
        'added a',
        'added t',
        'added z',
        'active a',
        'cancelled t',
        'active z',
      ]);
    },
  );

  guarantee('a reader hears of reclaims, expiry and pruning', async ({ store, clock }) => {
    await configure(store, { retention: { cancelled: { ageMs: 5_000 } } });
    const news = await listen(store);
    await add(store, { id: 'a' }, { id: 't', policy: { ttlMs: 100 }, priority: 1 });
    await claimOne(store);
    await clock.advance(30_000);
    await reclaimTwice(store);
    await clock.advance(5_000);
    await upkeep(store);

    assert.deepEqual(kindsOf(await news()), [
      'added a',
      'added t',
      'active a',
      'cancelled t',
      'reclaimed a',
      'removed t',
    ]);
  });

  guarantee('a reader hears of changes of the queue itself', async ({ store }) => {
    const news = await listen(store);
    await configure(store, { paused: true });
    await configure(store, { paused: true, maxCrashes: 1 });
    await configure(store, { paused: false });
    await add(store);
    await applyOne(store, { op: 'drain', queue: 'orders', delayed: false, before: null });

    const changes = await news();

    assert.deepEqual(kindsOf(changes), ['paused', 'resumed', 'added a', 'removed a', 'drained']);
    assert.deepEqual([changes[0]?.id, changes[0]?.name], ['', '']);
  });

  guarantee('a dead letter that moves is told in both queues', async ({ store }) => {
    const news = await listen(store, ['orders', 'dead']);
    await finish(store, failed('x'), { policy: { deadLetterQueue: 'dead' } });

    const changes = await news();

    assert.deepEqual(
      changes.map((change) => [change.kind, change.queue]),
      [
        ['added', 'orders'],
        ['active', 'orders'],
        ['failed', 'orders'],
        ['added', 'dead'],
      ],
    );
  });

  guarantee('a reader gets the changes of its queues only', async ({ store }) => {
    const news = await listen(store, ['one', 'three']);
    await add(store, { id: 'a', queue: 'one' }, { id: 'b', queue: 'two' }, { id: 'c', queue: 'three' });

    assert.deepEqual(kindsOf(await news()), ['added a', 'added c']);
  });

  guarantee('a reader that takes small pages misses nothing', async ({ store }) => {
    let { cursor } = await read(store, null);
    const ids = Array.from({ length: 17 }, (_, n) => `job-${n}`);
    await add(store, ...ids.map((id) => ({ id })));
    const seen: string[] = [];
    for (let n = 0; n < 20; n += 1) {
      const page = await read(store, cursor, { limit: 5 });
      assert.ok(page.changes.length <= 5 && page.complete);
      cursor = page.cursor;
      seen.push(...page.changes.map((change) => change.id));
    }

    assert.deepEqual(seen, ids);
  });

  guarantee('reading again from an old cursor gives the same changes again', async ({ store }) => {
    const { cursor } = await read(store, null);
    await add(store, { id: 'a' }, { id: 'b' });

    const first = await read(store, cursor);

    assert.deepEqual(await read(store, cursor), first);
    assert.deepEqual(kindsOf(first.changes), ['added a', 'added b']);
  });

  guarantee(
    'nothing is recorded unless somebody listens, and a late reader is told that it missed changes',
    async ({ store, clock }) => {
      const { cursor } = await read(store, null, { keepMs: 1_000 });
      await add(store, { id: 'a' });
      await clock.advance(1_000);
      await add(store, { id: 'missed' });

      const page = await read(store, cursor);

      assert.deepEqual([kindsOf(page.changes), page.complete], [['added a'], false]);
      await add(store, { id: 'b' });
      const next = await read(store, page.cursor);
      assert.deepEqual([kindsOf(next.changes), next.complete], [['added b'], true]);
    },
  );

  guarantee(
    'a reader that was up to date is told, too, when it missed changes since',
    async ({ store, clock }) => {
      const first = await read(store, null, { keepMs: 1_000 });
      await add(store, { id: 'a' });
      const second = await read(store, first.cursor, { keepMs: 1_000 });
      await clock.advance(1_000);
      await add(store, { id: 'missed' });

      const page = await read(store, second.cursor);

      assert.deepEqual([kindsOf(page.changes), page.complete], [[], false]);
      assert.equal((await read(store, page.cursor)).complete, true);
    },
  );

  guarantee('a reader that asks in time keeps the recording on', async ({ store, clock }) => {
    const news = await listen(store);
    for (let n = 0; n < 4; n += 1) {
      await clock.advance(KEEP_MS - 1);
      await add(store, { id: `job-${n}` });
      assert.deepEqual(kindsOf(await news()), [`added job-${n}`]);
    }
  });

  guarantee('a queue that always records needs no listener', async ({ store, clock }) => {
    await configure(store, { feed: 'on' });
    const { cursor } = await read(store, null, { keepMs: 0 });
    await clock.advance(600_000);
    await add(store);

    const page = await read(store, cursor);

    assert.deepEqual([kindsOf(page.changes), page.complete], [['added a'], true]);
  });

  guarantee('changes are kept for an hour, and who comes later is told', async ({ store, clock }) => {
    await configure(store, { feed: 'on' });
    const { cursor } = await read(store, null);
    await add(store, { id: 'old' });
    await clock.advance(3_600_000);
    await add(store, { id: 'new' });
    await upkeep(store);

    const page = await read(store, cursor);

    assert.deepEqual([kindsOf(page.changes), page.complete], [['added new'], false]);
  });

  guarantee(
    'the newest ten thousand changes of a queue are kept, and who comes later is told',
    async ({ store }) => {
      await configure(store, { feed: 'on' });
      const { cursor } = await read(store, null);
      for (let n = 0; n < 11; n += 1) {
        await add(store, ...Array.from({ length: 1_000 }, (_, m) => ({ id: `${n}-${m}` })));
      }
      await upkeep(store);

      const page = await read(store, cursor);

      assert.equal(page.complete, false);
      assert.equal(page.changes[0]?.id, '1-0');
    },
  );

  guarantee('a change carries no value larger than 64 KiB', async ({ store }) => {
    const news = await listen(store);
    const small = new Uint8Array(64 * 1024).fill(1);
    const large = new Uint8Array(64 * 1024 + 1).fill(1);
    await finish(store, { to: 'completed', result: small }, { id: 's' });
    await finish(store, { to: 'completed', result: large }, { id: 'l' });

    const ends = (await news()).filter((change) => change.kind === 'completed');

    assertBytes(ends[0]?.data ?? null, small);
    assert.equal(ends[1]?.data, null);
  });

  guarantee(
    'a reader goes on from its cursor after the store was opened again',
    async (scene) => {
      const { cursor } = await read(scene.store, null);
      await add(scene.store, { id: 'a' });
      await scene.store.close();
      const store = await scene.reopen();
      await finish(store, COMPLETED, { id: 'b', priority: 0, lifo: true });

      const page = await read(store, cursor);

      assert.deepEqual(
        [kindsOf(page.changes), page.complete],
        [['added a', 'added b', 'active b', 'completed b'], true],
      );
      await claim(store);
    },
    'reopen',
  );
};
