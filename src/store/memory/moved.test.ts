import { expect, test } from 'vitest';
import { add, at, claimOne, failed, jobOf, moveOk, settle } from '../../testing/conformance/support.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { memoryStore } from './index.ts';

test('of several jobs that moved on from one place, the one that moved last is found there', async () => {
  const clock = new FakeClock();
  const store = memoryStore({ clock });
  for (const target of ['first', 'second', 'third']) {
    await add(store, { id: 'a', policy: { deadLetterQueue: target } });
    await settle(store, (await claimOne(store)).lease, failed(target));
    await clock.advance(1);
  }
  expect((await jobOf(store, 'a')).queue).toBe('third');

  await moveOk(store, { op: 'progress', job: at('a', 'first'), value: new Uint8Array([1]) });
  expect((await jobOf(store, 'a')).queue).toBe('third');

  await moveOk(store, { op: 'discard', job: at('a', 'third') });
  expect((await jobOf(store, 'a')).queue).toBe('second');
});

test('a job that moved twice is found where it was last, not where it began', async () => {
  const store = memoryStore({ clock: new FakeClock() });
  await add(store, { id: 'a', queue: 'one', policy: { deadLetterQueue: 'two' } });
  const { lease } = await claimOne(store, { queue: 'one' });
  await settle(store, lease, failed());
  await moveOk(store, { op: 'redrive', job: at('a', 'two'), toQueue: 'three' });

  expect((await jobOf(store, 'a', 'two')).queue).toBe('three');
  expect(await store.job(at('a', 'one'))).toBe(null);
});
