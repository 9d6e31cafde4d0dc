/** Servers that are set up in other ways, and that go away and come back. */

import { connect, Queue, Worker } from 'millrace';
import { default as pg } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, noServer, startCluster } from '../support/cluster.ts';

describe.skipIf(noServer)('a PostgreSQL server', () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await startCluster({ fast: false });
  });

  afterAll(() => cluster?.stop());

  const levelOf = async (url: string): Promise<string> => {
    const { store, release } = connect(url);
    const { level } = await store.durability();
    await release();
    return level;
  };

  async function asAdmin(...statements: string[]): Promise<void> {
    const client = new pg.Client({ connectionString: cluster.url });
    await client.connect();
    for (const statement of statements) await client.query(statement);
    await client.end();
  }

  it('keeps to the disk as it comes, and less for a role that is set to less', async () => {
    expect(await levelOf(`${cluster.url}?durability=disk`)).toBe('disk');
    await asAdmin('create role hasty superuser login', 'alter role hasty set synchronous_commit = off');
    const hasty = cluster.url.replace('millrace@', 'hasty@');

    expect(await levelOf(hasty)).toBe('os');
    await expect(levelOf(`${hasty}?durability=disk`)).rejects.toThrow(/`synchronous_commit` to on/);
  });

  it('that crashes and comes back loses nothing, and the worker goes on by itself', async () => {
    const ran = new Set<number>();
    const queue = new Queue('q', { connection: cluster.url });
    const worker = new Worker('q', async (job) => void ran.add(job.data as number), {
      connection: cluster.url,
    });
    worker.on('error', () => undefined);
    const acknowledged: number[] = [];
    for (let n = 0; n < 60; n += 1) {
      if (n === 20 || n === 40) void cluster.restart('immediate');
      await queue.add('n', n, { jobId: `j${n}` }).then(
        () => acknowledged.push(n),
        (error) => expect(error).toMatchObject({ code: 'MILLRACE_STORE_UNAVAILABLE' }),
      );
    }
    const isDone = (): boolean => acknowledged.every((n) => ran.has(n));
    for (let turn = 0; turn < 1_000 && !isDone(); turn += 1)
      await new Promise((resolve) => setTimeout(resolve, 20));

    expect(acknowledged.filter((n) => !ran.has(n))).toEqual([]);
    await worker.close();
    const { store, release } = connect(cluster.url);
    expect(await store.verify()).toEqual([]);
    await release();
    await queue.close();
  });

  it('with isolation set to serializable for everybody serves all the same', async () => {
    await asAdmin("alter database postgres set default_transaction_isolation = 'serializable'");
    const url = `${cluster.url}?schema=strict`;
    const queue = new Queue('q', { connection: url });
    const workers = [1, 2].map(
      () => new Worker('q', async (job) => job.data, { connection: url, concurrency: 10 }),
    );
    const jobs = await Promise.all(Array.from({ length: 100 }, (_, n) => queue.add('n', n)));
    const results = await Promise.all(jobs.map((job) => job.result()));

    expect(results).toEqual(Array.from({ length: 100 }, (_, n) => n));
    await Promise.all([...workers, queue].map((each) => each.close()));
    await asAdmin('alter database postgres reset default_transaction_isolation');
  });

  it('with transactions that only read unless they say more serves all the same', async () => {
    await asAdmin('alter database postgres set default_transaction_read_only = on');
    const queue = new Queue('q', { connection: `${cluster.url}?schema=strict&application_name=late` });
    const job = await queue.add('n', 1);
    await queue.cancel(job.id);

    expect(await queue.getJob(job.id)).toMatchObject({ state: 'cancelled' });
    await queue.close();
    await asAdmin(
      'set default_transaction_read_only = off',
      'alter database postgres reset default_transaction_read_only',
    );
  });

  it('whose connections are all taken says so, and serves when there are some again', async () => {
    await cluster.restart('fast', {
      settings: ['max_connections=8', 'superuser_reserved_connections=0', 'max_wal_senders=0'],
    });
    const others = Array.from({ length: 8 }, () => new pg.Client({ connectionString: cluster.url }));
    for (const other of others) await other.connect();
    const queue = new Queue('q', { connection: `${cluster.url}?schema=crowded` });
    await expect(queue.add('n', 1)).rejects.toThrow(/max_connections/);
    for (const other of others) await other.end();

    await expect(queue.add('n', 2)).resolves.toMatchObject({ created: true });
    await queue.close();
  });
});
