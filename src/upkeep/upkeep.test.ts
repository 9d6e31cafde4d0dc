import { expect, test } from 'vitest';
import { StoreUnavailableError } from '../errors.ts';
import { DEFAULTS as JOB } from '../job/options.ts';
import { seededRandom } from '../runtime/random.ts';
import { memoryStore } from '../store/memory/index.ts';
import type { Store, UpkeepBudget, UpkeepReport } from '../store/store.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { joinUpkeep, type UpkeepMember } from './shared.ts';
import { Upkeep, type UpkeepOptions } from './upkeep.ts';

const LEASE_MS = 10_000;
const EVERY_MS = 5_000;

interface World {
  readonly clock: FakeClock;
  readonly store: Store;
  /** Budgets of all calls, in order, by any holder. */
  readonly calls: (UpkeepBudget & { readonly atMs: number })[];
  upkeep(holder: string, over?: Partial<UpkeepOptions>): Upkeep;
}

function world(): World {
  const clock = new FakeClock();
  const memory = memoryStore({ clock });
  const calls: World['calls'] = [];
  const store: Store = {
    ...memory,
    upkeep: (budget) => {
      calls.push({ ...budget, atMs: clock.monotonic() });
      return memory.upkeep(budget);
    },
  };
  const upkeep: World['upkeep'] = (holder, over) =>
    new Upkeep({ store, clock, random: seededRandom(1), holder, reclaimEveryMs: EVERY_MS, ...over });
  return { clock, store, calls, upkeep };
}

async function add(store: Store, id: string, over: { delayMs?: number; ttlMs?: number } = {}): Promise<void> {
  const policy = { ...JOB.policy, ttlMs: over.ttlMs ?? null };
  const body = new TextEncoder().encode('{}');
  const job = { queue: 'mail', id, name: 'welcome', body, contentType: 'application/json', headers: {} };
  await store.apply([
    { op: 'add', jobs: [{ ...job, policy, priority: 0, lifo: false, delayMs: over.delayMs ?? 0 }] },
  ]);
}

let id = 0;

async function claim(store: Store): Promise<string[]> {
  const request = { claimId: `c-${id++}`, queue: 'mail', limit: 10, worker: 'w', leaseMs: LEASE_MS };
  const [answer] = await store.claim([request]);
  return (answer?.jobs ?? []).map(({ job }) => job.id);
}

const stateOf = async (store: Store, id: string): Promise<string | undefined> =>
  (await store.job({ queue: 'mail', id }))?.state;

/** Runs it until the test ends it. */
function start(upkeep: Upkeep): () => Promise<void> {
  const stop = new AbortController();
  const ended = upkeep.run(stop.signal);
  return () => {
    stop.abort();
    return ended;
  };
}

test('of two upkeeps one leads, and the other does nothing', async () => {
  const { upkeep } = world();
  const [first, second] = [upkeep('first'), upkeep('second')];

  expect((await first.runOnce()).led).toBe(true);
  expect((await second.runOnce()).led).toBe(false);
  expect((await first.runOnce()).led).toBe(true);
});

test('when the leader dies, the other takes over after the lease of the leader', async () => {
  const { clock, store, upkeep } = world();
  await add(store, 'due', { delayMs: 1_000 });
  await upkeep('dies').runOnce();
  const reports: UpkeepReport[] = [];
  const stop = start(upkeep('lives', { onReport: (report) => reports.push(report) }));

  await clock.advance(9_000);
  expect(await stateOf(store, 'due')).toBe('delayed');
  await clock.advance(2_000);

  expect(await stateOf(store, 'due')).toBe('waiting');
  expect(reports.some((report) => report.promoted === 1)).toBe(true);
  await stop();
});

test('a lost lease is taken back on the second look, and the looks are kept apart', async () => {
  const { clock, store, calls, upkeep } = world();
  await add(store, 'lost');
  await claim(store);
  const reclaimed: string[] = [];
  const stop = start(
    upkeep('u', { onReport: (report) => reclaimed.push(...report.reclaimed.map(({ id }) => id)) }),
  );

  await clock.advance(LEASE_MS + 2 * EVERY_MS + 1_000);

  const looks = calls.filter((call) => call.reclaim).map((call) => call.atMs);
  expect(looks.length).toBeGreaterThanOrEqual(3);
  expect(looks[0]).toBeGreaterThanOrEqual(EVERY_MS);
  for (const [index, atMs] of looks.entries()) {
    if (index > 0) expect(atMs - (looks[index - 1] ?? 0)).toBeGreaterThanOrEqual(EVERY_MS);
  }
  expect(reclaimed).toEqual(['lost']);
  expect(await store.job({ queue: 'mail', id: 'lost' })).toMatchObject({ state: 'waiting', crashes: 1 });
  await stop();
});

test('one jump of the wall clock takes no lease that is renewed', async () => {
  const { clock, store, upkeep } = world();
  await add(store, 'held');
  const [answer] = await store.claim([
    { claimId: 'c', queue: 'mail', limit: 1, worker: 'w', leaseMs: LEASE_MS },
  ]);
  const leases = (answer?.jobs ?? []).map(({ lease }) => lease);
  const stop = start(upkeep('u'));

  clock.shift(86_400_000);
  for (let round = 0; round < 12; round++) {
    await clock.advance(LEASE_MS / 3);
    await store.renew(leases, LEASE_MS);
  }

  expect(await store.job({ queue: 'mail', id: 'held' })).toMatchObject({ state: 'active', crashes: 0 });
  await stop();
});

test('after a look whose answer was lost the next one keeps its distance all the same', async () => {
  const { clock, store, calls, upkeep } = world();
  await add(store, 'held');
  await claim(store);
  let lost = 0;
  const flaky: Pick<Store, 'upkeep'> = {
    upkeep: async (budget) => {
      const report = await store.upkeep(budget);
      if (!budget.reclaim || lost++ > 0) return report;
      throw new StoreUnavailableError('the answer was lost');
    },
  };
  const stop = start(upkeep('u', { store: flaky }));
  await clock.advance(EVERY_MS - 1);
  clock.shift(LEASE_MS);

  await clock.advance(EVERY_MS);
  expect(await stateOf(store, 'held')).toBe('active');
  await clock.advance(1_000);

  expect(await stateOf(store, 'held')).toBe('waiting');
  expect(calls.filter(({ reclaim }) => reclaim)).toHaveLength(2);
  await stop();
});

test('a new leader does not look before an interval is over, because the old one may just have looked', async () => {
  const { clock, store, calls, upkeep } = world();
  await add(store, 'held');
  await claim(store);
  const old = upkeep('old', { leaderLeaseMs: 1 });
  await old.runOnce();
  await clock.advance(LEASE_MS);
  await old.runOnce();
  expect(calls.at(-1)?.reclaim).toBe(true);
  await clock.advance(1);

  const stop = start(upkeep('new'));
  await clock.advance(EVERY_MS - 2);
  expect(await stateOf(store, 'held')).toBe('active');
  await clock.advance(2);

  expect(await stateOf(store, 'held')).toBe('waiting');
  await stop();
});

test('it wakes when something is due, and otherwise about every second', async () => {
  const { clock, store, calls, upkeep } = world();
  await add(store, 'due', { delayMs: 400 });
  await add(store, 'late', { ttlMs: 700 });
  const stop = start(upkeep('u'));

  await clock.advance(400);
  expect(await stateOf(store, 'due')).toBe('waiting');
  await clock.advance(300);
  expect(await stateOf(store, 'late')).toBe('cancelled');

  const before = calls.length;
  await clock.advance(100_000);
  expect(calls.length - before).toBeGreaterThan(90);
  expect(calls.length - before).toBeLessThan(130);
  await stop();
});

test('a budget that is used up is followed by the next pass at once', async () => {
  const { clock, store, calls, upkeep } = world();
  for (const id of ['a', 'b', 'c', 'd', 'e']) await add(store, id, { delayMs: 10 });
  await clock.advance(10);
  const stop = start(upkeep('u', { limit: 2 }));

  await clock.advance(0);

  expect(calls.length).toBe(3);
  expect(await stateOf(store, 'e')).toBe('waiting');
  await stop();
});

test('while the store is away it is asked ever more rarely, which is told once', async () => {
  const { clock, store, upkeep } = world();
  const news: string[] = [];
  let calls = 0;
  let away = true;
  const flaky: Pick<Store, 'upkeep'> = {
    upkeep: (budget) => {
      calls++;
      return away ? Promise.reject(new StoreUnavailableError('gone fishing')) : store.upkeep(budget);
    },
  };
  const onError = (error: Error): number => news.push(error.message);
  const stop = start(upkeep('u', { store: flaky, onError, onWorked: () => news.push('worked') }));

  await clock.advance(60_000);
  expect(news).toEqual(['gone fishing']);
  expect(calls).toBeLessThan(30);

  away = false;
  await clock.advance(20_000);
  away = true;
  await clock.advance(60_000);
  expect(news.filter((one) => one === 'worked').length).toBeGreaterThan(8);
  expect(news.filter((one) => one === 'gone fishing').length).toBe(2);
  await stop();
});

test('run ends when its signal aborts and leaves no timer', async () => {
  const { clock, upkeep } = world();
  const stop = start(upkeep('u'));
  await clock.advance(3_000);

  await stop();

  expect(clock.timers).toBe(0);
});

const NOBODY = { onReclaimed: () => undefined, onWorked: () => undefined, onError: () => undefined };

function member(over: Partial<UpkeepMember> = {}): UpkeepMember {
  return { reclaimEveryMs: EVERY_MS, ...NOBODY, ...over };
}

test('the workers of one process share one upkeep, which ends with the last of them', async () => {
  const { clock, store, calls } = world();
  const host = { store, clock, random: seededRandom(1), session: 'me' };
  const leaves = [joinUpkeep(host, member()), joinUpkeep(host, member())];

  await clock.advance(10_000);
  const passes = calls.length;
  expect(passes).toBeLessThan(15);
  await leaves[0]?.();
  await clock.advance(5_000);
  expect(calls.length).toBeGreaterThan(passes);

  await leaves[1]?.();
  await leaves[1]?.();
  const ended = calls.length;
  await clock.advance(5_000);
  expect(calls.length).toBe(ended);
  expect(clock.timers).toBe(0);
});

test('it starts again for a worker that comes after the last one left', async () => {
  const { clock, store, calls } = world();
  const host = { store, clock, random: seededRandom(1), session: 'me' };
  await joinUpkeep(host, member())();
  const before = calls.length;

  const leave = joinUpkeep(host, member());
  await clock.advance(2_000);

  expect(calls.length).toBeGreaterThan(before);
  await leave();
});

test('every worker is told what was taken back, at the pace of the shortest lease', async () => {
  const { clock, store } = world();
  await add(store, 'lost');
  await claim(store);
  const host = { store, clock, random: seededRandom(1), session: 'me' };
  const told: string[] = [];
  const leaves = [
    joinUpkeep(host, member({ reclaimEveryMs: 60_000, onReclaimed: ({ id }) => told.push(`a:${id}`) })),
    joinUpkeep(host, member({ reclaimEveryMs: 1_000, onReclaimed: ({ id }) => told.push(`b:${id}`) })),
  ];

  await clock.advance(LEASE_MS + 4_000);

  expect(told).toEqual(['a:lost', 'b:lost']);
  await Promise.all(leaves.map((leave) => leave()));
});
