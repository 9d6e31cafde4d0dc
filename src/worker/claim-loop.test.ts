import { expect, test } from 'vitest';
import { ClosedError, LimitExceededError, StoreUnavailableError } from '../errors.ts';
import { DEFAULTS as JOB } from '../job/options.ts';
import { sleep } from '../runtime/clock.ts';
import { seededRandom } from '../runtime/random.ts';
import { memoryStore } from '../store/memory/index.ts';
import type { Claimed, ClaimRequest, Settlement, Store } from '../store/store.ts';
import { session } from '../testing/conformance/support.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { ClaimLoop, type ClaimLoopOptions, type Trip } from './claim-loop.ts';
import type { Settled } from './outbox.ts';

const LEASE_MS = 30_000;
const PAGE = { cursor: null, limit: 10, order: 'oldest' } as const;

interface Call {
  readonly settled: readonly string[];
  readonly claims: readonly ClaimRequest[];
}

interface World {
  readonly clock: FakeClock;
  readonly store: Store;
  readonly loop: ClaimLoop;
  readonly calls: Call[];
  /** Held now, by id. */
  readonly held: Map<string, Claimed>;
  readonly errors: string[];
  readonly trips: Trip[];
  /** Leases that the loop was not sure of, by the ids of their jobs. */
  readonly confirmed: string[][];
  isHeld: boolean;
  gaps: number;
  slots: number;
  shorts: number;
  /** What happens to the next calls, before or after the store has done them. */
  before: (settlements: readonly Settlement[]) => void;
  after: () => void;
  /** How long the answer to a claim is on the way. */
  answerAfterMs: number;
  add(...ids: string[]): Promise<unknown>;
  complete(...ids: string[]): Promise<Settled[]>;
}

function world(over: Partial<ClaimLoopOptions> = {}): World {
  const clock = new FakeClock();
  const memory = memoryStore({ clock });
  void memory.beat([session({ id: 'w', ttlMs: 3_600_000 })]);
  let made = 0;
  const calls: Call[] = [];
  const called = async <T>(
    settlements: readonly Settlement[],
    claims: readonly ClaimRequest[],
    go: () => Promise<T>,
  ) => {
    calls.push({ settled: settlements.map(({ lease }) => lease.id), claims });
    it.before(settlements);
    const answer = await go();
    it.after();
    return answer;
  };
  const store: Store = {
    ...memory,
    claim: async (claims) => {
      const answer = await called([], claims, () => memory.claim(claims));
      if (it.answerAfterMs > 0) await sleep(clock, it.answerAfterMs);
      return answer;
    },
    commit: (settlements, claims = []) =>
      called(settlements, claims, () => memory.commit(settlements, claims)),
  };
  const held = new Map<string, Claimed>();
  const loop = new ClaimLoop({
    ...{ store, clock, random: seededRandom(1), makeId: () => `id-${++made}`, queue: 'mail', worker: 'w' },
    ...{ keeper: keeperOf(() => it), limiter: null, slots: () => it.slots },
    freeSlots: () => it.slots - held.size,
    onClaimed: (claimed) => claimed.forEach((one) => void held.set(one.job.id, one)),
    onShort: () => it.shorts++,
    onTrip: (trip) => it.trips.push(trip),
    onFault: (error) => it.errors.push(error.message),
    ...over,
  });
  const it: World = {
    ...{ clock, store, loop, calls, held, errors: [], trips: [], slots: 1, shorts: 0 },
    ...{ confirmed: [], isHeld: true, gaps: 0, answerAfterMs: 0 },
    before: () => undefined,
    after: () => undefined,
    add: (...ids) => store.apply([{ op: 'add', jobs: ids.map((id) => newJob(id)) }]),
    complete: (...ids) => Promise.all(ids.map((id) => complete(it, id))),
  };
  return it;
}

/** Everything holds, as long as a test does not say otherwise. */
function keeperOf(it: () => World): ClaimLoopOptions['keeper'] {
  return {
    get gaps() {
      return it().gaps;
    },
    isFresh: (gaps) => gaps === it().gaps,
    holds: (token) => it().isHeld && token !== 0,
    ...{ disowns: () => false, revive: async () => undefined },
    confirm: async (leases) => {
      it().confirmed.push(leases.map(({ id }) => id));
      const results = await it().store.renew(leases, LEASE_MS);
      const tokens = leases.flatMap(({ token }, n) => (results[n]?.outcome === 'ok' ? [token] : []));
      return { gaps: it().gaps, tokens: new Set(tokens) };
    },
  };
}

const newJob = (id: string) => ({
  ...{ queue: 'mail', id, name: 'welcome', contentType: 'application/json', headers: {} },
  ...{ policy: JOB.policy, priority: 0, lifo: false, delayMs: 0, body: new TextEncoder().encode('{}') },
});

function complete({ held, loop }: World, id: string): Promise<Settled> {
  const lease = held.get(id)?.lease ?? { queue: 'mail', id, token: 0 };
  held.delete(id);
  const next = { to: 'completed', result: null } as const;
  return new Promise((resolve) => loop.settle({ lease, next, mode: 'strict' }, resolve));
}

const away = (): never => {
  throw new StoreUnavailableError('away');
};

test('one round trip settles what has ended and claims for the slots that came free', async () => {
  const it = world();
  it.slots = 3;
  await it.add('a', 'b', 'c', 'd', 'e', 'f');
  it.loop.startClaiming();
  await it.clock.advance(0);
  expect([...it.held.keys()]).toEqual(['a', 'b', 'c']);

  const settled = await it.complete('a', 'b');
  await it.clock.advance(0);

  expect(settled.map(({ outcome, state }) => [outcome, state])).toEqual([
    ['ok', 'completed'],
    ['ok', 'completed'],
  ]);
  expect(it.calls.map(({ settled, claims }) => [settled, claims.map(({ limit }) => limit)])).toEqual([
    [[], [3]],
    [['a', 'b'], [2]],
  ]);
  expect([...it.held.keys()]).toEqual(['c', 'd', 'e']);
  await it.loop.end();
});

test('what ends while a call is under way leaves together in the next one', async () => {
  const it = world();
  it.slots = 10;
  await it.add(...'abcdefghij');
  it.loop.startClaiming();
  await it.clock.advance(0);

  const settled = [...'abc'].map((id) => it.complete(id));
  await Promise.resolve();
  await Promise.resolve();
  settled.push(...[...'defgh'].map((id) => it.complete(id)));
  await Promise.all(settled);

  expect(it.calls.map(({ settled }) => settled.join(''))).toEqual(['', 'abc', 'defgh']);
  await it.loop.end();
});

test('an idle loop asks about every few seconds, and at once when it is woken', async () => {
  const it = world();
  it.loop.startClaiming();
  await it.clock.advance('100s');
  expect(it.calls.length).toBeGreaterThan(20);
  expect(it.calls.length).toBeLessThan(60);

  const before = it.calls.length;
  await it.add('a');
  it.loop.wake();
  it.loop.wake();
  await it.clock.advance(0);
  expect(it.held.has('a')).toBe(true);
  expect(it.calls.length - before).toBeLessThanOrEqual(2);

  await it.clock.advance('60s');
  expect(it.calls.length - before).toBeLessThanOrEqual(2);
  await it.loop.end();
});

test('an idle loop wakes when the next delayed job is due', async () => {
  const it = world();
  await it.store.apply([{ op: 'add', jobs: [{ ...newJob('later'), delayMs: 420 }] }]);
  it.loop.startClaiming();

  await it.clock.advance(419);
  expect(it.held.size).toBe(0);
  await it.clock.advance(1);

  expect(it.held.has('later')).toBe(true);
  expect(it.calls.length).toBe(2);
  await it.loop.end();
});

test('with all slots in use nothing is asked, hints or not', async () => {
  const it = world();
  await it.add('a', 'b');
  it.loop.startClaiming();
  await it.clock.advance(0);
  const before = it.calls.length;

  it.loop.wake();
  await it.clock.advance('60s');

  expect(it.calls.length).toBe(before);
  await it.loop.end();
});

test('a claim whose answer was lost is repeated as it was, and its leases confirmed before their jobs start', async () => {
  const it = world();
  it.slots = 2;
  await it.add('a', 'b', 'c', 'd');
  it.after = away;
  it.loop.startClaiming();
  await it.clock.advance(1);
  expect((await it.store.queues())[0]?.counts).toMatchObject({ active: 2 });

  it.after = () => undefined;
  await it.clock.advance('1s');

  expect([...it.held.keys()]).toEqual(['a', 'b']);
  expect(it.confirmed).toEqual([['a', 'b']]);
  expect(new Set(it.calls.map(({ claims }) => claims[0]?.claimId)).size).toBe(1);
  expect((await it.store.queues())[0]?.counts).toMatchObject({ active: 2, waiting: 2 });
  await it.loop.end();
});

test('when the store cannot confirm leases, their claim is repeated and nothing starts', async () => {
  const it = world();
  await it.add('a');
  const { renew } = it.store;
  it.after = () => {
    it.gaps += 1;
    it.after = () => undefined;
  };
  Object.assign(it.store, { renew: away });
  it.loop.startClaiming();
  await it.clock.advance('1s');
  expect([it.held.size, it.errors[0]]).toEqual([0, 'away']);
  Object.assign(it.store, { renew });
  await it.clock.advance('2s');
  expect((await it.store.job({ queue: 'mail', id: 'a' }))?.claims).toBe(1);
  await it.loop.end();
});

test('leases of a claim in whose time the session was over are confirmed before their jobs start', async () => {
  const it = world();
  it.slots = 2;
  await it.add('slow', 'lost');
  it.answerAfterMs = LEASE_MS / 2 + 1;
  it.loop.startClaiming();
  await it.clock.advance(LEASE_MS / 2);
  expect(it.held.size).toBe(0);
  it.gaps += 1;
  it.answerAfterMs = 0;
  // Who else took it does not matter: its token is over.
  const [lost] = (await it.store.find({ ids: ['lost'] }, PAGE)).jobs;
  const lease = { queue: 'mail', id: 'lost', token: lost?.token ?? 0 };
  await it.store.commit([{ lease, next: { to: 'released', afterMs: 60_000, why: '' }, mode: 'strict' }]);

  await it.clock.advance(1);

  expect([...it.held.keys()]).toEqual(['slow']);
  expect(it.confirmed).toEqual([['slow', 'lost']]);
  await it.loop.end();
});

test('leases that were taken back during the outage are not started', async () => {
  const it = world();
  await it.add('a');
  it.after = away;
  it.loop.startClaiming();
  await it.clock.advance(1);
  const again = { queue: 'mail', id: 'a', token: 1 };
  await it.store
    .commit([{ lease: again, next: { to: 'released', afterMs: 60_000, why: 'x' }, mode: 'strict' }])
    .catch(() => undefined);

  it.after = () => undefined;
  await it.clock.advance('10s');

  expect(it.held.size).toBe(0);
  await it.loop.end();
});

test('ends of attempts are sent again until the store has them, and are stored once', async () => {
  const it = world();
  await it.add('a');
  it.loop.startClaiming();
  await it.clock.advance(0);
  it.after = away;
  const settled = it.complete('a');
  await it.clock.advance('3s');

  it.after = () => undefined;
  await it.clock.advance('6s');

  expect(await settled).toEqual([{ outcome: 'ok', state: 'completed', refusal: null }]);
  expect(await it.store.attempts({ queue: 'mail', id: 'a' })).toHaveLength(1);
  await it.loop.end();
});

test('an end whose lease can no longer be held is given up', async () => {
  const it = world();
  await it.add('a');
  it.loop.startClaiming();
  await it.clock.advance(0);
  it.before = away;
  const settled = it.complete('a');
  await it.clock.advance('3s');

  it.isHeld = false;
  await it.clock.advance('10s');

  expect(await settled).toEqual([{ outcome: 'unknown', state: null, refusal: null }]);
  await it.loop.end();
});

test('while the store is away it is asked ever more rarely', async () => {
  const it = world();
  it.before = away;
  it.loop.startClaiming();

  await it.clock.advance('60s');
  expect(it.calls.length).toBeGreaterThan(10);
  expect(it.calls.length).toBeLessThan(35);

  it.before = () => undefined;
  await it.add('a');
  await it.clock.advance('5s');
  expect(it.held.has('a')).toBe(true);
  await it.loop.end();
});

test('one settlement that the store refuses does not hold up the others, and fails its job', async () => {
  const it = world();
  it.slots = 4;
  await it.add('first', 'a', 'bad', 'b');
  it.loop.startClaiming();
  await it.clock.advance(0);
  it.before = (settlements) => {
    if (settlements.some(({ lease, next }) => lease.id === 'bad' && next.to === 'completed')) {
      throw new LimitExceededError('too much');
    }
  };

  const settled = await it.complete('first', 'a', 'bad', 'b');
  await it.clock.advance(0);

  expect(settled.map(({ state }) => state)).toEqual(['completed', 'completed', 'failed', 'completed']);
  expect(settled[2]?.refusal).toBeInstanceOf(LimitExceededError);
  expect(await it.store.job({ queue: 'mail', id: 'bad' })).toMatchObject({
    state: 'failed',
    cause: 'invalid-payload',
    error: { name: 'LimitExceededError' },
  });
  expect(it.errors).toEqual([]);
  await it.loop.end();
});

test('a store that was closed ends the loop', async () => {
  const it = world();
  await it.add('a');
  it.loop.startClaiming();
  await it.clock.advance(0);
  it.before = () => {
    throw new ClosedError('the store');
  };

  const settled = await it.complete('a');
  await it.clock.advance('60s');

  expect(settled).toEqual([{ outcome: 'unknown', state: null, refusal: null }]);
  expect(it.calls.length).toBe(2);
  expect(it.clock.timers).toBe(0);
});

test('after stopClaiming ends still go out, after end nothing does', async () => {
  const it = world();
  it.slots = 2;
  await it.add('a', 'b', 'c');
  it.loop.startClaiming();
  await it.clock.advance(0);
  it.loop.stopClaiming();

  expect(await it.complete('a')).toMatchObject([{ outcome: 'ok' }]);
  expect(it.calls.at(-1)?.claims).toEqual([]);
  await it.loop.end();

  expect(await it.complete('b')).toMatchObject([{ outcome: 'unknown' }]);
  expect(it.calls.length).toBe(2);
  expect(it.clock.timers).toBe(0);
});
