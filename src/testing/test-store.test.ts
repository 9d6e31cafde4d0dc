import { AssertionError } from 'node:assert';
import { expect, test } from 'vitest';
import type { NewJob } from '../store/store.ts';
import { type TestStore, testStore } from './test-store.ts';

function job(id: string, data: unknown, over: Partial<NewJob> = {}): NewJob {
  return {
    queue: 'mails',
    id,
    name: 'welcome',
    body: new TextEncoder().encode(JSON.stringify(data)),
    contentType: 'application/json',
    headers: {},
    policy: {
      attempts: 3,
      backoff: null,
      retryForMs: null,
      timeoutMs: null,
      ttlMs: null,
      deadLetterQueue: null,
      keepCompletedMs: null,
      keepFailedMs: null,
    },
    priority: 0,
    lifo: false,
    delayMs: 0,
    ...over,
  };
}

async function add(t: TestStore, ...jobs: NewJob[]): Promise<void> {
  await t.store.apply([{ op: 'add', jobs }]);
}

async function workOne(t: TestStore): Promise<void> {
  const [answer] = await t.store.claim([
    { claimId: `claim-${t.random.fraction()}`, queue: 'mails', limit: 1, worker: 'w', leaseMs: 1_000 },
  ]);
  const lease = answer?.jobs[0]?.lease;
  if (lease === undefined) return;
  await t.store.commit([{ lease, mode: 'strict', next: { to: 'completed', result: null } }]);
}

test('expectAdded answers the job whose data holds the expected part', async () => {
  const t = testStore();
  await add(t, job('1', { to: 'ada', tags: [{ a: 1, b: 2 }] }), job('2', { to: 'bob', extra: true }));

  expect((await t.expectAdded('mails', 'welcome', { to: 'bob' })).id).toBe('2');
  expect((await t.expectAdded('mails', 'welcome', { tags: [{ b: 2 }] })).id).toBe('1');
  expect((await t.expectAdded('mails', 'welcome')).data).toEqual({ to: 'ada', tags: [{ a: 1, b: 2 }] });
});

test('expectAdded that fails names what is there instead', async () => {
  const t = testStore();
  await add(t, job('1', { to: 'ada', tags: [1] }));

  const wrong = t.expectAdded('mails', 'welcome', { to: 'eve' });
  await expect(wrong).rejects.toThrow(AssertionError);
  await expect(wrong).rejects.toThrow(
    `expected queue "mails" to have a job "welcome" with { to: 'eve' }; it has:\n  welcome { to: 'ada', tags: [ 1 ] } (waiting)`,
  );
  await expect(t.expectAdded('mails', 'welcome', { tags: [] })).rejects.toThrow('it has:');
  await expect(t.expectAdded('mails', 'goodbye')).rejects.toThrow('"goodbye"; it has:');
  await expect(t.expectAdded('other', 'welcome')).rejects.toThrow('it has no jobs');
});

test('expectState that fails tells the state, and why the job is in it', async () => {
  const t = testStore();
  await add(t, job('1', {}));
  await t.store.apply([{ op: 'cancel', job: { queue: 'mails', id: '1' }, reason: 'too late' }]);

  expect((await t.expectState('mails', '1', 'cancelled')).cause).toBe('cancelled');
  await expect(t.expectState('mails', '1', 'completed')).rejects.toThrow(
    'expected job "1" of queue "mails" to be completed; it is cancelled (cancelled), asked to stop: too late',
  );
  await expect(t.expectState('mails', '2', 'waiting')).rejects.toThrow('there is no such job');
});

test('runUntilIdle waits for work that goes on, and leaves what is delayed or paused', async () => {
  const t = testStore();
  await add(
    t,
    job('1', {}),
    job('2', {}),
    job('3', {}, { delayMs: 60_000 }),
    job('4', {}, { queue: 'paused' }),
  );
  await t.store.apply([{ op: 'configure', queue: 'paused', patch: { paused: true } }]);
  const before = t.clock.now();

  const working = workOne(t).then(() => workOne(t));
  await t.runUntilIdle();
  await working;

  await t.expectState('mails', '2', 'completed');
  await t.expectState('mails', '3', 'delayed');
  await t.expectState('paused', '4', 'waiting');
  expect(t.clock.now()).toBe(before);
});

test('runUntilIdle that does not get there names what is open', async () => {
  const t = testStore();
  await add(t, job('1', {}), job('2', {}, { delayMs: 60_000 }));
  await t.store.claim([{ claimId: 'c', queue: 'mails', limit: 1, worker: 'w', leaseMs: 3_600_000 }]);
  await t.clock.advance('1m');

  const idle = t.runUntilIdle({ timeoutMs: 5 });

  await expect(idle).rejects.toThrow(AssertionError);
  await expect(idle).rejects.toThrow(
    'not idle after 5 ms:\n  queue "mails": 1 active, a delayed job that is due\n',
  );
});

test('two passes of upkeep take back a job whose worker is gone', async () => {
  const t = testStore();
  await add(t, job('1', {}));
  await t.store.claim([{ claimId: 'c', queue: 'mails', limit: 1, worker: 'w', leaseMs: 1_000 }]);
  await t.advance('1s');

  expect((await t.upkeep({ reclaim: true })).reclaimed).toEqual([]);
  expect((await t.upkeep({ reclaim: true })).reclaimed).toHaveLength(1);
  await t.expectState('mails', '1', 'waiting');
});

test('the same seed draws the same numbers', () => {
  const drawn = (seed?: number): number => testStore(seed === undefined ? {} : { seed }).random.fraction();
  expect(drawn()).toBe(drawn(1));
  expect(drawn(2)).not.toBe(drawn(3));
});
