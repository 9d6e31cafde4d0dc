/** Who keeps the leases of a process whose event loop stands still, with each way to say where the server is. */

import { type Connection, connect, Worker } from 'millrace';
import { type Pool, default as pg } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dropSchemas, nextSchema, noPostgres, postgresUrl, testPool, urlOf } from '../support/postgres.ts';

const LEASE_MS = 600;
/** Shorter than the three seconds after which the server ends an upkeep that stands still in its transaction. */
const BLOCKED_MS = 2_200;

describe.skipIf(noPostgres)('while the event loop of its process stands still, a session', () => {
  let pool: Pool;
  const schemas = new Set<string>();
  const closing: (() => Promise<unknown>)[] = [];

  beforeAll(() => {
    pool = testPool(2);
  });

  afterAll(async () => {
    for (const close of closing) await close();
    await dropSchemas(pool, schemas);
    await pool.end();
  });

  const schemaOf = (): string => {
    const schema = nextSchema();
    schemas.add(schema);
    return schema;
  };

  function poolOf(options: object): Pool {
    const made = new pg.Pool({ connectionString: postgresUrl(), ...options });
    closing.push(() => made.end());
    return made;
  }

  /** Whether the session of a worker is alive after one and a half seconds, while its event loop stands still. */
  async function isKept(connection: Connection, schema: string): Promise<boolean> {
    const worker = new Worker('q', async () => null, { connection, leaseMs: LEASE_MS });
    const errors: string[] = [];
    worker.on('error', ({ message }) => errors.push(message));
    await new Promise<void>((resolve) => worker.once('ready', () => resolve()));
    // The thread has time to begin, and what is asked below is on its way before anything stands still.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const client = await pool.connect();
    const asked = client.query(
      `select pg_sleep(1.5); select count(*)::int as alive from "${schema}".session
       where expires_at > floor(extract(epoch from clock_timestamp()) * 1000)`,
    ) as unknown as Promise<{ rows: { alive: number }[] }[]>;
    await new Promise((resolve) => setTimeout(resolve, 50));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BLOCKED_MS);
    const answers = await asked;
    client.release();
    await worker.close();
    expect(errors).toEqual([]);
    return answers.at(-1)?.rows[0]?.alive === 1;
  }

  async function doctorOf(connection: Connection): Promise<string> {
    const { store, release } = connect(connection);
    const findings = await store.doctor();
    await release();
    const found = findings.find(({ check }) => check === 'blocked-loops');
    return `${found?.severity}: ${found?.message}`;
  }

  it('is kept by a thread that has its own connection', async () => {
    const schema = schemaOf();

    expect(await isKept(urlOf(schema), schema)).toBe(true);
    expect(await doctorOf(urlOf(schema))).toMatch(/^ok: a thread keeps the leases/);
  });

  it('is kept with a pool of the application, and with a password that a function answers', async () => {
    const schema = schemaOf();
    let asked = 0;
    const password = (): string => {
      asked += 1;
      return 'secret';
    };
    const connection = { pool: poolOf({ password }), schema };

    expect(await isKept(connection, schema)).toBe(true);
    expect(asked).toBeGreaterThan(0);
  });

  it('is not kept where the way to the server cannot cross to a thread, which the doctor tells', async () => {
    const schema = schemaOf();
    const { Socket } = await import('node:net');
    const connection = { pool: poolOf({ stream: () => new Socket() }), schema };

    expect(await doctorOf(connection)).toMatch(/^warning: .*sockets by a function/);
    expect(await isKept(connection, schema)).toBe(false);
  });
});
