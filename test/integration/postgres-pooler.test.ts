/** Behind pgbouncer in transaction mode: no statement has a name, no state outlives a transaction, no news come. */

import { Queue, Worker } from 'millrace';
import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noPooler, type Pooler, startPooler } from '../support/pooler.ts';
import { dropSchemas, nextSchema, noPostgres, postgresUrl, testPool, urlOf } from '../support/postgres.ts';

describe.skipIf(noPostgres || noPooler)('behind a pooler in transaction mode', () => {
  const schemas: string[] = [];
  let pooler: Pooler;
  let pool: Pool;

  beforeAll(async () => {
    pooler = await startPooler(3);
    pool = testPool(2);
  });

  afterAll(async () => {
    await pooler.stop();
    await dropSchemas(pool, schemas);
    await pool.end();
  });

  function schema(): string {
    schemas.push(nextSchema());
    return schemas.at(-1) ?? '';
  }

  it('jobs are added, run and waited for, many at once', async () => {
    const connection = `${pooler.url}?schema=${schema()}`;
    const queue = new Queue('q', { connection });
    const worker = new Worker('q', async (job) => (job.data as number) * 2, { connection, concurrency: 10 });
    const jobs = await Promise.all(Array.from({ length: 100 }, (_, n) => queue.add('n', n)));
    const results = await Promise.all(jobs.map((job) => job.result()));

    expect(results).toEqual(Array.from({ length: 100 }, (_, n) => n * 2));
    await worker.close();
    await queue.close();
  });

  it('a worker that hears nothing looks, and finds a job that came past the pooler', async () => {
    const name = schema();
    const connection = `${pooler.url}?schema=${name}`;
    let ring = (): void => undefined;
    const ran = new Promise<void>((resolve) => {
      ring = resolve;
    });
    const worker = new Worker('q', async () => ring(), { connection });
    await worker.waitUntilReady();
    const queue = new Queue('q', { connection: urlOf(name) });
    await queue.add('n', 1);

    await ran;
    await worker.close();
    await queue.close();
  });

  it('one may listen past it', async () => {
    const name = schema();
    const listen = `${postgresUrl()}?application_name=past_${name}`;
    const connection = `${pooler.url}?schema=${name}&listen=${encodeURIComponent(listen)}`;
    const worker = new Worker('q', async () => undefined, { connection });
    await worker.waitUntilReady();
    const { rows } = await pool.query('select query from pg_stat_activity where application_name = $1', [
      `past_${name}`,
    ]);

    expect(rows).toEqual([{ query: `listen "${name}"` }]);
    await worker.close();
  });

  it('a job is added in a transaction of the application', async () => {
    const name = schema();
    const queue = new Queue('q', { connection: `${pooler.url}?schema=${name}` });
    const { Client } = await import('pg').then((module) => module.default);
    const client = new Client({ connectionString: pooler.url });
    await client.connect();
    await client.query('begin');
    await queue.add('n', 1, { tx: client });
    await client.query('commit');

    expect(await queue.getJobCounts('waiting')).toEqual({ waiting: 1 });
    await client.end();
    await queue.close();
  });
});
