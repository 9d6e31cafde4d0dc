import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { InvalidOptionError, StoreFullError, StoreUnavailableError } from '../errors.ts';
import { MAX_BATCH_BYTES, MAX_BATCH_JOBS } from '../job/limits.ts';
import { DEFAULTS } from '../job/options.ts';
import { uuid7 } from '../runtime/ids.ts';
import { seededRandom } from '../runtime/random.ts';
import { settle } from '../runtime/settle.ts';
import type { ApplyOptions, Effect, EffectResult, NewJob } from '../store/store.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { Batcher } from './batcher.ts';

const CAN = { transactions: false, shared: true, searchBodies: true };

interface Flight {
  readonly effects: readonly Effect[];
  readonly requestId: string | undefined;
  land(): Promise<void>;
  fail(error: unknown): Promise<void>;
}

/** A store whose answers are let go by hand. */
function heldStore(ordered = false): {
  readonly flights: Flight[];
  readonly batcher: Batcher;
  readonly clock: FakeClock;
} {
  const clock = new FakeClock();
  const random = seededRandom(7);
  const flights: Flight[] = [];
  const apply = (effects: readonly Effect[], options?: ApplyOptions): Promise<EffectResult[]> =>
    new Promise((resolve, reject) => {
      flights.push({
        effects,
        requestId: options?.requestId,
        land: async () => {
          resolve(effects.map(answerTo));
          await settle();
        },
        fail: async (error) => {
          reject(error);
          await settle();
        },
      });
    });
  const batcher = new Batcher({
    store: { apply, can: { ...CAN, ordered } },
    clock,
    random,
    makeId: uuid7(clock, random),
  });
  return { flights, batcher, clock };
}

/** Each job is answered with its own id, so that a mix-up shows. */
function answerTo(effect: Effect): EffectResult {
  if (effect.op === 'add')
    return { op: 'add', jobs: effect.jobs.map(({ id }) => ({ id, outcome: 'created' })) };
  if (effect.op === 'cancel') return { op: 'cancel', outcome: 'ok' };
  throw new Error(`not in these tests: ${effect.op}`);
}

function newJob(id: string, bytes = 4): NewJob {
  const { headers, policy, priority, lifo, delayMs } = DEFAULTS;
  const body = new Uint8Array(bytes);
  const contentType = 'application/json';
  return { queue: 'q', id, name: 'n', body, contentType, headers, policy, priority, lifo, delayMs };
}

const add = (...ids: string[]): Effect => ({ op: 'add', jobs: ids.map((id) => newJob(id)) });
const cancel = (id: string): Effect => ({ op: 'cancel', job: { queue: 'q', id }, reason: 'x' });

function idsOf(flight: Flight | undefined): string[] {
  return (flight?.effects ?? []).flatMap((effect) => {
    if (effect.op === 'add') return effect.jobs.map(({ id }) => id);
    return effect.op === 'cancel' ? [effect.job.id] : [];
  });
}

test('a call goes out at once when nothing is under way, before anybody yields', () => {
  const { flights, batcher } = heldStore();

  void batcher.send(add('a'));

  expect(flights.map(idsOf)).toEqual([['a']]);
});

test('what arrives while a call is under way waits for it and then leaves together, in order', async () => {
  const { flights, batcher } = heldStore();
  const calls = [add('a'), add('b'), cancel('c'), add('d', 'e')].map((effect) => batcher.send(effect));
  await settle();

  expect(flights).toHaveLength(1);
  await flights[0]?.land();
  expect(flights.map(idsOf)).toEqual([['a'], ['b', 'c', 'd', 'e']]);

  await flights[1]?.land();
  expect(await Promise.all(calls)).toEqual([
    { op: 'add', jobs: [{ id: 'a', outcome: 'created' }] },
    { op: 'add', jobs: [{ id: 'b', outcome: 'created' }] },
    { op: 'cancel', outcome: 'ok' },
    {
      op: 'add',
      jobs: [
        { id: 'd', outcome: 'created' },
        { id: 'e', outcome: 'created' },
      ],
    },
  ]);
});

test('no timer is ever set, however long a call takes', async () => {
  const { flights, batcher, clock } = heldStore();
  const calls = [batcher.send(add('a')), batcher.send(add('b'))];
  await clock.advance('1h');

  expect(clock.timers).toBe(0);
  expect(flights).toHaveLength(1);
  await flights[0]?.land();
  await flights[1]?.land();
  await Promise.all(calls);
  expect(clock.timers).toBe(0);
});

test('adds that follow one another become one effect, and each caller gets its own part of the answer', async () => {
  const { flights, batcher } = heldStore();
  const calls = [add('first'), add('a'), add('b', 'c'), add('d')].map((effect) => batcher.send(effect));
  await flights[0]?.land();

  expect(flights[1]?.effects).toHaveLength(1);
  await flights[1]?.land();
  const answers = await Promise.all(calls);
  expect(answers.map((answer) => answer.op === 'add' && answer.jobs.map(({ id }) => id))).toEqual([
    ['first'],
    ['a'],
    ['b', 'c'],
    ['d'],
  ]);
});

test('one call never carries more jobs or bytes than a store takes', async () => {
  const { flights, batcher } = heldStore();
  const many = Array.from({ length: MAX_BATCH_JOBS - 1 }, (_, index) => `m${index}`);
  const large: Effect = { op: 'add', jobs: [newJob('large', MAX_BATCH_BYTES)] };
  const effects = [add('first'), add(...many), add('x'), add('y'), large, add('z')];
  const calls = effects.map((effect) => batcher.send(effect));
  for (let landed = 0; landed < flights.length; landed++) await flights[landed]?.land();

  expect(flights.map((flight) => idsOf(flight).length)).toEqual([1, MAX_BATCH_JOBS, 1, 1, 1]);
  expect(idsOf(flights[3])).toEqual(['large']);
  await Promise.all(calls);
});

test('a batch whose outcome is unknown is repeated as it was, with the same request id', async () => {
  const { flights, batcher, clock } = heldStore();
  const calls = [batcher.send(add('a')), batcher.send(add('b')), batcher.send(add('c'))];
  await flights[0]?.land();
  await flights[1]?.fail(new StoreUnavailableError('gone'));

  expect(flights).toHaveLength(2);
  await clock.advance('1s');
  expect(flights).toHaveLength(3);
  expect(flights[2]?.requestId).toBe(flights[1]?.requestId);
  expect(flights[2]?.effects).toEqual(flights[1]?.effects);
  expect(flights[1]?.requestId).not.toBe(flights[0]?.requestId);

  await flights[2]?.land();
  await expect(Promise.all(calls)).resolves.toHaveLength(3);
});

test('a store that stays away is reported to everyone in the batch, and the next batch is tried again', async () => {
  const { flights, batcher, clock } = heldStore();
  const [first, second] = [batcher.send(add('a')), batcher.send(add('b'))];
  const refused = expect(first).rejects.toThrow(StoreUnavailableError);
  for (let tries = 0; tries < 6; tries++) {
    await flights[tries]?.fail(new StoreUnavailableError('gone'));
    await clock.advance('5s');
  }
  await refused;

  expect(flights.map(idsOf)).toEqual([...Array(6).fill(['a']), ['b']]);
  await flights[6]?.land();
  await expect(second).resolves.toMatchObject({ op: 'add' });
});

test('a refusal that is about the store meets everyone at once', async () => {
  const { flights, batcher } = heldStore();
  const calls = [batcher.send(add('a')), batcher.send(add('b')), batcher.send(add('c'))];
  const settled = Promise.allSettled(calls);
  await flights[0]?.land();
  await flights[1]?.fail(new StoreFullError('full'));

  expect((await settled).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
  expect(flights).toHaveLength(2);
});

test('calls made so far are waited for, later ones are not', async () => {
  const { flights, batcher } = heldStore();
  const told: string[] = [];
  void batcher.send(add('a'));
  void batcher.drained().then(() => told.push('drained'));
  const later = batcher.send(add('b'));
  await settle();

  expect(told).toEqual([]);
  await flights[0]?.land();
  expect(told).toEqual(['drained']);
  await flights[1]?.land();
  await later;
});

test('where the store keeps calls in turn, two batches of adds are under way, and share what waits', async () => {
  const { flights, batcher } = heldStore(true);
  const ids = Array.from({ length: 12 }, (_, index) => `j${index}`);
  const calls = ids.map((id) => batcher.send(add(id)));

  expect(flights.map(idsOf)).toEqual([['j0'], ['j1']]);
  await flights[0]?.land();
  expect(idsOf(flights[2])).toEqual(ids.slice(2, 8));
  await flights[1]?.land();
  expect(idsOf(flights[3])).toEqual(ids.slice(8));
  await flights[3]?.land();
  await flights[2]?.land();
  expect(flights.flatMap(idsOf)).toEqual(ids);
  const answers = await Promise.all(calls);
  expect(answers.flatMap((answer) => (answer.op === 'add' ? answer.jobs.map(({ id }) => id) : []))).toEqual(
    ids,
  );
});

test('what is no add waits until all adds before it are answered, and nothing leaves beside it', async () => {
  const { flights, batcher } = heldStore(true);
  const calls = [add('a'), add('b'), cancel('b'), add('c')].map((effect) => batcher.send(effect));

  expect(flights.map(idsOf)).toEqual([['a'], ['b']]);
  await flights[1]?.land();
  expect(flights).toHaveLength(2);
  await flights[0]?.land();
  expect(flights.map(idsOf).slice(2)).toEqual([['b']]);
  await flights[2]?.land();
  expect(flights.map(idsOf).slice(3)).toEqual([['c']]);
  await flights[3]?.land();
  await Promise.all(calls);
});

test('while a batch has to be repeated nothing more leaves', async () => {
  const { flights, batcher, clock } = heldStore(true);
  const calls = ['a', 'b', 'c'].map((id) => batcher.send(add(id)));
  await flights[0]?.fail(new StoreUnavailableError('gone'));
  await flights[1]?.land();

  expect(flights.map(idsOf)).toEqual([['a'], ['b']]);
  await clock.advance('1s');
  expect(flights.map(idsOf)).toEqual([['a'], ['b'], ['a']]);
  await flights[2]?.land();
  expect(flights.map(idsOf).slice(3)).toEqual([['c']]);
  await flights[3]?.land();
  await Promise.all(calls);
});

test('calls made so far are waited for in both lanes', async () => {
  const { flights, batcher } = heldStore(true);
  const calls = ['a', 'b'].map((id) => batcher.send(add(id)));
  const told: string[] = [];
  void batcher.drained().then(() => told.push('drained'));

  await flights[1]?.land();
  expect(told).toEqual([]);
  await flights[0]?.land();
  expect(told).toEqual(['drained']);
  await Promise.all(calls);
});

/** Refuses a whole batch when one of its jobs is bad, as a store's boundary does. */
async function sendAll(ids: readonly string[], isBad: (id: string) => boolean): Promise<string[]> {
  const { flights, batcher } = heldStore();
  const applied: string[] = [];
  const calls = ids.map((id) => batcher.send(add(id)));
  const settled = Promise.allSettled(calls);
  for (let at = 0; at < flights.length; at++) {
    const flight = flights[at];
    if (idsOf(flight).some(isBad)) await flight?.fail(new InvalidOptionError('the call', []));
    else {
      applied.push(...idsOf(flight));
      await flight?.land();
    }
  }
  const outcomes = await settled;
  expect(outcomes.map(({ status }) => status)).toEqual(
    ids.map((id) => (isBad(id) ? 'rejected' : 'fulfilled')),
  );
  return applied;
}

test('whatever calls are refused, the others are applied once each, in their order, and get their own answers', async () => {
  const marked = fc.array(fc.boolean(), { minLength: 1, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(marked, async (bad) => {
      const ids = bad.map((isBad, index) => `${isBad ? 'bad' : 'good'}-${index}`);
      const applied = await sendAll(ids, (id) => id.startsWith('bad'));
      expect(applied).toEqual(ids.filter((id) => id.startsWith('good')));
    }),
    { numRuns: 30 },
  );
});
