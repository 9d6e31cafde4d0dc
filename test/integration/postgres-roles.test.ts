/** What a role or a database may be set to by whoever runs the server: it changes nothing, or is told with its name. */

import { connect, Queue, Worker } from 'millrace';
import { default as pg } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, noServer, startCluster } from '../support/cluster.ts';

/** Each makes statements mean something else, or be planned in another way, or be ended early. */
const HARMLESS: readonly string[] = [
  ...[
    "search_path = ''",
    'search_path = elsewhere, public',
    "default_transaction_isolation = 'serializable'",
  ],
  ...["default_transaction_isolation = 'repeatable read'", 'default_transaction_read_only = on'],
  ...['default_transaction_deferrable = on', 'synchronous_commit = off', "bytea_output = 'escape'"],
  ...["DateStyle = 'German, DMY'", "IntervalStyle = 'sql_standard'", "TimeZone = 'Asia/Kathmandu'"],
  ...['extra_float_digits = -15', 'standard_conforming_strings = off', 'array_nulls = off'],
  ...['transform_null_equals = on', "client_min_messages = 'error'", 'quote_all_identifiers = on'],
  ...["statement_timeout = '20s'", "lock_timeout = '5s'", "idle_in_transaction_session_timeout = '1ms'"],
  ...['enable_indexscan = off', 'enable_nestloop = off', "plan_cache_mode = 'force_custom_plan'"],
  ...["work_mem = '64kB'", 'row_security = off', "session_replication_role = 'origin'", 'jit_above_cost = 0'],
];

describe.skipIf(noServer)('a role of a PostgreSQL server', () => {
  let cluster: Cluster;
  let roles = 0;

  beforeAll(async () => {
    cluster = await startCluster();
  });

  afterAll(() => cluster?.stop());

  async function asAdmin(...statements: string[]): Promise<void> {
    const client = new pg.Client({ connectionString: cluster.url });
    await client.connect();
    for (const statement of statements) await client.query(statement);
    await client.end();
  }

  async function roleWith(setting: string): Promise<string> {
    const role = `role_${roles++}`;
    await asAdmin(`create role ${role} superuser login`, `alter role ${role} set ${setting}`);
    return `${cluster.url.replace('millrace@', `${role}@`)}?schema=${role}`;
  }

  it.each(HARMLESS)('that is set to %s is served as any other', async (setting) => {
    const connection = await roleWith(setting);
    const queue = new Queue('q', { connection });
    const failing = new Set(['n2', 'n7']);
    const worker = new Worker(
      'q',
      async (job) => {
        if (failing.delete(job.id)) throw new Error('once, with a \\ and a " and null');
        return { said: job.data };
      },
      { connection, concurrency: 4 },
    );
    const jobs = await queue.addBulk(
      Array.from({ length: 10 }, (_, n) => ({
        ...{ name: 'n', data: { n, text: 'a \\ b \u0007 NULL', bytes: '\\x41' } },
        opts: { jobId: `n${n}`, attempts: 3, backoff: 1, priority: n % 3 },
      })),
    );
    await queue.add('later', null, { jobId: 'later', delay: 3_600_000 });
    const results = await Promise.all(jobs.map((job) => job.result()));

    expect(results).toEqual(jobs.map((job) => ({ said: job.data })));
    expect(await queue.getJobCounts('completed', 'delayed')).toEqual({ completed: 10, delayed: 1 });
    expect((await queue.getJob('n2'))?.attemptsMade).toBe(2);
    await worker.close();
    await queue.close();
    const { store, release } = connect(connection);
    await store.upkeep({ holder: 'test', leaderLeaseMs: 1_000, limit: 100, reclaim: true });
    expect(await store.verify()).toEqual([]);
    await release();
  });

  it('whose statements are ended too early is told the setting, and nothing is written', async () => {
    const connection = await roleWith("lock_timeout = '50ms'");
    const queue = new Queue('q', { connection });
    await queue.add('n', 1, { jobId: 'before' });
    const schema = new URL(connection).searchParams.get('schema') ?? '';
    const other = new pg.Client({ connectionString: cluster.url });
    await other.connect();
    await other.query(`begin; lock table "${schema}".job in access exclusive mode`);

    await expect(queue.add('n', 2, { jobId: 'while' })).rejects.toMatchObject({
      ...{ code: 'MILLRACE_STORE_UNAVAILABLE', message: expect.stringMatching(/`lock_timeout` of the role/) },
    });
    await other.query('rollback');
    await other.end();
    expect(await queue.getJob('while')).toBeUndefined();
    await expect(queue.add('n', 3, { jobId: 'after' })).resolves.toMatchObject({ created: true });
    await queue.close();
  });

  it('whose calls are ended after a short time is pointed out by the doctor', async () => {
    const { store, release } = connect(await roleWith("statement_timeout = '2s'"));
    const findings = await store.doctor();
    await release();

    expect(findings).toContainEqual(
      expect.objectContaining({
        severity: 'warning',
        check: 'role',
        message: expect.stringMatching(/2000 ms/),
      }),
    );
  });
});
