/** A server that is short of something, or gives way: errors that say what to do, and repetitions where they are safe. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { connect, Queue, type Store, StoreUnavailableError, Worker } from 'millrace';
import { type Client, default as pg } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { administer, type Cluster, noServer, startServer } from './postgres-server.ts';

type LeaseRef = Parameters<Store['renew']>[0][number];

const RESUME_MS = 5_000;

describe.skipIf(noServer)('PostgreSQL in trouble', () => {
  let server: Cluster;
  let admin: Client;
  let schemas = 0;

  beforeAll(async () => {
    server = await startServer('max_connections=24', 'superuser_reserved_connections=3');
    admin = new pg.Client({ connectionString: server.url });
    await admin.connect();
    await admin.query('create role guest login; grant all on database postgres to guest');
  });

  afterAll(async () => {
    await admin?.end();
    await server?.stop();
  });

  /** A schema of its own. */
  function place(): { url: string; schema: string } {
    schemas += 1;
    const schema = `trouble${schemas}`;
    return { url: `${server.url}?schema=${schema}`, schema };
  }

  const caught = (call: Promise<unknown>): Promise<unknown> => call.then(() => null).catch((error) => error);

  it('says what is wrong when the pool of the application was ended under it', async () => {
    const pool = new pg.Pool({ connectionString: server.url, max: 2 });
    const queue = new Queue('work', { connection: { pool, schema: place().schema } });
    await queue.add('one', 1);
    const faults: Error[] = [];
    const worker = new Worker('work', async () => undefined, {
      connection: { pool, schema: `trouble${schemas}` },
    });
    worker.on('error', (error) => faults.push(error));
    await pool.end();
    const error = await caught(queue.add('two', 2));
    expect(error).toBeInstanceOf(StoreUnavailableError);
    expect(String(error)).toMatch(/pool after calling end/);
    await queue.close();
    await worker.close({ timeout: 0 });
    for (const fault of faults) expect(fault).toBeInstanceOf(StoreUnavailableError);
  });

  it('says so when the pool of the application has no connection to spare, and goes on when it has', async () => {
    const pool = new pg.Pool({ connectionString: server.url, max: 1, connectionTimeoutMillis: 300 });
    const { store, release } = connect({ pool, schema: place().schema, listen: false });
    await store.queues();
    const taken = await pool.connect();
    const error = await caught(store.queues());
    expect(error).toBeInstanceOf(StoreUnavailableError);
    taken.release();
    expect(await store.queues()).toEqual([]);
    await release();
    await pool.end();
  });

  it('says so when the server takes no more connections, and a worker goes on by itself when it does', async () => {
    const { url } = place();
    const queue = new Queue('work', { connection: url });
    await queue.add('before', 0);
    const others: Client[] = [];
    for (let error: unknown = null; error === null; ) {
      const other = new pg.Client({ connectionString: server.url, user: 'guest' });
      other.on('error', () => undefined);
      error = await caught(other.connect());
      if (error === null) others.push(other);
      else expect(error).toMatchObject({ code: '53300' });
    }
    const guest = connect(url.replace('millrace@', 'guest@'));
    const error = await caught(guest.store.queues());
    expect(error).toBeInstanceOf(StoreUnavailableError);
    expect(String(error)).toMatch(/poolSize/);
    await guest.release();
    await Promise.all(others.map((other) => other.end()));
    const from = performance.now();
    let took = Number.POSITIVE_INFINITY;
    const worker = new Worker(
      'work',
      async () => {
        took = performance.now() - from;
      },
      { connection: url },
    );
    while (took === Number.POSITIVE_INFINITY && performance.now() - from < RESUME_MS) await wait(20);
    expect(took).toBeLessThan(RESUME_MS);
    await worker.close();
    await queue.close();
  });

  it.each(['40001', '40P01'])('does again what gave way (%s), once and no more', async (code) => {
    const { url, schema } = place();
    const queue = new Queue('work', { connection: url });
    await queue.add('first', 0);
    await giveWay(schema, code, 3);
    await queue.addBulk([1, 2, 3].map((data) => ({ name: 'then', data })));
    expect(await queue.getJobCounts('waiting')).toEqual({ waiting: 4 });
    expect(await triesOf(schema)).toBe(4);
    await queue.close();
  });

  it('does not do again what was part of the transaction of the application', async () => {
    const { url, schema } = place();
    const queue = new Queue('work', { connection: url });
    await queue.add('first', 0);
    await giveWay(schema, '40001', 1);
    const error = await administer(server.url, async (tx) => {
      await tx.query('begin');
      const refused = await caught(queue.add('mine', 1, { tx }));
      await tx.query('rollback');
      return refused;
    });
    expect(error).toBeInstanceOf(StoreUnavailableError);
    expect(String(error)).toMatch(/repeat yours from its beginning/);
    expect(await triesOf(schema)).toBe(1);
    expect(await queue.getJobCounts('waiting')).toEqual({ waiting: 1 });
    await queue.close();
  });

  it('does not wait in a circle when a worker settles and renews at once', async () => {
    const { url, schema } = place();
    const { store, release } = connect(url);
    const leases = await leasesOfBothKinds(store);
    const settlements = leases.map((lease) => ({
      ...{ lease, next: { to: 'completed', result: null } as const, mode: 'lenient' as const },
    }));
    // Both come to the row that somebody has, each with what it has locked before; then they go on.
    const both = await administer(server.url, async (other) => {
      await other.query(`begin; select 1 from ${schema}.lease for update`);
      const settled = store.commit(settlements);
      await waiting(1);
      const renewed = store.renew(leases, 30_000);
      await waiting(2);
      await other.query('rollback');
      return Promise.all([settled, renewed]);
    });
    expect(both[0].settled.map(({ outcome }) => outcome)).toEqual(['ok', 'ok']);
    expect(readFileSync(join(server.directory, 'log'), 'utf8')).not.toMatch(/deadlock detected/);
    await release();
  });

  /** The next writes to the table of jobs fail with this code. Counted by a sequence, which no rollback takes back. */
  async function giveWay(schema: string, code: string, times: number): Promise<void> {
    await admin.query(`
      create sequence ${schema}.tries;
      create function ${schema}.give_way() returns trigger language plpgsql as $$
      begin
        if nextval('${schema}.tries') <= ${times} then raise exception 'gives way' using errcode = '${code}'; end if;
        return null;
      end $$;
      create trigger give_way before insert on ${schema}.job for each statement execute function ${schema}.give_way()`);
  }

  async function triesOf(schema: string): Promise<number> {
    const { rows } = await admin.query<{ last_value: string }>(`select last_value from ${schema}.tries`);
    return Number(rows[0]?.last_value);
  }

  /** So many of our calls wait for a row. */
  async function waiting(many: number): Promise<void> {
    const text = "select count(*) as many from pg_stat_activity where wait_event_type = 'Lock'";
    for (let turn = 0; turn < 500; turn += 1) {
      const { rows } = await admin.query<{ many: string }>(text);
      if (Number(rows[0]?.many) >= many) return;
      await wait(10);
    }
    throw new Error('nobody waits');
  }
});

/** Of two claims; the job of the first has a lease of its own, as after a suspicion. */
async function leasesOfBothKinds(store: Store): Promise<LeaseRef[]> {
  const worker = 'w';
  await store.beat([{ id: worker, host: 'h', pid: 1, version: '1', queues: [], lagMs: 0, ttlMs: 60_000 }]);
  await store.apply([{ op: 'add', jobs: ['a', 'b'].map(jobOf) }]);
  const claim = async (claimId: string): Promise<LeaseRef[]> => {
    const [answer] = await store.claim([{ claimId, queue: 'work', limit: 1, worker, leaseMs: null }]);
    return (answer?.jobs ?? []).map(({ lease }) => lease);
  };
  const apart = await claim('one');
  await store.apply(apart.map((job) => ({ op: 'isolate', job, alone: true })));
  return [...apart, ...(await claim('two'))];
}

function jobOf(id: string): never {
  const policy = {
    ...{ attempts: 1, backoff: null, retryForMs: null, timeoutMs: null, ttlMs: null },
    ...{ deadLetterQueue: null, keepCompletedMs: null, keepFailedMs: null },
  };
  const job = { queue: 'work', id, name: 'n', contentType: 'application/json', headers: {}, policy };
  return { ...job, body: Buffer.from('1'), priority: 0, lifo: false, delayMs: 0 } as never;
}
