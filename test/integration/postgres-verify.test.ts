/** What `verify` of the PostgreSQL store finds, when somebody has meddled with its tables. */

import { postgresStore } from 'millrace/postgres';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Effect, Store } from '../../src/store/store.ts';
import { dropSchemas, nextSchema, noPostgres, testPool } from '../support/postgres.ts';

const POLICY = {
  ...{ attempts: 3, backoff: null, retryForMs: null, timeoutMs: null, ttlMs: null, deadLetterQueue: null },
  ...{ keepCompletedMs: null, keepFailedMs: null },
};
const KINDS = { queue: 'q', name: 'mail', contentType: 'application/json', headers: {}, lifo: false };

function addOf(id: string, priority: number, delayMs: number, ttlMs: number | null = null): Effect {
  const job = { ...KINDS, id, body: Buffer.from('{}'), priority, delayMs, policy: { ...POLICY, ttlMs } };
  return { op: 'add', jobs: [job] };
}

/** What is done to the tables, and what is to be said of it. */
const MEDDLING: readonly (readonly [sql: string, found: RegExp])[] = [
  ['delete from lease', /1 active jobs have|counts 2 jobs as active/],
  [
    'insert into lease (token, seq, claimed_at, queue_id, spared, worker) values (7, 999, 1, 1, false, $$w$$)',
    /1 leases belong to no active job/,
  ],
  ['delete from ready', /1 waiting jobs are in no line, or in two/],
  ['delete from aside', /2 waiting jobs are in no line, or in two/],
  ['update aside set rank = rank + 1000', /2 waiting jobs are in no line, or in two/],
  [
    'insert into aside select seq, seq, 1, queue_id, 0 from ready',
    /1 waiting jobs are in no line, or in two/,
  ],
  [
    'insert into ready (seq, queue_id) select seq, queue_id from delayed',
    /1 places in the line belong to no waiting job/,
  ],
  ['delete from delayed', /1 jobs that wait for a time are not noted for it/],
  ['update delayed set due_at = due_at + 1', /1 times are noted for jobs that do not wait for them/],
  ['delete from expiring', /1 jobs with an end to their waiting are not noted/],
  ['delete from done', /counts 1 jobs as completed and has 0/],
  ['delete from job where id = $$done$$', /rows of "done" belong to no job/],
  ['delete from job where id = $$late$$', /has 6 jobs, but added 7 and removed 0/],
  ['insert into log (seq, number, at, text) values (999, 1, 1, $$x$$)', /1 rows of "log" belong to no job/],
];

describe.skipIf(noPostgres)('verify', () => {
  let pool: pg.Pool;
  let schema: string;
  let store: Store;

  beforeAll(() => {
    pool = testPool(3);
  });

  beforeEach(async () => {
    schema = nextSchema();
    store = postgresStore({ pool, schema, listen: false });
    await store.beat([{ id: 'w', ttlMs: 600_000, host: 'h', pid: 1, version: '1', queues: [], lagMs: 0 }]);
    await store.apply([addOf('done', 0, 0)]);
    const claim = { queue: 'q', worker: 'w', quarantine: false, limit: 1 };
    const [answer] = await store.claim([{ ...claim, claimId: 'c1', leaseMs: null }]);
    const lease = answer?.jobs[0]?.lease ?? { queue: 'q', id: '', token: 0 };
    await store.commit([{ lease, next: { to: 'completed', result: null }, mode: 'strict' }]);
    await store.apply([addOf('batched', 0, 0)]);
    await store.claim([{ ...claim, claimId: 'c2', leaseMs: null }]);
    await store.apply([addOf('leased', 0, 0)]);
    await store.claim([{ ...claim, claimId: 'c3', leaseMs: 600_000 }]);
    for (const effect of [addOf('in turn', 0, 0), addOf('aside', 3, 0), addOf('short', 0, 0, 600_000)])
      await store.apply([effect]);
    await store.apply([addOf('late', 0, 600_000)]);
  });

  afterEach(async () => {
    await store.close();
    await dropSchemas(pool, [schema]);
  });

  afterAll(() => pool.end());

  it('finds nothing where nobody has meddled', async () => {
    expect(await store.verify()).toEqual([]);
  });

  it.each(MEDDLING)('finds what this does: %s', async (sql, found) => {
    const client = await pool.connect();
    await client.query(`set search_path = "${schema}"`);
    await client.query(sql);
    await client.query('reset search_path');
    client.release();

    const messages = (await store.verify()).map(({ message }) => message);

    expect(messages.join('\n')).toMatch(found);
  });
});
