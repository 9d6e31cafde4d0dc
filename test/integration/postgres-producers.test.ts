/** Programs that add jobs, and nobody who works: what adding leaves behind does not grow without bound. */

import { connect } from 'millrace';
import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dropSchemas, nextSchema, noPostgres, testPool, urlOf } from '../support/postgres.ts';

const CALLS = 2_500;
const JOBS_A_CALL = 40;

function jobOf(id: string): never {
  const policy = {
    ...{ attempts: 1, backoff: null, retryForMs: null, timeoutMs: null, ttlMs: null },
    ...{ deadLetterQueue: null, keepCompletedMs: null, keepFailedMs: null },
  };
  const job = { queue: 'q', id, name: 'n', contentType: 'application/json', headers: {}, policy };
  return { ...job, body: Buffer.from('1'), priority: 0, lifo: false, delayMs: 0 } as never;
}

async function waitUntil(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error('waited too long');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe.skipIf(noPostgres)('while nobody works', () => {
  let pool: Pool;
  const schemas: string[] = [];

  beforeAll(() => {
    pool = testPool(2);
  });

  afterAll(async () => {
    await dropSchemas(pool, schemas);
    await pool.end();
  });

  const newSchema = (): string => {
    schemas.push(nextSchema());
    return schemas.at(-1) ?? '';
  };

  async function rowsOf(schema: string, table: 'delta' | 'request'): Promise<number> {
    const { rows } = await pool.query(`select count(*)::int as many from "${schema}".${table}`);
    return rows[0].many;
  }

  it(`${CALLS * JOBS_A_CALL} jobs are added, and their numbers stay few rows and exact`, async () => {
    const schema = newSchema();
    const { store, release } = connect(urlOf(schema));
    let most = 0;
    let call = 0;
    const add = async (): Promise<void> => {
      while (call < CALLS) {
        call += 1;
        const mine = call;
        if (mine % 250 === 0) most = Math.max(most, await rowsOf(schema, 'delta'));
        const jobs = Array.from({ length: JOBS_A_CALL }, (_, n) => jobOf(`${mine}-${n}`));
        await store.apply([{ op: 'add', jobs }]);
      }
    };
    await Promise.all([add(), add(), add(), add()]);

    expect(most).toBeLessThan(2_000);
    const [summary] = await store.queues(['q']);
    expect([summary?.counts.waiting, summary?.totals.added]).toEqual([100_000, 100_000]);
    expect(await store.verify()).toEqual([]);
    await release();
  }, 120_000);

  it('what SQL alone has left behind is folded once somebody counts, and old answers go', async () => {
    const schema = newSchema();
    const { store, release } = connect(urlOf(schema));
    await store.apply([{ op: 'add', jobs: [jobOf('a')] }]);
    await pool.query(`
      insert into "${schema}".job (seq, rank, added_at, ready_at, queue_id, id, name, content_type, headers, policy, body)
      select nextval('"${schema}".job_number'), n, j.added_at, j.ready_at, j.queue_id, 'x' || n, j.name, j.content_type,
        j.headers, j.policy, j.body from "${schema}".job j, generate_series(1, 50000) n;
      insert into "${schema}".ready (seq, queue_id) select seq, queue_id from "${schema}".job where id like 'x%';
      insert into "${schema}".delta (minute, queue_id, waiting, total_added)
      select 0, queue_id, 1, 1 from "${schema}".job where id like 'x%';
      insert into "${schema}".request (id, answered_at, answer) select 'r' || n, 0, '{}' from generate_series(1, 100) n`);

    const [before] = await store.queues(['q']);
    await waitUntil(async () => (await rowsOf(schema, 'delta')) === 0);
    const [after] = await store.queues(['q']);

    expect(await rowsOf(schema, 'request')).toBe(0);
    expect([before?.counts.waiting, after?.counts.waiting]).toEqual([50_001, 50_001]);
    await release();
  });

  it('a leader is left to do it', async () => {
    const schema = newSchema();
    const { store, release } = connect(urlOf(schema));
    await store.apply([{ op: 'add', jobs: [jobOf('a')] }]);
    await store.upkeep({ holder: 'other', leaderLeaseMs: 60_000, limit: 10, reclaim: false });
    await store.apply([{ op: 'add', jobs: [jobOf('b')] }]);
    await store.queues(['q']);
    // Closing waits for what is under way.
    await release();

    expect(await rowsOf(schema, 'delta')).toBe(1);
  });
});
