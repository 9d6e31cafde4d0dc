import assert from 'node:assert/strict';
import { JOB_STATES } from '../../job/record.ts';
import type { StatsPoint, Store } from '../../store/store.ts';
import type { Topic } from './scene.ts';
import {
  add,
  COMPLETED,
  cancelled,
  claimOne,
  configure,
  countsOf,
  failed,
  finish,
  parked,
  RELEASED,
  retry,
  settleOk,
  summaryOf,
  totalOf,
  totalsOf,
  upkeep,
} from './support.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

async function minutes(store: Store, withinMs = HOUR_MS): Promise<StatsPoint[]> {
  return store.stats({ queue: 'orders', step: 'minute', withinMs });
}

/** Buckets that are not empty, as `index: count`. */
function filled(histogram: readonly number[]): Record<string, number> {
  return Object.fromEntries([...histogram.entries()].filter(([, count]) => count > 0));
}

export const countsAndStatsCases: Topic = (guarantee) => {
  guarantee('every state is counted, and the counts add up', async ({ store }) => {
    for (const next of [COMPLETED, failed(), cancelled(), retry(9_000), parked(null)]) {
      await finish(store, next, { id: next.to });
    }
    await add(store, { id: 'active' });
    await claimOne(store);
    await add(store, { id: 'w1' }, { id: 'w2' });

    const { counts, totals } = await summaryOf(store);

    assert.deepEqual(Object.keys(counts).toSorted(), [...JOB_STATES].toSorted());
    assert.deepEqual(await countsOf(store), {
      waiting: 2,
      delayed: 1,
      active: 1,
      parked: 1,
      completed: 1,
      failed: 1,
      cancelled: 1,
    });
    assert.equal(totalOf(Object.values(counts)), totals.added - totals.removed);
  });

  guarantee('totals only grow: they do not forget what was pruned', async ({ store, clock }) => {
    await configure(store, { retention: { completed: { ageMs: 10 } } });
    await finish(store, COMPLETED);
    await clock.advance(10);
    await upkeep(store);
    await finish(store, COMPLETED);

    assert.deepEqual(await totalsOf(store), { added: 2, completed: 2, removed: 1 });
  });

  guarantee(
    'totals and counts outlive the process',
    async (scene) => {
      await finish(scene.store, COMPLETED);
      await add(scene.store, { id: 'b' });
      await scene.store.close();

      const store = await scene.reopen();

      assert.deepEqual(await totalsOf(store), { added: 2, completed: 1 });
      assert.deepEqual(await countsOf(store), { completed: 1, waiting: 1 });
    },
    'reopen',
  );

  guarantee('the age of the oldest ready job leaves out delay and backoff', async ({ store, clock }) => {
    assert.deepEqual(await store.queues(), []);
    await add(store, { id: 'd', delayMs: 60_000 });
    assert.equal((await summaryOf(store)).oldestReadyMs, null);
    await add(store, { id: 'a' });
    await clock.advance(1_000);
    await add(store, { id: 'b' });
    await clock.advance(500);
    assert.equal((await summaryOf(store)).oldestReadyMs, 1_500);
    const { lease } = await claimOne(store);
    assert.equal((await summaryOf(store)).oldestReadyMs, 500);
    await settleOk(store, lease, RELEASED);

    assert.equal((await summaryOf(store)).oldestReadyMs, 500);
  });

  guarantee(
    'the age of the oldest running attempt and the time to the next due job are told',
    async ({ store, clock }) => {
      await add(store, { id: 'a' }, { id: 'b' }, { id: 'd', delayMs: 10_000 }, { id: 'e', delayMs: 20_000 });
      assert.equal((await summaryOf(store)).oldestActiveMs, null);
      await claimOne(store);
      await clock.advance(4_000);
      await claimOne(store);

      const summary = await summaryOf(store);

      assert.deepEqual([summary.oldestActiveMs, summary.nextDueInMs], [4_000, 6_000]);
      await clock.advance(7_000);
      assert.equal((await summaryOf(store)).nextDueInMs, 0);
    },
  );

  guarantee('queues are listed by name, all or those asked for', async ({ store }) => {
    await add(store, { queue: 'b' }, { queue: 'a' }, { queue: 'C' }, { queue: 'b-1' });

    assert.deepEqual(
      (await store.queues()).map((each) => each.queue),
      ['C', 'a', 'b', 'b-1'],
    );
    assert.deepEqual(
      (await store.queues(['b', 'none', 'a', 'b'])).map((each) => each.queue),
      ['a', 'b'],
    );
    assert.deepEqual(await store.queues([]), []);
  });

  guarantee('what happened is counted by minute and name', async ({ store, clock }) => {
    const from = Math.floor(clock.now() / 60_000) * 60_000;
    await add(store, { id: 'a' }, { id: 'b', name: 'bill' }, { id: 'c' });
    await add(store, { id: 'c' });
    for (const next of [COMPLETED, failed(), retry()]) {
      const { lease } = await claimOne(store);
      await settleOk(store, lease, next);
    }

    const points = await minutes(store);

    assert.deepEqual(
      points.map(({ queue, name, added, completed, failed: dead, retried }) => [
        queue,
        name,
        added,
        completed,
        dead,
        retried,
      ]),
      [
        ['orders', 'bill', 1, 0, 1, 0],
        ['orders', 'mail', 2, 1, 0, 1],
      ],
    );
    assert.ok(points.every((point) => point.from === from));
  });

  guarantee('waits are sorted into buckets, once a generation', async ({ store, clock }) => {
    await add(store, { id: 'a' });
    await clock.advance(2);
    const first = await claimOne(store);
    await settleOk(store, first.lease, RELEASED);
    await clock.advance(3_000);
    await claimOne(store);

    const [point] = await minutes(store);

    assert.deepEqual(filled(point?.wait ?? []), { 1: 1 });
    assert.equal(point?.wait.length, 19);
  });

  guarantee(
    'run times are sorted into buckets, of attempts that ended by themselves',
    async ({ store, clock }) => {
      const runs: [number, Parameters<typeof settleOk>[2]][] = [
        [1, retry()],
        [2, RELEASED],
        [20_000, retry()],
        [4_000_000, parked(0)],
        [3_600_001, COMPLETED],
      ];
      await add(store);
      for (const [ms, next] of runs) {
        const { lease } = await claimOne(store, { leaseMs: 7_200_000 });
        await clock.advance(ms);
        await settleOk(store, lease, next);
      }

      const points = await minutes(store, DAY_MS);

      const total = points
        .map((point) => point.run)
        .reduce((sum, run) => sum.map((count, index) => count + (run[index] ?? 0)));
      assert.deepEqual(filled(total), { 0: 1, 13: 1, 18: 1 });
    },
  );

  guarantee('points come in the order of time, as far back as asked for', async ({ store, clock }) => {
    await clock.advance(60_000 - (clock.now() % 60_000));
    const start = clock.now();
    for (let n = 0; n < 3; n += 1) {
      await add(store, { id: `job-${n}` });
      await clock.advance(60_000);
    }

    const all = await minutes(store, 10 * 60_000);
    assert.deepEqual(
      all.map((point) => point.from),
      [start, start + 60_000, start + 120_000],
    );
    assert.deepEqual(
      (await minutes(store, 60_000)).map((point) => point.from),
      [start + 120_000],
    );
    assert.deepEqual(await store.stats({ queue: 'none', step: 'minute', withinMs: HOUR_MS }), []);
  });

  guarantee('hours hold the sum of their minutes, also of the running one', async ({ store, clock }) => {
    await clock.advance(HOUR_MS - (clock.now() % HOUR_MS));
    const start = clock.now();
    for (let n = 0; n < 3; n += 1) {
      await add(store, { id: `job-${n}` });
      await clock.advance(25 * 60_000);
    }

    const hours = await store.stats({ queue: 'orders', step: 'hour', withinMs: DAY_MS });

    assert.deepEqual(
      hours.map((point) => [point.from, point.added]),
      [[start, 3]],
    );
  });

  guarantee(
    'minutes are kept for a week and live on in their hours for three months',
    async ({ store, clock }) => {
      await add(store);
      await clock.advance(7 * DAY_MS + 60_000);
      await upkeep(store);
      const withinMs = 100 * DAY_MS;

      assert.deepEqual(await minutes(store, withinMs), []);
      const hours = await store.stats({ queue: 'orders', step: 'hour', withinMs });
      assert.deepEqual(
        hours.map((point) => point.added),
        [1],
      );
      await clock.advance(84 * DAY_MS);
      await upkeep(store);

      assert.deepEqual(await store.stats({ queue: 'orders', step: 'hour', withinMs }), []);
    },
  );
};
