/** Jobs in the application's own transactions. */

import { drizzle } from 'drizzle-orm/node-postgres';
import { Kysely, PostgresDialect } from 'kysely';
import { type Job, Queue, Worker } from 'millrace';
import type { Pool, PoolClient } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { dropSchemas, nextSchema, noPostgres, testPool, urlOf } from '../support/postgres.ts';

describe.skipIf(noPostgres)('a job in a transaction of the application', () => {
  const schema = nextSchema();
  const other = nextSchema();
  let pool: Pool;
  let queue: Queue;
  let client: PoolClient;
  let names = 0;

  beforeAll(async () => {
    pool = testPool();
    client = await pool.connect();
  });

  afterEach(async () => {
    await client.query('rollback');
    await queue?.close();
  });

  afterAll(async () => {
    client.release();
    await dropSchemas(pool, [schema, other]);
    await pool.end();
  });

  function open(options: object = {}): Queue {
    names += 1;
    queue = new Queue(`q${names}`, { connection: urlOf(schema), ...options });
    return queue;
  }

  const waiting = async (): Promise<number> => (await queue.getJobCounts('waiting')).waiting ?? 0;

  it('is there when it commits, and was never there when it rolls back', async () => {
    open();
    await client.query('begin');
    const job = await queue.add('ship', { order: 1 }, { tx: client, jobId: 'kept' });
    expect(job.created).toBe(true);
    expect(await queue.getJob('kept')).toBeUndefined();
    await client.query('commit');
    expect((await queue.getJob('kept'))?.data).toEqual({ order: 1 });

    await client.query('begin');
    await queue.addBulk(
      [
        { name: 'ship', data: 2 },
        { name: 'ship', data: 3 },
      ],
      { tx: client },
    );
    await client.query('rollback');

    expect(await waiting()).toBe(1);
  });

  it('of the first use of a queue brings its settings along', async () => {
    open({ retention: { completed: { count: 7 } } });
    await client.query('begin');
    await queue.add('ship', 1, { tx: client });
    await client.query('commit');

    expect(await waiting()).toBe(1);
    expect((await queue.summary()).settings.retention.completed).toMatchObject({ count: 7 });
  });

  it('sees what the same transaction added before, and is told as a duplicate', async () => {
    open();
    await client.query('begin');
    const jobs = [];
    for (const data of [1, 2]) jobs.push(await queue.add('ship', data, { tx: client, jobId: 'same' }));
    await client.query('commit');

    expect(jobs.map(({ created }) => created)).toEqual([true, false]);
    expect(await waiting()).toBe(1);
  });

  it('may be added many times at once on one client', async () => {
    open();
    await client.query('begin');
    await Promise.all(Array.from({ length: 20 }, (_, data) => queue.add('ship', data, { tx: client })));
    await client.query('commit');

    expect(await waiting()).toBe(20);
  });

  it('needs no second connection of a pool that all transactions share', async () => {
    const shared = testPool(2);
    queue = new Queue('shared', { connection: { pool: shared, schema } });
    await queue.obliterate();
    await queue.add('ship', 0);
    const clients = [await shared.connect(), await shared.connect()];
    for (const each of clients) await each.query('begin');
    await Promise.all(clients.map((each, n) => queue.add('ship', n, { tx: each })));
    for (const each of clients) await each.query('commit');
    for (const each of clients) each.release();

    expect(await waiting()).toBe(3);
    await queue.close();
    await shared.end();
  });

  it('does not make others wait who add to the same new queue', async () => {
    open();
    await client.query('begin');
    await queue.add('ship', 1, { tx: client });
    await queue.add('ship', 2);
    expect(await waiting()).toBe(1);
    await client.query('commit');

    expect(await waiting()).toBe(2);
  });

  it('is cancelled when it commits, and not when it rolls back', async () => {
    open();
    await queue.add('ship', 1, { jobId: 'a' });
    await queue.add('ship', 1, { jobId: 'b' });
    await client.query('begin');
    await queue.cancel('a', 'sold out', { tx: client });
    await client.query('rollback');
    expect(await waiting()).toBe(2);
    await client.query('begin');
    const outcome = await queue.cancel(['a', 'none'], 'sold out', { tx: client });
    await client.query('commit');

    expect(outcome).toMatchObject({ done: 1, skipped: [{ id: 'none' }] });
    expect(await queue.getJob('a')).toMatchObject({ state: 'cancelled' });
    await expect(queue.cancel('b', 'x', { tx: client })).rejects.toThrow(/not in a transaction/);
  });

  it('that cannot be added leaves the transaction as it was', async () => {
    open();
    await client.query('begin');
    await client.query('create temporary table own (n int) on commit drop; insert into own values (1)');
    await expect(queue.cancel('none', 'x', { tx: client })).rejects.toThrow(/no job "none"/);
    await expect(queue.add('ship', 1, { tx: client, jobId: '' })).rejects.toThrow(/jobId/);
    await queue.add('ship', 1, { tx: client });
    expect((await client.query('select n from own')).rows).toEqual([{ n: 1 }]);
    await client.query('commit');

    expect(await waiting()).toBe(1);
  });

  it.each(['repeatable read', 'serializable'])('takes part in one that is %s', async (isolation) => {
    open();
    await client.query(`begin isolation level ${isolation}`);
    await client.query('select 1');
    await queue.add('ship', 1, { tx: client });
    await client.query('commit');

    expect(await waiting()).toBe(1);
  });

  it('does not change how the rest of the transaction sees names', async () => {
    open();
    await client.query('begin; set local search_path = pg_temp, public');
    await queue.add('ship', 1, { tx: client });

    expect((await client.query('show search_path')).rows).toEqual([{ search_path: 'pg_temp, public' }]);
  });

  it('wakes a worker when it commits, and not before', async () => {
    open();
    const started: number[] = [];
    let ring = (): void => undefined;
    const ran = new Promise<void>((resolve) => {
      ring = resolve;
    });
    const process = async (job: Job): Promise<void> => {
      started.push(job.data as number);
      ring();
    };
    const worker = new Worker(queue.name, process, { connection: urlOf(schema) });
    await worker.waitUntilReady();
    await client.query('begin');
    await queue.add('ship', 7, { tx: client });
    await new Promise((resolve) => setImmediate(resolve));
    expect(started).toEqual([]);
    await client.query('commit');

    await ran;
    expect(started).toEqual([7]);
    await worker.close();
  });

  it('is refused on what is no transaction of this database', async () => {
    open();
    await expect(queue.add('ship', 1, { tx: client })).rejects.toThrow(/not in a transaction/);
    await expect(queue.add('ship', 1, { tx: pool })).rejects.toThrow(/not a client of `pg`/);
    await expect(queue.add('ship', 1, { tx: {} })).rejects.toThrow(/not a client of `pg`/);
    expect(await waiting()).toBe(0);
  });

  it('is refused on a client of another database', async () => {
    open();
    const name = `${schema}_elsewhere`;
    await pool.query(`create database ${name}`);
    const url = new URL(urlOf(schema));
    url.pathname = `/${name}`;
    const { Client } = await import('pg').then((module) => module.default);
    const elsewhere = new Client({ connectionString: url.href });
    try {
      await elsewhere.connect();
      await elsewhere.query('begin');
      await expect(queue.add('ship', 1, { tx: elsewhere })).rejects.toThrow(/another database/);
    } finally {
      await elsewhere.end();
      await pool.query(`drop database ${name}`);
    }
  });

  describe.each([
    ['Drizzle', inDrizzle],
    ['Kysely', inKysely],
    ['Prisma, as far as its calls go', inPrisma],
  ] as const)('of %s', (_, transact) => {
    it('is there when it commits, and was never there when it rolls back', async () => {
      open({ retention: { completed: { count: 7 } } });
      const boom = new Error('boom');
      const failing = transact(pool, async (tx) => {
        await queue.add('ship', 1, { tx, jobId: 'lost' });
        throw boom;
      });
      await expect(failing).rejects.toThrow('boom');
      await transact(pool, async (tx) => {
        const job = await queue.add('ship', { bytes: '\\x00ü' }, { tx, jobId: 'kept', attempts: 3 });
        expect(job.created).toBe(true);
        await queue.addBulk([{ name: 'ship', data: 2, opts: { delay: 60_000 } }], { tx });
      });

      expect(await queue.getJob('lost')).toBeUndefined();
      expect((await queue.getJob('kept'))?.data).toEqual({ bytes: '\\x00ü' });
      expect(await queue.getJobCounts('waiting', 'delayed')).toEqual({ waiting: 1, delayed: 1 });
    });

    it('is cancelled when it commits', async () => {
      open();
      await queue.add('ship', 1, { jobId: 'a' });
      await transact(pool, async (tx) => {
        await queue.cancel('a', 'sold out', { tx });
        await expect(queue.cancel('none', 'x', { tx })).rejects.toThrow(/no job "none"/);
      });

      expect(await queue.getJob('a')).toMatchObject({ state: 'cancelled' });
    });
  });
});

type Work = (tx: object) => Promise<void>;

async function inDrizzle(pool: Pool, work: Work): Promise<void> {
  await drizzle(pool).transaction(work);
}

async function inKysely(pool: Pool, work: Work): Promise<void> {
  const db = new Kysely<object>({ dialect: new PostgresDialect({ pool }) });
  await db.transaction().execute(work);
}

/** Its client has to be generated and so cannot be had here; these are the two calls that are made of it. */
async function inPrisma(pool: Pool, work: Work): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    await work({
      $queryRawUnsafe: async (text: string, ...values: unknown[]) => (await client.query(text, values)).rows,
      $executeRawUnsafe: async (text: string, ...values: unknown[]) =>
        (await client.query(text, values)).rowCount ?? 0,
    });
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
}
