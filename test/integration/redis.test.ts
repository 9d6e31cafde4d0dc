/** The Redis store among other processes, other connections and other people's settings. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { Queue, Worker } from 'millrace';
import { redisStore } from 'millrace/redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aclOf } from '../../src/store/redis/acl.ts';
import { newJob } from '../../src/testing/conformance/support.ts';
import { noServer, type RedisServer, startServer } from '../support/redis-server.ts';

describe.skipIf(noServer)('the Redis store', () => {
  let server: RedisServer;
  let admin: Redis;
  let spaces = 0;
  const nextUrl = (more = ''): string => `${server.url}?namespace=n${++spaces}${more}`;

  beforeAll(async () => {
    server = await startServer();
    admin = new Redis(server.url);
  });

  afterAll(async () => {
    admin?.disconnect();
    await server?.stop();
  });

  /** Runs a program to its own end; one that does not end fails the test by its deadline. */
  async function run(program: string, ...args: string[]): Promise<string> {
    const all = ['--input-type=module', '-e', program, ...args];
    const { stdout } = await promisify(execFile)(process.execPath, all, { timeout: 20_000 });
    return stdout.trim();
  }

  async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
    for (let turn = 0; !(await isTrue()); turn += 1) {
      if (turn > 500) throw new Error('it did not come to that');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  const clients = async (): Promise<number> =>
    String(await admin.client('LIST'))
      .split('\n')
      .filter(Boolean).length - 1;

  it('keeps no process alive, closed or not, watched or not', async () => {
    const said = await run(
      `import { connect } from 'millrace';
       const { store } = connect(process.argv[1]);
       await store.watch(['q'], () => undefined);
       console.log((await store.queues()).length);`,
      nextUrl(),
    );

    expect(said).toBe('0');
  });

  it('uses at most three connections for twenty queues with a worker each, and leaves none behind', async () => {
    const connection = nextUrl();
    const names = Array.from({ length: 20 }, (_, index) => `q${index}`);
    const queues = names.map((name) => new Queue(name, { connection }));
    let done = 0;
    const workers = names.map(
      (name) =>
        new Worker(
          name,
          async () => {
            done += 1;
          },
          { connection },
        ),
    );
    await Promise.all(queues.flatMap((queue) => Array.from({ length: 10 }, () => queue.add('n', 1))));
    await until(() => done === 200);

    expect(await clients()).toBeLessThanOrEqual(3);
    await Promise.all([...workers, ...queues].map((each) => each.close()));
    await until(async () => (await clients()) === 0);
  });

  it('starts a job at once that another process adds, also the first of a queue', async () => {
    const connection = nextUrl();
    const ran: unknown[] = [];
    const worker = new Worker('q', async (job) => void ran.push(job.id), { connection });
    await worker.waitUntilReady();
    const other = redisStore({ redis: connection });
    for (let n = 0; n < 3; n += 1) {
      await other.apply([{ op: 'add', jobs: [newJob({ queue: 'q', id: `j${n}` })] }]);
      await until(() => ran.length === n + 1);
    }

    expect(ran).toEqual(['j0', 'j1', 'j2']);
    await other.close();
    await worker.close();
  });

  it('is told at once that a job ended which another process runs', async () => {
    const connection = nextUrl();
    const worker = new Worker('q', async () => 7, { connection });
    const queue = new Queue('q', {
      connection: { redis: new Redis(server.url, { lazyConnect: true }), namespace: `n${spaces}` },
    });
    const job = await queue.add('n', 1);

    expect(await job.result()).toBe(7);
    await queue.close();
    await worker.close();
  });

  it('goes on after all its connections were ended and its scripts forgotten, and hears again', async () => {
    const connection = nextUrl();
    const ran = new Set<unknown>();
    const worker = new Worker('q', async (job) => void ran.add(job.data), { connection });
    worker.on('error', () => undefined);
    const queue = new Queue('q', { connection });
    await worker.waitUntilReady();
    for (let n = 0; n < 5; n += 1) {
      await admin.script('FLUSH');
      await admin.call('CLIENT', 'KILL', 'TYPE', n % 2 === 0 ? 'normal' : 'pubsub', 'SKIPME', 'yes');
      for (;;) {
        try {
          await queue.add('n', n, { jobId: `j${n}` });
          break;
        } catch (error) {
          expect(error).toMatchObject({ code: 'MILLRACE_STORE_UNAVAILABLE' });
        }
      }
    }
    await until(() => ran.size === 5);

    await worker.close();
    expect(await queue.getJobCounts('completed')).toEqual({ completed: 5 });
    await queue.close();
  });

  it('works under a user who may do what is documented and nothing else', async () => {
    const namespace = `n${++spaces}`;
    await admin.call('ACL', 'SETUSER', 'app', 'on', '>secret', ...aclOf(`{${namespace}}:`).split(' '));
    const connection = { redis: { port: server.port, username: 'app', password: 'secret' }, namespace };
    const queue = new Queue('q', { connection });
    const worker = new Worker('q', async (job) => job.data, { connection });
    const job = await queue.add('n', { a: 1 }, { delay: 1 });
    expect(await job.result()).toEqual({ a: 1 });
    const store = redisStore(connection);
    expect((await store.durability()).detail).toContain('everysec');
    expect(await store.verify()).toEqual([]);
    await store.close();
    await worker.close();
    await queue.close();

    const elsewhere = redisStore({ ...connection, namespace: 'other' });
    await expect(elsewhere.queues()).rejects.toMatchObject({ code: 'MILLRACE_ENVIRONMENT' });
    await expect(elsewhere.queues()).rejects.not.toThrow(/secret/);
    await elsewhere.close();
  });

  it('refuses a server that evicts, and one that keeps less than is demanded, and names the setting', async () => {
    await admin.config('SET', 'maxmemory-policy', 'allkeys-lru');
    const evicting = redisStore({ redis: nextUrl() });
    await expect(evicting.queues()).rejects.toThrow(/maxmemory-policy allkeys-lru/);
    await admin.config('SET', 'maxmemory-policy', 'noeviction');
    expect(await evicting.queues()).toEqual([]);
    await evicting.close();

    const weak = redisStore({ redis: nextUrl('&durability=disk') });
    await expect(weak.queues()).rejects.toThrow(/Set `appendonly` to yes and `appendfsync` to always/);
    await weak.close();
  });

  it('writes nothing of a call for which there is no memory, and goes on when there is', async () => {
    const queue = new Queue('q', { connection: nextUrl() });
    await queue.add('n', 1);
    await admin.config('SET', 'maxmemory', '1');
    await expect(
      queue.addBulk([
        { name: 'n', data: 2 },
        { name: 'n', data: 3 },
      ]),
    ).rejects.toMatchObject({
      code: 'MILLRACE_STORE_FULL',
    });
    await admin.config('SET', 'maxmemory', '0');

    expect(await queue.getJobCounts('waiting')).toEqual({ waiting: 1 });
    const store = redisStore({ redis: `${server.url}?namespace=n${spaces}` });
    expect(await store.verify()).toEqual([]);
    await store.close();
    await queue.close();
  });
});
