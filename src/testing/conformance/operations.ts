import assert from 'node:assert/strict';
import type { NewOperation, OperationRecord, Store } from '../../store/store.ts';
import type { Topic } from './scene.ts';
import {
  add,
  applyOne,
  at,
  COMPLETED,
  claimOne,
  configure,
  countsOf,
  failed,
  finish,
  jobOf,
  moveOk,
  stateOf,
  upkeep,
} from './support.ts';

const IN_ORDERS = { queues: ['orders'] };

function operation(over: Partial<NewOperation> = {}): NewOperation {
  return {
    id: 'op-1',
    kind: 'redrive',
    filter: IN_ORDERS,
    toQueue: null,
    ratePerSecond: null,
    reason: 'after the outage',
    ...over,
  };
}

async function start(store: Store, over: Partial<NewOperation> = {}): Promise<void> {
  const result = await applyOne(store, { op: 'start-operation', operation: operation(over) });
  assert.deepEqual(result, { op: 'start-operation', outcome: 'ok' });
}

async function only(store: Store): Promise<OperationRecord> {
  const [record, ...others] = await store.operations();
  assert.ok(record !== undefined && others.length === 0);
  return record;
}

async function failMany(store: Store, count: number, queue = 'orders'): Promise<void> {
  for (let n = 0; n < count; n += 1) await finish(store, failed(), { id: `job-${n}`, queue });
}

export const operationsCases: Topic = (guarantee) => {
  guarantee('a bulk redrive moves all dead letters that match, slice by slice', async ({ store, clock }) => {
    await failMany(store, 5);
    await finish(store, COMPLETED, { id: 'done' });
    await start(store);
    const startedAt = clock.now();
    assert.equal((await only(store)).state, 'running');

    const first = await upkeep(store, { limit: 2 });
    assert.deepEqual([first.operated, first.more, first.nextDueInMs], [2, true, 0]);
    assert.deepEqual([(await only(store)).done, (await only(store)).state], [2, 'running']);
    for (let n = 0; n < 5 && (await only(store)).state === 'running'; n += 1) {
      await clock.advance(10);
      await upkeep(store, { limit: 2 });
    }

    const { scanned, finishedAt, ...record } = await only(store);
    assert.deepEqual(record, { ...operation(), state: 'done', done: 5, skipped: 0, startedAt });
    assert.ok(scanned >= 5);
    assert.ok(finishedAt !== null && finishedAt > startedAt);
    assert.deepEqual(await countsOf(store), { waiting: 5, completed: 1 });
    assert.equal((await jobOf(store, 'job-4')).generation, 2);
  });

  guarantee('jobs that come after the start of an operation are left alone', async ({ store }) => {
    await add(store, { id: 'old' });
    await start(store, { kind: 'cancel' });
    await add(store, { id: 'new' });

    await upkeep(store);

    assert.deepEqual([await stateOf(store, 'old'), await stateOf(store, 'new')], ['cancelled', 'waiting']);
    assert.equal((await jobOf(store, 'old')).cancelReason, 'after the outage');
  });

  guarantee(
    'an operation means the states in which it can do something, unless its filter says',
    async ({ store }) => {
      const fill = async (queue: string): Promise<void> => {
        await finish(store, failed(), { id: 'failed', queue });
        await finish(store, COMPLETED, { id: 'completed', queue });
        await add(store, { id: 'active', queue });
        await claimOne(store, { queue });
        await add(store, { id: 'waiting', queue }, { id: 'delayed', queue, delayMs: 9_000 });
      };
      const after: Record<NewOperation['kind'], Record<string, number>> = {
        redrive: { active: 1, completed: 1, delayed: 1, waiting: 2 },
        cancel: { active: 1, cancelled: 2, completed: 1, failed: 1 },
        promote: { active: 1, completed: 1, failed: 1, waiting: 2 },
        discard: { active: 1 },
      };
      for (const kind of ['redrive', 'cancel', 'promote', 'discard'] as const) {
        await fill(kind);
        await start(store, { id: kind, kind, filter: { queues: [kind] } });
        await upkeep(store);
        assert.deepEqual(await countsOf(store, kind), after[kind]);
        assert.equal((await store.operations()).find((each) => each.id === kind)?.state, 'done');
      }
      await start(store, { id: 'x', filter: { queues: ['cancel'], states: ['completed'] } });
      await upkeep(store);
      assert.equal(await stateOf(store, 'completed', 'cancel'), 'waiting');
      assert.equal((await jobOf(store, 'active', 'cancel')).cancelReason, 'after the outage');
    },
  );

  guarantee('an operation moves no faster than its rate', async ({ store, clock }) => {
    await failMany(store, 6);
    await start(store, { ratePerSecond: 2 });

    const first = await upkeep(store);
    assert.equal(first.operated, 0);
    assert.ok(first.nextDueInMs !== null && first.nextDueInMs <= 1_000);
    await clock.advance(499);
    assert.equal((await upkeep(store)).operated, 0);
    await clock.advance(501);
    assert.equal((await upkeep(store)).operated, 2);
    assert.equal((await upkeep(store)).operated, 0);
    await clock.advance(500);
    assert.equal((await upkeep(store)).operated, 1);
    await clock.advance(60_000);

    assert.equal((await upkeep(store)).operated, 3);
    await upkeep(store);
    assert.equal((await only(store)).state, 'done');
  });

  guarantee(
    'a redrive may lead into another queue, and counts jobs that it could not move',
    async ({ store }) => {
      await failMany(store, 2);
      await add(store, { id: 'job-1', queue: 'second' });
      await start(store, { toQueue: 'second' });

      await upkeep(store);

      const record = await only(store);
      assert.deepEqual([record.done, record.skipped, record.state], [1, 1, 'done']);
      assert.equal((await jobOf(store, 'job-0', 'second')).state, 'waiting');
      assert.equal(await stateOf(store, 'job-1'), 'failed');
    },
  );

  guarantee('a job that could not be moved counts towards the rate, too', async ({ store, clock }) => {
    await failMany(store, 4);
    await add(store, { id: 'job-0', queue: 'second' }, { id: 'job-1', queue: 'second' });
    await start(store, { toQueue: 'second', ratePerSecond: 2 });
    await clock.advance(1_000);

    assert.equal((await upkeep(store)).operated, 0);
    assert.deepEqual([(await only(store)).skipped, (await upkeep(store)).operated], [2, 0]);
    await clock.advance(1_000);

    assert.equal((await upkeep(store)).operated, 2);
  });

  guarantee('an aborted operation stops where it is', async ({ store, clock }) => {
    await failMany(store, 4);
    await start(store);
    await upkeep(store, { limit: 2 });
    await clock.advance(5);

    const result = await applyOne(store, { op: 'abort-operation', id: 'op-1' });

    assert.deepEqual(result, { op: 'abort-operation', outcome: 'ok' });
    const record = await only(store);
    assert.deepEqual([record.state, record.done, record.finishedAt], ['aborted', 2, clock.now()]);
    assert.equal((await upkeep(store)).operated, 0);
    assert.deepEqual(await countsOf(store), { waiting: 2, failed: 2 });
  });

  guarantee('aborting what is done or unknown changes nothing', async ({ store }) => {
    assert.deepEqual(await applyOne(store, { op: 'abort-operation', id: 'none' }), {
      op: 'abort-operation',
      outcome: 'gone',
    });
    await start(store);
    await upkeep(store);

    await applyOne(store, { op: 'abort-operation', id: 'op-1' });

    assert.equal((await only(store)).state, 'done');
  });

  guarantee('starting an operation again with its id does not start another', async ({ store }) => {
    await failMany(store, 1);
    await start(store);
    await upkeep(store);
    await moveOk(store, { op: 'discard', job: at('job-0') });
    await failMany(store, 1);

    await start(store, { kind: 'discard' });
    await upkeep(store);

    assert.equal((await only(store)).kind, 'redrive');
    assert.equal(await stateOf(store, 'job-0'), 'failed');
  });

  guarantee('operations share the budget of upkeep, the oldest first', async ({ store, clock }) => {
    await failMany(store, 3, 'one');
    await failMany(store, 3, 'two');
    await start(store, { id: 'z-first', filter: { queues: ['one'] } });
    await clock.advance(1);
    await start(store, { id: 'a-second', filter: { queues: ['two'] } });

    assert.equal((await upkeep(store, { limit: 4 })).operated, 4);

    assert.deepEqual(
      (await store.operations()).map((each) => [each.id, each.done]),
      [
        ['z-first', 3],
        ['a-second', 1],
      ],
    );
  });

  guarantee('finished operations are forgotten after a week', async ({ store, clock }) => {
    await start(store);
    await upkeep(store);
    await clock.advance(7 * 86_400_000 - 1);
    await upkeep(store);
    assert.equal((await store.operations()).length, 1);
    await clock.advance(1);

    await upkeep(store);

    assert.deepEqual(await store.operations(), []);
  });

  guarantee(
    'an operation outlives the process that started it',
    async (scene) => {
      await failMany(scene.store, 3);
      await start(scene.store);
      await upkeep(scene.store, { limit: 1 });
      await scene.store.close();

      const store = await scene.reopen();
      await upkeep(store);

      assert.deepEqual([(await only(store)).done, (await only(store)).state], [3, 'done']);
    },
    'reopen',
  );

  guarantee('jobs of other queues are not touched by an operation', async ({ store }) => {
    await failMany(store, 1);
    await failMany(store, 1, 'other');
    await configure(store, { paused: true });
    await start(store);
    await upkeep(store);

    assert.deepEqual(
      [await countsOf(store), await countsOf(store, 'other')],
      [{ waiting: 1 }, { failed: 1 }],
    );
  });
};
