import assert from 'node:assert/strict';
import type { Bytes } from '../../job/record.ts';
import type { Claimed, Store } from '../../store/store.ts';
import type { Topic } from './scene.ts';
import {
  addNamed,
  assertBytes,
  at,
  claim,
  configure,
  countsOf,
  FIRST_PAGE,
  idsOf,
  jobOf,
  LEASE_MS,
  moveOk,
  session,
  settleOk,
  upkeep,
  utf8,
} from './support.ts';

const MANY = 300;
const idOf = (place: number): string => `job-${String(place).padStart(3, '0')}`;

/** Of some jobs none, of some a large one. */
function resultOf(place: number): Bytes | null {
  if (place % 3 === 0) return null;
  return utf8(JSON.stringify(`${place}`.repeat(place % 50 === 1 ? 2_000 : 1)));
}

/** Claimed by one worker, under its session or with leases of their own. */
async function claimMany(store: Store, leaseMs: number | null): Promise<readonly Claimed[]> {
  await addNamed(store, ...Array.from({ length: MANY }, (_, place) => idOf(place)));
  if (leaseMs === null) await store.beat([session({ id: 'w', ttlMs: LEASE_MS })]);
  return (await claim(store, { worker: 'w', limit: MANY, leaseMs })).jobs;
}

async function completeAll(store: Store, jobs: readonly Claimed[]): Promise<void> {
  const { settled } = await store.commit(
    jobs.map(({ lease }) => {
      const place = Number(lease.id.slice(-3));
      return {
        lease,
        mode: 'lenient',
        next: { to: 'completed', result: resultOf(place) },
        ...(place % 2 === 0 && { traceId: `trace-${place}` }),
      };
    }),
  );
  assert.ok(settled.every(({ outcome }) => outcome === 'ok'));
}

async function assertKept(store: Store, place: number): Promise<void> {
  const job = await jobOf(store, idOf(place));
  const expected = resultOf(place);
  assert.equal(job.state, 'completed');
  if (expected === null) assert.equal(job.result, null);
  else assertBytes(job.result, expected);
  const [attempt] = await store.attempts(at(idOf(place)));
  const traceId = place % 2 === 0 ? `trace-${place}` : null;
  assert.deepEqual([attempt?.outcome, attempt?.worker, attempt?.traceId], ['completed', 'w', traceId]);
  assert.equal(attempt?.token, job.token);
}

export const togetherCases: Topic = (guarantee) => {
  guarantee('jobs that are completed together keep what is their own', async ({ store }) => {
    const jobs = await claimMany(store, null);
    await completeAll(store, jobs.slice(0, 130));
    const rest = jobs.slice(130);
    await completeAll(store, [...rest.filter((_, n) => n % 2 === 0), ...rest.filter((_, n) => n % 2 === 1)]);

    for (const place of [0, 1, 2, 50, 51, 127, 128, 129, 130, 131, 132, 201, 251, MANY - 1])
      await assertKept(store, place);
    assert.deepEqual(await countsOf(store), { completed: MANY });
    assert.deepEqual(await store.verify(), []);
  });

  guarantee('those that were claimed one by one do so, too', async ({ store }) => {
    await completeAll(store, await claimMany(store, LEASE_MS));

    for (const place of [0, 1, 51, 128, MANY - 1]) await assertKept(store, place);
    assert.deepEqual(await store.verify(), []);
  });

  guarantee('one of them may move on without the others', async ({ store }) => {
    await completeAll(store, await claimMany(store, null));

    await moveOk(store, { op: 'redrive', job: at(idOf(17)), toQueue: null });
    await moveOk(store, { op: 'discard', job: at(idOf(18)) });

    await assertKept(store, 16);
    await assertKept(store, 19);
    assert.deepEqual(await countsOf(store), { completed: MANY - 2, waiting: 1 });
    const [again] = (await claim(store)).jobs;
    assert.ok(again !== undefined && again.lease.id === idOf(17));
    const job = await settleOk(store, again.lease, { to: 'completed', result: utf8('"again"') });
    assertBytes(job.result, '"again"');
    assert.equal((await store.attempts(at(idOf(17)))).length, 2);
    assert.deepEqual(await store.verify(), []);
  });

  guarantee('they are pruned one by one, the oldest first', async ({ store, clock }) => {
    await configure(store, { retention: { completed: { count: 100, ageMs: 60_000 } } });
    const jobs = await claimMany(store, null);
    await completeAll(store, jobs.slice(0, 150));
    await clock.advance(1_000);
    await completeAll(store, jobs.slice(150));

    assert.equal((await upkeep(store, { limit: 70 })).pruned, 70);
    assert.equal(await store.job(at(idOf(69))), null);
    await assertKept(store, 70);
    assert.equal((await upkeep(store, { limit: 1_000 })).pruned, MANY - 170);
    await assertKept(store, 200);
    assert.deepEqual(await countsOf(store), { completed: 100 });
    assert.deepEqual(await store.verify(), []);

    await clock.advance(60_000);
    await upkeep(store);
    assert.deepEqual(await countsOf(store), {});
    assert.deepEqual(await store.verify(), []);
  });

  guarantee('they are found page by page, in both orders', async ({ store }) => {
    const jobs = await claimMany(store, null);
    await completeAll(store, jobs.slice(0, 1));
    await completeAll(store, jobs.slice(1, 200));
    const expected = Array.from({ length: 200 }, (_, place) => idOf(place));

    for (const order of ['oldest', 'newest'] as const) {
      const found: string[] = [];
      for (let cursor = FIRST_PAGE.cursor; ; ) {
        const page = await store.find(
          { queues: ['orders'], states: ['completed'] },
          { cursor, limit: 30, order },
        );
        found.push(...idsOf(page));
        cursor = page.cursor;
        if (cursor === null) break;
      }
      assert.deepEqual(order === 'oldest' ? found : found.toReversed(), expected);
    }
  });
};
