import { expect, test } from 'vitest';
import { addNamed, applyOne, countsOf, upkeep } from '../../testing/conformance/support.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import type { NewOperation, Store } from '../store.ts';
import { memoryStore } from './index.ts';

async function start(store: Store, over: Partial<NewOperation> = {}): Promise<void> {
  const operation: NewOperation = {
    id: 'op',
    kind: 'cancel',
    filter: {},
    toQueue: null,
    ratePerSecond: null,
    reason: 'moved house',
    ...over,
  };
  await applyOne(store, { op: 'start-operation', operation });
}

test('all operations of one pass share its budget, the oldest first', async () => {
  const clock = new FakeClock();
  const store = memoryStore({ clock });
  await addNamed(store, 'a', 'b', 'c', 'd');
  await start(store, { id: 'z', filter: { ids: ['a', 'b', 'c'] } });
  await clock.advance(1);
  await start(store, { id: 'y', filter: { ids: ['d'] } });

  const first = await upkeep(store, { limit: 2 });
  const second = await upkeep(store, { limit: 2 });

  expect([first.operated, first.more, second.operated, second.more]).toEqual([2, true, 2, false]);
  const ended = await store.operations();
  expect(ended.map(({ id, state, done }) => [id, state, done])).toEqual([
    ['z', 'done', 3],
    ['y', 'done', 1],
  ]);
});

test('an operation at a rate asks to be called again in a while, not at once', async () => {
  const clock = new FakeClock();
  const store = memoryStore({ clock });
  await addNamed(store, 'a', 'b', 'c');
  await start(store, { ratePerSecond: 2 });

  const none = await upkeep(store);
  expect([none.operated, none.more, none.nextDueInMs]).toEqual([0, false, 1_000]);
  await clock.advance(1_000);
  const two = await upkeep(store);
  expect([two.operated, two.more, two.nextDueInMs]).toEqual([2, false, 1_000]);
  await clock.advance(500);
  const last = await upkeep(store);
  expect([last.operated, last.more, last.nextDueInMs]).toEqual([1, false, null]);
  expect(await countsOf(store)).toEqual({ cancelled: 3 });
});

test('a job that its own operation made wait again is not touched twice', async () => {
  const store = memoryStore({ clock: new FakeClock() });
  await addNamed(store, 'a', 'b');
  await start(store, { kind: 'redrive', filter: { states: ['waiting'] }, toQueue: 'elsewhere' });

  await upkeep(store, { limit: 1 });
  await upkeep(store);
  await upkeep(store);

  expect((await store.operations())[0]).toMatchObject({ state: 'done', done: 2, skipped: 0 });
  expect(await countsOf(store, 'elsewhere')).toEqual({ waiting: 2 });
});
