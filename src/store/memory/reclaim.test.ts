import { expect, test } from 'vitest';
import { add, claimOne, session, stateOf, upkeep } from '../../testing/conformance/support.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { memoryStore } from './index.ts';

test('two jumps of the clock that lie far apart take no lease of a live session', async () => {
  const clock = new FakeClock();
  const store = memoryStore({ clock });
  await store.beat([session({ ttlMs: 1_000 })]);
  await add(store, { id: 'a' });
  await claimOne(store, { leaseMs: null });

  for (let jump = 0; jump < 3; jump += 1) {
    clock.shift(1_000);
    expect((await upkeep(store, { reclaim: true })).reclaimed).toEqual([]);
    await store.beat([session({ ttlMs: 1_000 })]);
    expect((await upkeep(store, { reclaim: true })).reclaimed).toEqual([]);
  }

  expect(await stateOf(store, 'a')).toBe('active');
});
