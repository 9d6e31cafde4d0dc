/** Adding where a worker of the same process waits for jobs: one statement adds and claims. */

import { postgresStore } from 'millrace/postgres';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ClaimAnswer, ClaimRequest, Effect, Hint, Store } from '../../src/store/store.ts';
import { dropSchemas, nextSchema, noPostgres, postgresUrl, testPool } from '../support/postgres.ts';

const POLICY = {
  ...{ attempts: 3, backoff: null, retryForMs: null, timeoutMs: null, ttlMs: null, deadLetterQueue: null },
  ...{ keepCompletedMs: null, keepFailedMs: null },
};
const JOB = {
  ...{ queue: 'q', name: 'mail', body: Buffer.from('1'), contentType: 'application/json', headers: {} },
  ...{ policy: POLICY, priority: 0, lifo: false, delayMs: 0 },
};
const add = (...ids: string[]): Effect => ({ op: 'add', jobs: ids.map((id) => ({ ...JOB, id })) });
const REQUEST = { queue: 'q', limit: 2, worker: 'w', leaseMs: 60_000 } as const;

describe.skipIf(noPostgres)('a claim that rides with an add', () => {
  let pool: pg.Pool;
  let schema: string;
  let store: Store;
  let told: Hint['news'][];
  let claims: Promise<ClaimAnswer[]>[];

  const claim = (over: Partial<ClaimRequest> = {}) =>
    store.claim([{ ...REQUEST, claimId: `c-${claims.length}`, ...over }]);

  beforeAll(() => {
    pool = testPool();
  });

  beforeEach(async () => {
    schema = nextSchema();
    store = postgresStore({ connectionString: postgresUrl(), schema });
    told = [];
    claims = [];
    await store.apply([add('first')]);
    await store.watch(['q'], ({ news }) => {
      told.push(news);
      if (news === 'coming') claims.push(claim());
    });
    await claim({ claimId: 'before', limit: 10 });
  });

  afterEach(async () => {
    await store.close();
    await dropSchemas(pool, [schema]);
  });

  afterAll(async () => {
    await pool.end();
  });

  const claimed = async (): Promise<string[][]> =>
    (await Promise.all(claims)).map(([answer]) => answer?.jobs.map(({ job }) => job.id) ?? []);

  it('gets the jobs, and nobody is sent to look for what is not there any more', async () => {
    const results = await store.apply([add('a')]);

    expect(results).toEqual([{ op: 'add', jobs: [{ id: 'a', outcome: 'created' }] }]);
    expect(await claimed()).toEqual([['a']]);
    expect(told).toEqual(['coming', 'taken']);
    expect(await store.verify()).toEqual([]);
  });

  it('leaves to others what it has no room for', async () => {
    await store.apply([add('a', 'b', 'c')]);

    expect(await claimed()).toEqual([['a', 'b']]);
    expect(told).toEqual(['coming', 'ready']);
  });

  it('finds nothing, as any other, where the job was there before', async () => {
    const results = await store.apply([add('first')]);

    expect(results).toEqual([{ op: 'add', jobs: [{ id: 'first', outcome: 'duplicate' }] }]);
    expect(await claimed()).toEqual([[]]);
    expect(told).toEqual(['coming']);
  });

  it('is answered though the jobs cannot be added', async () => {
    await pool.query(`
      create function ${schema}.refuse() returns trigger language plpgsql as $$ begin raise exception 'full'; end $$;
      create trigger refuse before insert on ${schema}.job for each row execute function ${schema}.refuse();`);

    await expect(store.apply([add('a')])).rejects.toThrow('full');
    expect(await claimed()).toEqual([[]]);
  });

  it('needs no notification, which other processes do not get for nothing', async () => {
    const heard: (string | undefined)[] = [];
    const ear = new pg.Client({ connectionString: postgresUrl() });
    const other = postgresStore({ connectionString: postgresUrl(), schema });
    await ear.connect();
    try {
      ear.on('notification', ({ payload }) => heard.push(payload));
      await ear.query(`listen "${schema}"`);
      await claim({ claimId: 'marks itself' });

      await store.apply([add('mine')]);
      await other.apply([add('theirs')]);

      await vi.waitFor(() => expect(heard).toContain('ready q'), 5_000);
      expect(heard.filter((payload) => payload === 'ready q')).toHaveLength(1);
    } finally {
      await ear.end();
      await other.close();
    }
  });
});
