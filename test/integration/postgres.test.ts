/** The PostgreSQL store among other processes, other connections and other people's objects. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { connect, Queue, Worker } from 'millrace';
import { postgresStore } from 'millrace/postgres';
import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dropSchemas, nextSchema, noPostgres, testPool, urlOf } from '../support/postgres.ts';

describe.skipIf(noPostgres)('the PostgreSQL store', () => {
  let pool: Pool;
  const schemas: string[] = [];
  const newSchema = (): string => {
    schemas.push(nextSchema());
    return schemas.at(-1) ?? '';
  };

  beforeAll(() => {
    pool = testPool();
  });

  afterAll(async () => {
    await dropSchemas(pool, schemas);
    await pool.end();
  });

  /** Runs a program to its own end; one that does not end fails the test by its deadline. */
  async function run(program: string, ...args: string[]): Promise<string> {
    const all = ['--input-type=module', '-e', program, ...args];
    const { stdout } = await promisify(execFile)(process.execPath, all, { timeout: 20_000 });
    return stdout.trim();
  }

  it('keeps no process alive, closed or not, watched or not', async () => {
    const said = await run(
      `import { connect } from 'millrace';
       const { store } = connect(process.argv[1]);
       await store.watch([], () => undefined);
       console.log((await store.queues()).length);`,
      urlOf(newSchema()),
    );

    expect(said).toBe('0');
  });

  it('is set up once by many processes that start together', async () => {
    const schema = newSchema();
    const program = `
      import { Queue } from 'millrace';
      const queue = new Queue('q', { connection: process.argv[1] });
      await queue.add('n', 1);
      await queue.close();`;
    await Promise.all(Array.from({ length: 5 }, () => run(program, urlOf(schema))));

    const queue = new Queue('q', { connection: urlOf(schema) });
    expect(await queue.getJobCounts('waiting')).toEqual({ waiting: 5 });
    await queue.close();
  });

  it('uses the connections of its pool and one more, however many queues and workers there are', async () => {
    const connection = urlOf(newSchema(), '&poolSize=3');
    const url = `${connection}&application_name=few`;
    const names = Array.from({ length: 20 }, (_, index) => `q${index}`);
    const queues = names.map((name) => new Queue(name, { connection: url }));
    let done = 0;
    let ring = (): void => undefined;
    const all = new Promise<void>((resolve) => {
      ring = resolve;
    });
    const workers = names.map(
      (name) =>
        new Worker(
          name,
          async () => {
            done += 1;
            if (done === 200) ring();
          },
          { connection: url },
        ),
    );
    await Promise.all(queues.flatMap((queue) => Array.from({ length: 10 }, () => queue.add('n', 1))));
    await all;
    const { rows } = await pool.query(
      "select count(*)::int as many from pg_stat_activity where application_name = 'few'",
    );

    expect(rows[0].many).toBeGreaterThan(1);
    expect(rows[0].many).toBeLessThanOrEqual(4);
    await Promise.all([...workers, ...queues].map((each) => each.close()));
    expect(await connectionsOf('few')).toBe(0);
  });

  async function connectionsOf(program: string): Promise<number> {
    const text = 'select count(*)::int as many from pg_stat_activity where application_name = $1';
    for (let turn = 0; turn < 100; turn += 1) {
      if ((await pool.query(text, [program])).rows[0].many === 0) return 0;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return (await pool.query(text, [program])).rows[0].many;
  }

  it('starts a job at once that another process adds', async () => {
    const connection = urlOf(newSchema());
    const startedAt: number[] = [];
    let ring = (): void => undefined;
    const worker = new Worker(
      'q',
      async () => {
        startedAt.push(Date.now());
        ring();
      },
      { connection },
    );
    await worker.waitUntilReady();
    const other = postgresStore({ connectionString: connection });
    for (let n = 0; n < 3; n += 1) {
      const ran = new Promise<void>((resolve) => {
        ring = resolve;
      });
      await other.apply([{ op: 'add', jobs: [jobOf(`j${n}`)] }]);
      await ran;
    }

    expect(startedAt).toHaveLength(3);
    await other.close();
    await worker.close();
  });

  it('goes on after all its connections were ended, and hears again', async () => {
    const connection = `${urlOf(newSchema())}&application_name=cut`;
    const ran = new Set<unknown>();
    const worker = new Worker('q', async (job) => void ran.add(job.data), { connection });
    worker.on('error', () => undefined);
    const queue = new Queue('q', { connection });
    await worker.waitUntilReady();
    for (let n = 0; n < 5; n += 1) {
      await pool.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'cut'",
      );
      for (;;) {
        try {
          await queue.add('n', n, { jobId: `j${n}` });
          break;
        } catch (error) {
          expect(error).toMatchObject({ code: 'MILLRACE_STORE_UNAVAILABLE' });
        }
      }
    }
    for (let turn = 0; turn < 500 && ran.size < 5; turn += 1)
      await new Promise((resolve) => setTimeout(resolve, 20));

    expect([...ran].sort()).toEqual([0, 1, 2, 3, 4]);
    await worker.close();
    expect(await queue.getJobCounts('completed')).toEqual({ completed: 5 });
    await queue.close();
  });

  it('is told from a closed pool of the application, and serves again with another one', async () => {
    const schema = newSchema();
    const mine = testPool(2);
    const queue = new Queue('q', { connection: { pool: mine, schema } });
    await queue.add('n', 1);
    await mine.end();

    await expect(queue.add('n', 2)).rejects.toMatchObject({ code: 'MILLRACE_STORE_UNAVAILABLE' });
    await queue.close();
    const again = new Queue('q', { connection: urlOf(schema) });
    expect(await again.getJobCounts('waiting')).toEqual({ waiting: 1 });
    await again.close();
  });

  it('works under a role that may make nothing, once somebody has made the tables for it', async () => {
    const schema = newSchema();
    const role = `role_${schema}`;
    const url = new URL(urlOf(schema));
    await pool.query(`create role ${role} login password 'secret'`);
    url.username = role;
    url.password = 'secret';
    try {
      const refused = new Queue('q', { connection: url.href });
      await expect(refused.add('n', 1)).rejects.toThrow(
        /permission denied.*millrace migrate up.*grant usage/,
      );
      await expect(refused.add('n', 1)).rejects.not.toThrow(/secret/);
      await refused.close();

      const shared = connect(urlOf(schema));
      const migrations = await shared.migrations?.();
      expect(await migrations?.state()).toMatchObject({ found: 0 });
      await migrations?.up();
      const script = migrations?.sql({ from: 99, role }) ?? '';
      await pool.query(script.split('commit;').at(-1) ?? '');
      await migrations?.close();
      await shared.release();

      const queue = new Queue('q', { connection: url.href });
      const worker = new Worker('q', async (job) => job.data, { connection: url.href });
      const job = await queue.add('n', { a: 1 });
      expect(await job.result()).toEqual({ a: 1 });
      await worker.close();
      const { store, release } = connect(url.href);
      expect(await store.verify()).toEqual([]);
      await release();
      await queue.close();
    } finally {
      await dropSchemas(pool, [schema]);
      await pool.query(`drop owned by ${role}; drop role ${role}`);
    }
  });

  it('is not led astray by objects that others made, whatever the search path', async () => {
    const schema = newSchema();
    const trap = newSchema();
    await pool.query(`
      create schema ${trap};
      create table ${trap}.job (id int); create table ${trap}.queue (id int);
      create function ${trap}.floor(double precision) returns double precision language sql as 'select -1.0::float8';
      create function ${trap}.now() returns timestamptz language sql as 'select null::timestamptz';
      create function ${trap}.hashtext(text) returns int language plpgsql as $$ begin raise 'trap'; end $$;`);
    const url = `${urlOf(schema)}&options=${encodeURIComponent(`-c search_path=${trap},pg_catalog`)}`;
    const queue = new Queue('q', { connection: url });
    const worker = new Worker('q', async () => 'done', { connection: url });
    const job = await queue.add('n', 1);

    expect(await job.result()).toBe('done');
    expect((await queue.getJob(job.id))?.timestamp).toBeGreaterThan(1e12);
    await worker.close();
    await queue.close();
  });

  it('has a command line that makes its tables, says so, and never shows the password', async () => {
    const url = new URL(urlOf(newSchema()));
    url.password = 'secret';
    const millrace = async (...args: string[]): Promise<{ code: number; text: string }> => {
      const all = ['dist/cli/main.js', ...args, '--connection', url.href];
      return promisify(execFile)(process.execPath, all).then(
        ({ stdout, stderr }) => ({ code: 0, text: stdout + stderr }),
        ({ code, stdout, stderr }) => ({ code, text: stdout + stderr }),
      );
    };
    const answers = [
      await millrace('status'),
      await millrace('migrate', 'status'),
      await millrace('migrate', 'up'),
      await millrace('migrate', 'status'),
      await millrace('add', 'mails', 'welcome', '{"to":"ada"}'),
      await millrace('jobs', 'ls', 'data.to:ada'),
      await millrace('doctor', '--verify'),
    ];

    expect(answers.map(({ code }) => code)).toEqual([1, 3, 0, 0, 0, 0, 0]);
    expect(answers[0]?.text).toContain('millrace migrate up');
    expect(answers[5]?.text).toContain('welcome');
    for (const { text } of answers) expect(text).not.toContain('secret');
  });

  it('searches payloads by an index that somebody made for their path, and looks at nothing else', async () => {
    const schema = newSchema();
    const { store, release } = connect(urlOf(schema));
    const queue = new Queue('q', { connection: urlOf(schema) });
    const values = [42, '42', 42.0, '42.0', 43, true, null, { id: 42 }, [42], 'x'.repeat(1_000), "o'clock"];
    await queue.addBulk(values.map((id) => ({ name: 'n', data: { user: { "it's": id } } })));
    await queue.add('n', 'no object');
    const search = async (value: string): Promise<[found: number, scanned: number]> => {
      const data = [{ path: ['user', "it's"], value }];
      const { jobs, scanned } = await store.find({ data }, { cursor: null, limit: 100 });
      return [jobs.length, scanned];
    };
    const wanted = ['42', '42.0', 'true', 'null', 'x'.repeat(1_000), "o'clock", '7'];
    const before = [];
    for (const value of wanted) before.push((await search(value))[0]);
    const key = `${schema}.body_key_v1(body, content_type, '{user,it''s}')`;
    await pool.query(`create index on ${schema}.job (queue_id, ${key}, seq) where ${key} is not null`);
    const after = [];
    for (const value of wanted) after.push(await search(value));

    expect(before).toEqual([3, 1, 1, 1, 1, 1, 0]);
    expect(after.map(([found]) => found)).toEqual(before);
    expect(after.map(([, scanned]) => scanned)).toEqual([4, 4, 1, 1, 1, 1, 0]);
    await queue.close();
    await release();
  });

  it('finds what somebody has changed by hand', async () => {
    const schema = newSchema();
    const { store, release } = connect(urlOf(schema));
    expect((await store.doctor()).filter(({ severity }) => severity === 'error')).toEqual([]);
    await pool.query(`drop index ${schema}.job_origin; drop function ${schema}.add_job`);

    expect(await store.doctor()).toContainEqual(
      expect.objectContaining({
        check: 'schema',
        severity: 'error',
        message: expect.stringMatching(/lacks .*index job_origin/),
      }),
    );
    await release();
  });

  it('tells a newer schema from its own', async () => {
    const schema = newSchema();
    const queue = new Queue('q', { connection: urlOf(schema) });
    await queue.add('n', 1);
    await queue.close();
    await pool.query(`update ${schema}.meta set value = 99`);
    const late = new Queue('q', { connection: urlOf(schema) });

    await expect(late.add('n', 2)).rejects.toMatchObject({ code: 'MILLRACE_SCHEMA_VERSION' });
    await late.close();
  });

  it('names the setting that is in the way of a durability that was demanded', async () => {
    const { rows } = await pool.query("select current_setting('fsync') as fsync");
    const level = rows[0].fsync === 'off' ? 'disk' : 'replicated';
    const queue = new Queue('q', { connection: `${urlOf(newSchema())}&durability=${level}` });

    await expect(queue.add('n', 1)).rejects.toThrow(/fsync|synchronous_standby_names/);
    await queue.close();
  });
});

function jobOf(id: string): import('../../src/store/store.ts').NewJob {
  return {
    ...{
      queue: 'q',
      id,
      name: 'n',
      body: new Uint8Array([49]),
      contentType: 'application/json',
      headers: {},
    },
    ...{ priority: 0, lifo: false, delayMs: 0 },
    policy: {
      ...{
        attempts: 1,
        backoff: null,
        retryForMs: null,
        timeoutMs: null,
        ttlMs: null,
        deadLetterQueue: null,
      },
      ...{ keepCompletedMs: null, keepFailedMs: null },
    },
  };
}
