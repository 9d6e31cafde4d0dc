import fc from 'fast-check';
import { expect, test } from 'vitest';
import { claimRequest, newJob, upkeep } from '../../testing/conformance/support.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import type { Effect, Next, Store } from '../store.ts';
import { add } from './add.ts';
import { claim } from './claim.ts';
import { bareMemoryStore } from './index.ts';
import { newState, type State } from './state.ts';
import { atomically } from './step.ts';
import { verify } from './verify.ts';

const QUEUES = ['a', 'b', 'c'];
const queue = fc.constantFrom(...QUEUES);
const job = fc.record({ queue, id: fc.constantFrom('1', '2', '3', '4') });
const error = { name: 'E', message: 'm', stack: null, code: null, fingerprint: 'f' };

const next = fc.constantFrom<Next>(
  { to: 'completed', result: null },
  { to: 'failed', error, cause: 'attempts-spent' },
  { to: 'retry', afterMs: 5, error },
  { to: 'released', afterMs: 0, why: '' },
  { to: 'cancelled', reason: 'r', cause: 'discarded' },
  { to: 'parked', wake: { afterMs: 5 } },
);

const addition = fc.record({ at: job, delayMs: fc.constantFrom(0, 5), lifo: fc.boolean(), letters: queue });
const effect = fc.oneof(
  addition.map(({ at, delayMs, lifo, letters }): Effect => {
    const policy = { deadLetterQueue: letters, ttlMs: 8, keepCompletedMs: delayMs };
    return { op: 'add', jobs: [newJob({ ...at, delayMs, lifo, policy })] };
  }),
  job.map((at): Effect => ({ op: 'cancel', job: at, reason: 'r' })),
  fc.tuple(job, queue).map(([at, toQueue]): Effect => ({ op: 'redrive', job: at, toQueue })),
  job.map((at): Effect => ({ op: 'discard', job: at })),
  job.map((at): Effect => ({ op: 'promote', job: at })),
  job.map((at): Effect => ({ op: 'reschedule', job: at, delayMs: 3 })),
  job.map((at): Effect => ({ op: 'prioritize', job: at, priority: 1, lifo: true })),
  queue.map((name): Effect => ({ op: 'drain', queue: name, delayed: true, before: null })),
  queue.map((name): Effect => ({ op: 'obliterate', queue: name, force: true })),
);

const command = fc.oneof(
  { weight: 6, arbitrary: effect.map((one) => async (store: Store) => void (await store.apply([one]))) },
  {
    weight: 6,
    arbitrary: fc.tuple(queue, next).map(([name, end]) => async (store: Store) => {
      const [answer] = await store.claim([claimRequest({ queue: name, limit: 2, leaseMs: 3 })]);
      const [first] = answer?.jobs ?? [];
      if (first !== undefined) await store.commit([{ lease: first.lease, next: end, mode: 'lenient' }]);
    }),
  },
  {
    weight: 2,
    arbitrary: fc.constant(async (store: Store) => void (await upkeep(store, { reclaim: true }))),
  },
  { weight: 1, arbitrary: fc.constant(async (store: Store) => void (await store.endSession('worker-1'))) },
);

test('after any sequence of commands counts, totals and leases agree with the jobs', async () => {
  const commands = fc.array(fc.tuple(command, fc.integer({ min: 0, max: 4 })), { maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(commands, async (steps) => {
      const clock = new FakeClock();
      const store = bareMemoryStore({ clock });
      for (const [run, passedMs] of steps) {
        clock.shift(passedMs);
        await run(store);
        expect(await store.verify()).toEqual([]);
      }
    }),
    { numRuns: 60 },
  );
});

async function withActiveJob(): Promise<State> {
  const state = newState(new FakeClock());
  await atomically(state, (step) => add(step, [newJob({ queue: 'a', id: '1' })]));
  await atomically(state, (step) => claim(step, [claimRequest({ queue: 'a' })]));
  return state;
}

test('a wrong count, a lost lease and a lease too many are found', async () => {
  const damages: [(state: State) => void, RegExp][] = [
    [(state) => state.leased.clear(), /is active without a lease/],
    [
      (state) => state.leased.set(9, { ...[...state.leased.values()][0] } as never),
      /has a lease and is not active/,
    ],
    [
      (state) => Object.assign(state.queues.get('a')?.counts ?? {}, { waiting: 4 }),
      /counts 4 jobs as waiting and has 0/,
    ],
    [
      (state) => Object.assign(state.queues.get('a')?.totals ?? {}, { removed: 1 }),
      /has 1 jobs, but added 1 and removed 1/,
    ],
  ];
  for (const [damage, message] of damages) {
    const state = await withActiveJob();
    expect(verify(state)).toEqual([]);

    damage(state);

    expect(verify(state).map((finding) => finding.message)).toEqual([expect.stringMatching(message)]);
  }
});
