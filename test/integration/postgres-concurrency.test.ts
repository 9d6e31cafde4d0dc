/** Many connections at once on one PostgreSQL store: nothing is given twice, nothing is lost, and nobody waits in a circle. */

import { postgresStore } from 'millrace/postgres';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Claimed, ClaimRequest, Effect, NewJob, Next, Store } from '../../src/store/store.ts';
import { dropSchemas, nextSchema, noPostgres, postgresUrl, testPool } from '../support/postgres.ts';
import { seeded } from '../support/seeded.ts';

const POLICY = {
  ...{ attempts: 3, backoff: null, retryForMs: null, timeoutMs: null, ttlMs: null, deadLetterQueue: null },
  ...{ keepCompletedMs: null, keepFailedMs: null },
};
const ERROR = { name: 'Error', message: 'broken', stack: null, code: null, fingerprint: 'f' };

const newJob = (id: string, over: Partial<NewJob> = {}): NewJob => ({
  ...{
    queue: 'q',
    id,
    name: 'mail',
    body: Buffer.from('{"n":1}'),
    contentType: 'application/json',
    headers: {},
  },
  ...{ policy: POLICY, priority: 0, lifo: false, delayMs: 0 },
  ...over,
});

const add = (ids: readonly string[]): Effect => ({ op: 'add', jobs: ids.map((id) => newJob(id)) });
const idsTo = (count: number): string[] => Array.from({ length: count }, (_, index) => `job-${index}`);
const session = (id: string) => ({
  ...{ id, ttlMs: 600_000, host: 'mill', pid: 1, version: '1', queues: [], lagMs: 0 },
});

let claims = 0;
function claimOf(worker: string, over: Partial<ClaimRequest> = {}): ClaimRequest {
  claims += 1;
  return { claimId: `c-${claims}`, queue: 'q', limit: 7, worker, leaseMs: null, quarantine: true, ...over };
}

describe.skipIf(noPostgres)('many connections at once', () => {
  let pool: pg.Pool;
  let schema: string;
  let stores: Store[];

  beforeAll(() => {
    pool = testPool();
  });

  beforeEach(() => {
    schema = nextSchema();
    stores = [];
  });

  afterEach(async () => {
    await Promise.all(stores.map((store) => store.close()));
    await dropSchemas(pool, [schema]);
  });

  afterAll(() => pool.end());

  /** As many processes have them: each with connections and a memory of its own. */
  async function open(count: number, poolSize = 2): Promise<Store[]> {
    stores = Array.from({ length: count }, () =>
      postgresStore({ connectionString: postgresUrl(), schema, poolSize }),
    );
    await Promise.all(stores.map((store, index) => store.beat([session(`w${index}`)])));
    return stores;
  }

  const deadlocks = async (): Promise<number> => {
    await pool.query('select pg_stat_clear_snapshot()');
    const { rows } = await pool.query(
      'select deadlocks::int from pg_stat_database where datname = current_database()',
    );
    return rows[0].deadlocks;
  };

  it('are counted, although what they wrote is committed long after upkeep has added up the rest', async () => {
    const [store] = await open(1);
    if (store === undefined) throw new Error('there is no store');
    const upkeep = () => store.upkeep({ holder: 'u', leaderLeaseMs: 60_000, limit: 100, reclaim: true });
    await store.apply([add(['first'])]);
    const late = await pool.connect();
    try {
      await late.query('begin');
      await late.query(`insert into "${schema}".delta (minute, queue_id, waiting) values (0, 1, 40)`);
      for (let round = 0; round < 3; round += 1) {
        await store.apply([add([`beside-${round}`])]);
        await upkeep();
      }
      await late.query('commit');
    } finally {
      late.release();
    }
    await upkeep();
    const { rows } = await pool.query(`select waiting::int from "${schema}".tally`);
    const { rows: left } = await pool.query(`select count(*)::int as many from "${schema}".delta`);

    expect(rows).toEqual([{ waiting: 44 }]);
    expect(left).toEqual([{ many: 0 }]);
  });

  it('are given each job once, with tokens of their own, until none is left', async () => {
    const [first] = await open(6);
    await first?.apply([add(idsTo(900))]);

    const taken = await Promise.all(stores.map((store, index) => takeAll(store, `w${index}`)));

    const ids = taken.flat().map(({ job }) => job.id);
    expect(ids.toSorted()).toEqual(idsTo(900).toSorted());
    expect(new Set(taken.flat().map(({ lease }) => lease.token)).size).toBe(900);
    for (const mine of taken) {
      const ranks = mine.map(({ job }) => job.rank);
      expect(ranks).toEqual(ranks.toSorted((one, other) => one - other));
    }
    expect(await first?.verify()).toEqual([]);
  });

  async function takeAll(store: Store, worker: string): Promise<Claimed[]> {
    const taken: Claimed[] = [];
    let settle: Claimed[] = [];
    for (;;) {
      const settlements = settle.map(({ lease }) => {
        return {
          lease,
          next: { to: 'completed', result: Buffer.from('1') } as Next,
          mode: 'lenient' as const,
        };
      });
      const { settled, claimed } = await store.commit(settlements, [claimOf(worker)]);
      expect(settled.every(({ outcome, state }) => outcome === 'ok' && state === 'completed')).toBe(true);
      settle = [...(claimed[0]?.jobs ?? [])];
      if (settle.length === 0) return taken;
      taken.push(...settle);
    }
  }

  it('do everything at once without a deadlock, and the books balance', async () => {
    const before = await deadlocks();
    await open(5);
    await stores[0]?.apply([
      { op: 'configure', queue: 'q', patch: { deadLetterQueue: 'dead', maxCrashes: 0 } },
      { op: 'configure', queue: 'dead', patch: {} },
    ]);

    const refused = await Promise.all(
      stores.map((store, index) => live(store, { worker: `w${index}`, seed: index })),
    );

    expect(refused.flat()).toEqual([]);
    expect(await deadlocks()).toBe(before);
    expect(await stores[0]?.verify()).toEqual([]);
    const [dead, queue] = (await stores[0]?.queues()) ?? [];
    expect((dead?.totals.added ?? 0) + (queue?.totals.added ?? 0)).toBeGreaterThan(100);
  });

  /** Two hundred calls of every kind, drawn by a seed; answers what was thrown. */
  async function live(store: Store, { worker, seed }: { worker: string; seed: number }): Promise<unknown[]> {
    const random = seeded(seed);
    const pick = (count: number): number => Math.floor(random() * count);
    const held: Claimed[] = [];
    const refused: unknown[] = [];
    const ref = () => ({ queue: pick(5) === 0 ? 'dead' : 'q', id: `job-${pick(60)}` });
    const nexts: Next[] = [
      { to: 'completed', result: null },
      { to: 'completed', result: null },
      { to: 'retry', afterMs: 0, error: ERROR },
      { to: 'retry', afterMs: 1, error: ERROR },
      { to: 'failed', error: ERROR, cause: 'attempts-spent' },
      { to: 'released', afterMs: 0, why: '' },
    ];
    const calls: (() => Promise<unknown>)[] = [
      () =>
        store.apply([
          {
            op: 'add',
            jobs: [newJob(ref().id, { priority: pick(2), delayMs: pick(2) }), newJob(`x${pick(1e9)}`)],
          },
        ]),
      () =>
        store.apply([
          { op: 'cancel', job: ref(), reason: 'no' },
          { op: 'cancel', job: ref(), reason: 'no' },
        ]),
      () =>
        store.apply([
          { op: 'redrive', job: ref(), toQueue: null },
          { op: 'redrive', job: ref(), toQueue: 'q' },
        ]),
      () => store.apply([{ op: 'prioritize', job: ref(), priority: pick(3), lifo: pick(2) === 0 }]),
      () =>
        store.apply([
          { op: 'discard', job: ref() },
          { op: 'promote', job: ref() },
        ]),
      () => store.apply([{ op: 'reschedule', job: ref(), delayMs: pick(3) }]),
      () => store.upkeep({ holder: worker, leaderLeaseMs: 1, limit: 50, reclaim: true }),
      () =>
        store.renew(
          held.slice(-3).map(({ lease }) => lease),
          pick(2) === 0 ? 60_000 : 0,
        ),
      () => store.queues(),
      async () => held.push(...((await store.claim([claimOf(worker)]))[0]?.jobs ?? [])),
      async () =>
        held.push(...((await store.claim([claimOf(worker, { leaseMs: 1, limit: 2 })]))[0]?.jobs ?? [])),
      async () => {
        const settlements = held.splice(0, 1 + pick(6)).map(({ lease }) => {
          return { lease, next: nexts[pick(nexts.length)] as Next, mode: 'lenient' as const };
        });
        const { claimed } = await store.commit(settlements, [claimOf(worker, { limit: 3 })]);
        held.push(...(claimed[0]?.jobs ?? []));
      },
    ];
    for (let turn = 0; turn < 200; turn += 1) {
      const call = calls[pick(calls.length)];
      await call?.().catch((error: unknown) => refused.push(error));
    }
    return refused;
  }

  it('settle one lease once, however many say so at once', async () => {
    await open(4);
    const [first] = stores as [Store];
    await first.apply([add(['a'])]);
    const [answer] = await first.claim([claimOf('w0', { limit: 1 })]);
    const lease = answer?.jobs[0]?.lease ?? { queue: 'q', id: 'a', token: 0 };

    const ends: Next[] = [
      { to: 'completed', result: null },
      { to: 'retry', afterMs: 60_000, error: ERROR },
    ];
    const answers = await Promise.all(
      stores.map((store, index) => store.commit([{ lease, next: ends[index % 2] as Next, mode: 'lenient' }])),
    );

    const states = new Set(answers.map(({ settled }) => JSON.stringify(settled)));
    expect(states.size).toBe(1);
    expect(answers[0]?.settled[0]?.outcome).toBe('ok');
    expect(await first.attempts({ queue: 'q', id: 'a' })).toHaveLength(1);
    expect(await first.verify()).toEqual([]);
  });

  it('that repeat a call at once are answered alike, and it is done once', async () => {
    await open(5);
    const [first] = stores as [Store];
    const added = await Promise.all(stores.map((store) => store.apply([add(idsTo(30))], { requestId: 'r' })));
    const request = claimOf('w0', { limit: 10 });
    const claimed = await Promise.all(stores.map((store) => store.claim([request])));

    expect(new Set(added.map((each) => JSON.stringify(each))).size).toBe(1);
    expect(new Set(claimed.map(([each]) => JSON.stringify(each?.jobs.map(({ lease }) => lease)))).size).toBe(
      1,
    );
    const [summary] = await first.queues(['q']);
    expect(summary?.totals).toMatchObject({ added: 30, duplicates: 0 });
    expect(summary?.counts).toMatchObject({ waiting: 20, active: 10 });
  });

  it('add the same ids at once, and each is created by one of them', async () => {
    await open(5);
    const answers = await Promise.all(
      stores.map((store, index) => store.apply([add(index % 2 === 0 ? idsTo(200) : idsTo(200).reverse())])),
    );

    const created = answers.flatMap(([result]) => {
      return result?.op === 'add'
        ? result.jobs.filter(({ outcome }) => outcome === 'created').map(({ id }) => id)
        : [];
    });
    expect(created.toSorted()).toEqual(idsTo(200).toSorted());
    expect(await stores[0]?.verify()).toEqual([]);
  });

  it('never get a token twice, also when the server has forgotten in a crash how far it was', async () => {
    const [first] = (await open(2)) as [Store, Store];
    await first.apply([add(idsTo(40))]);
    const [before] = await first.claim([claimOf('w0', { limit: 20 })]);
    const high = Math.max(...(before?.jobs ?? []).map(({ lease }) => lease.token));
    // What a crash does: numbers of claims that were not on the disk are given again, and unlogged tables are empty.
    await pool.query(`select setval('"${schema}".token', 3); truncate "${schema}".since_crash`);

    const claimed = await Promise.all(stores.map((store, index) => store.claim([claimOf(`w${index}`)])));

    const tokens = claimed.flatMap(([answer]) => answer?.jobs.map(({ lease }) => lease.token) ?? []);
    expect(tokens).toHaveLength(14);
    expect(Math.min(...tokens)).toBeGreaterThan(high);
    expect(new Set(tokens).size).toBe(14);
  });

  it('work where everything is serializable unless one says otherwise', async () => {
    const options = '-c default_transaction_isolation=serializable';
    const strict = new pg.Pool({ connectionString: postgresUrl(), max: 8, options });
    stores = [postgresStore({ pool: strict, schema }), postgresStore({ pool: strict, schema })];
    await Promise.all(stores.map((store, index) => store.beat([session(`w${index}`)])));
    await Promise.all(
      stores.map((store, index) => store.apply([add(idsTo(50).map((id) => `${id}-${index}`))])),
    );

    const taken = await Promise.all(stores.map((store, index) => takeAll(store, `w${index}`)));

    expect(new Set(taken.flat().map(({ job }) => job.id)).size).toBe(100);
    expect(await stores[0]?.verify()).toEqual([]);
    await Promise.all(stores.splice(0).map((store) => store.close()));
    await strict.end();
  });
});
