import { expect, test } from 'vitest';
import { seededRandom } from '../runtime/random.ts';
import type { ClaimAnswer, Claimed, CommitAnswer, Settlement } from '../store/store.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { ClaimLoop } from './claim-loop.ts';

const SLOTS = 200;

interface Call {
  readonly ends: readonly string[];
  readonly asked: number | null;
  /** Null: the store cannot be reached. */
  answer(isThere?: boolean): Promise<void>;
}

/** A loop whose store answers when the test says so. */
function world() {
  const clock = new FakeClock();
  const calls: Call[] = [];
  const held: string[] = [];
  let granted = 0;
  const grant = (limit: number): ClaimAnswer => ({
    ...{ claimId: 'c', nextDueInMs: null, paused: false },
    jobs: Array.from({ length: limit }, () => ({ lease: leaseOf(`${granted++}`) }) as Claimed),
  });
  const call = <T>(ends: readonly string[], limit: number | undefined, value: T): Promise<T> =>
    new Promise((resolve, reject) => {
      const answer = async (isThere = true): Promise<void> => {
        if (isThere) resolve(value);
        else reject(new Error('away'));
        await clock.advance(0);
      };
      calls.push({ ends, asked: limit ?? null, answer });
    });
  const store = {
    claim: ([request]: readonly { limit: number }[]) =>
      call([], request?.limit, [grant(request?.limit ?? 0)]),
    commit: (
      ends: readonly Settlement[],
      [request]: readonly { limit: number }[] = [],
    ): Promise<CommitAnswer> =>
      call(
        ends.map(({ lease }) => lease.id),
        request?.limit,
        {
          settled: ends.map(() => ({ outcome: 'ok', state: 'completed' })),
          claimed: request === undefined ? [] : [grant(request.limit)],
        },
      ),
  };
  const keeper = {
    ...{ gaps: 0, holds: () => true, isFresh: () => true, disowns: () => false },
    ...{ revive: async () => undefined, confirm: async () => ({ gaps: 0, tokens: new Set<number>() }) },
  };
  const loop = new ClaimLoop({
    ...{ store, keeper, clock, random: seededRandom(1), makeId: () => 'c', queue: 'q', worker: 'w' },
    ...{ limiter: null, slots: () => SLOTS, freeSlots: () => SLOTS - held.length },
    onClaimed: (claimed) => held.push(...claimed.map(({ lease }) => lease.id)),
    ...{ onShort: () => undefined, onTrip: () => undefined, onFault: () => undefined },
  });
  const end = async (count: number): Promise<void> => {
    for (const id of held.splice(0, count)) {
      loop.settle(
        { lease: leaseOf(id), next: { to: 'completed', result: null }, mode: 'lenient' },
        () => undefined,
      );
    }
    await clock.advance(0);
  };
  return { clock, calls, loop, end };
}

const leaseOf = (id: string) => ({ queue: 'q', id, token: Number(id) + 1 });

test('as many ends as a claim gives do not wait for the answer to the next, and none is sent twice', async () => {
  const it = world();
  it.loop.startClaiming();
  await it.calls[0]?.answer();
  expect(it.calls[1]).toMatchObject({ ends: [], asked: SLOTS / 2 });

  await it.end(80);
  expect(it.calls).toHaveLength(2);
  await it.end(20);
  expect(it.calls[2]).toMatchObject({ ends: { length: 100 }, asked: null });

  await it.calls[1]?.answer();
  await it.end(10);
  expect(it.calls).toHaveLength(4);
  await it.calls[3]?.answer();
  expect(it.calls[4]?.ends).toHaveLength(10);
  const sent = it.calls.flatMap(({ ends }) => ends);
  expect(new Set(sent).size).toBe(sent.length);
  for (const { answer } of it.calls) await answer();
  await it.loop.end();
});

test('many ends and the next claim are two calls, under way at once', async () => {
  const it = world();
  it.loop.startClaiming();
  await it.calls[0]?.answer();
  await it.end(40);

  await it.calls[1]?.answer();

  expect(it.calls[2]).toMatchObject({ ends: [], asked: 40 });
  expect(it.calls[3]).toMatchObject({ ends: { length: 40 }, asked: null });
  for (const { answer } of it.calls) await answer();
  await it.loop.end();
});

test('while the store takes no ends, their places are not given to other jobs', async () => {
  const it = world();
  const claims = () => it.calls.filter(({ asked }) => asked !== null);
  it.loop.startClaiming();

  for (let answered = 0; answered < claims().length && answered < 20; answered++) {
    await claims()[answered]?.answer();
    await it.end(SLOTS);
  }

  const gave = claims().reduce((sum, { asked }) => sum + (asked ?? 0), 0);
  const sent = it.calls.flatMap(({ ends }) => ends).length;
  expect({ gave, sent }).toEqual({ gave: sent + SLOTS, sent: SLOTS });
  for (const { answer } of it.calls) await answer();
  expect(it.calls.flatMap(({ ends }) => ends)).toHaveLength(gave);
  await it.loop.end();
});

test('few ends wait for the answer, and leave with the next claim', async () => {
  const it = world();
  it.loop.startClaiming();
  await it.calls[0]?.answer();

  await it.end(20);

  expect(it.calls).toHaveLength(2);
  await it.calls[1]?.answer();
  expect(it.calls[2]?.ends).toHaveLength(20);
  await it.calls[2]?.answer();
  await it.loop.end();
});

test('ends that did not get through by themselves are sent again, and are waited for at the end', async () => {
  const it = world();
  it.loop.startClaiming();
  await it.calls[0]?.answer();
  await it.end(100);

  await it.calls[2]?.answer(false);
  await it.calls[1]?.answer();
  await it.clock.advance('1s');

  expect(it.calls[2]?.ends).toHaveLength(100);
  expect(it.calls[4]?.ends.toSorted()).toEqual(it.calls[2]?.ends.toSorted());
  let isOver = false;
  const over = it.loop.end().then(() => {
    isOver = true;
  });
  await it.clock.advance(0);
  expect(isOver).toBe(false);
  for (const { answer } of it.calls) await answer();
  await over;
});
