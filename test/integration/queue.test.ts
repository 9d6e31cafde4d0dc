/** The producer's side against the stores themselves, through the built package. */

import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { type AnyQueueEvent, ClosedError, InvalidOptionError, Queue, QueueEvents, Worker } from 'millrace';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeScratch } from '../support/scratch.ts';
import { root } from '../tidy/files.ts';

const scratch = makeScratch();
const run = promisify(execFile);
let memories = 0;

afterAll(() => scratch.remove());

const harnesses = [
  { name: 'memory', url: () => `memory:integration-${++memories}` },
  { name: 'SQLite on file', url: () => `sqlite:${scratch.nextPath()}` },
];

interface Closable {
  close(): Promise<void>;
}

/** Everything a test opened, closed after it, what was opened last first. */
const opened: Closable[] = [];

function opens<T extends Closable>(closable: T): T {
  opened.push(closable);
  return closable;
}

afterEach(async () => {
  for (const closable of opened.splice(0).reverse()) await closable.close();
});

/** A program that ends by itself; a test fails when it does not within 20 s. */
async function runProgram(code: string, connection: string): Promise<string> {
  const env = { ...process.env, MILLRACE_URL: connection };
  const args = ['--no-warnings', '--input-type=module', '--eval', code];
  const { stdout } = await run(process.execPath, args, { cwd: root, env, timeout: 20_000 });
  return stdout.trim();
}

describe.each(harnesses)('$name', ({ url }) => {
  let connection: string;

  beforeEach(() => {
    connection = url();
  });

  const openQueue = (name = 'orders', options: object = {}): Queue =>
    opens(new Queue(name, { connection, ...options }));

  test('a job goes from add to its result', async () => {
    const queue = openQueue();
    opens(
      new Worker('orders', async (job) => ({ status: `${job.name} ${job.data.orderId}` }), { connection }),
    );
    const job = await queue.add(
      'ship',
      { orderId: 7 },
      { attempts: 3, backoff: { type: 'exponential', delay: 2_000 } },
    );

    expect(await job.result({ timeout: '10s' })).toEqual({ status: 'ship 7' });
    expect(await queue.getJobCounts('waiting', 'active', 'failed', 'delayed')).toEqual({
      ...{ waiting: 0, active: 0, failed: 0, delayed: 0 },
    });
    expect(await job.refresh()).toMatchObject({ state: 'completed', attemptsMade: 1, attemptsStarted: 1 });
  });

  test('jobs added at once by many callers are all there, in the order of the calls', async () => {
    const [queue, other] = [openQueue(), openQueue()];
    const jobs = await Promise.all(
      Array.from({ length: 1_500 }, (_, index) =>
        (index % 2 ? queue : other).add('n', { index }, { jobId: `j${index}` }),
      ),
    );
    const stored = await queue.getJobs('waiting', 0, -1, true);

    expect(jobs.every(({ created }) => created)).toBe(true);
    expect(stored.map(({ data }) => data.index)).toEqual(jobs.map((_, index) => index));
  });

  test('a bulk is all or nothing, and of two jobs with one id only the first is made', async () => {
    const queue = openQueue();
    const bulk = [1, 2, 1].map((id) => ({ name: 'n', data: { id }, opts: { jobId: `j${id}` } }));
    const jobs = await queue.addBulk(bulk);
    const bad = [...bulk, { name: 'n', data: { at: 1n }, opts: { jobId: 'j3' } }];

    expect(jobs.map(({ created }) => created)).toEqual([true, true, false]);
    await expect(queue.addBulk(bad)).rejects.toMatchObject({ path: 'jobs[3].data.at' });
    expect((await queue.summary()).totals).toMatchObject({ added: 2, duplicates: 1 });
  });

  test('settings from the options hold for every worker and stay when others say nothing', async () => {
    await openQueue('orders', { maxCrashes: 7, retention: { completed: { age: '7d' } } }).add('n', {});
    const settings = (await openQueue().summary()).settings;

    expect(settings).toMatchObject({ maxCrashes: 7, retention: { completed: { ageMs: 604_800_000 } } });
  });

  test('headers, priority, options and bytes come back as they were', async () => {
    const queue = openQueue();
    const headers = {
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      attempt: 1,
      dry: true,
    };
    const data = { text: 'a\ud800\u0000\u2028', nested: [{ deep: [null, 1.5e-7, 'é'] }], ['__proto__x']: 1 };
    const options = {
      headers,
      priority: 9,
      attempts: 4,
      timeout: 5_000,
      backoff: { type: 'fixed', delay: 3, jitter: 0 },
    };
    const { id } = await queue.add('n', data, options);
    const job = await queue.getJob(id);

    expect(job?.data).toEqual(data);
    expect(job?.opts).toMatchObject(options);
  });

  test('events tell the whole life of a job, and another listener goes on from the cursor', async () => {
    const events = opens(new QueueEvents('orders', { connection }));
    await events.waitUntilReady();
    const queue = openQueue();
    opens(new Worker('orders', async () => 42, { connection }));
    const { id } = await queue.add('ship', {});
    const seen: AnyQueueEvent[] = [];
    for await (const event of events) {
      seen.push(event);
      if (event.kind === 'completed') break;
    }
    const cursor = seen.find(({ kind }) => kind === 'active')?.cursor ?? Number.NaN;
    const later = opens(new QueueEvents('orders', { connection, after: cursor }));
    const next = await later[Symbol.asyncIterator]().next();

    expect(seen.map(({ kind }) => kind)).toEqual(['added', 'active', 'completed']);
    expect(next.value).toMatchObject({ kind: 'completed', jobId: id, returnvalue: 42 });
  });

  test('a program that only adds ends by itself, also when it closes nothing', async () => {
    const code = `
      import { Queue } from 'millrace';
      const queue = new Queue('orders', { maxCrashes: 1 });
      const job = await queue.add('ship', { orderId: 7 });
      await queue.addBulk([{ name: 'ship', data: 1 }]);
      console.log(job.created, (await queue.getJobCounts('waiting')).waiting);`;

    expect(await runProgram(code, connection)).toBe('true 2');
  });

  test('closing waits for what was not awaited, and is safe twice', async () => {
    const [queue, watcher] = [openQueue(), openQueue()];
    const added = Array.from({ length: 50 }, (_, index) => queue.add('n', index));
    await Promise.all([queue.close(), queue.close()]);

    await expect(Promise.all(added)).resolves.toHaveLength(50);
    expect(await watcher.getJobCounts('waiting')).toEqual({ waiting: 50 });
    await expect(queue.add('n', 51)).rejects.toThrow(ClosedError);
  });
});

describe('SQLite between processes', () => {
  test('a result arrives from a worker in another process', async () => {
    const connection = `sqlite:${scratch.nextPath()}`;
    const queue = opens(new Queue('sums', { connection }));
    const job = await queue.add('sum', { numbers: [40, 2] });
    const [result] = await Promise.all([
      job.result({ timeout: '15s' }),
      runProgram(
        `import { Worker } from 'millrace';
         const worker = new Worker('sums', async (job) => job.data.numbers.reduce((a, b) => a + b));
         worker.once('completed', () => worker.close());`,
        connection,
      ),
    ]);

    expect(result).toBe(42);
  });

  test('events of another process are told here', async () => {
    const connection = `sqlite:${scratch.nextPath()}`;
    const events = opens(new QueueEvents('orders', { connection }));
    const added = new Promise<string>((resolve) => events.on('added', ({ name }) => resolve(name)));
    await events.waitUntilReady();
    await runProgram(
      `import { Queue } from 'millrace';
       await new Queue('orders').add('ship', {});`,
      connection,
    );

    expect(await added).toBe('ship');
  });
});

/** Part of both drivers that is needed here. */
interface Database {
  exec(sql: string): void;
  prepare(sql: string): { get(): unknown };
  close(): void;
}

const [major = 0] = process.versions.node.split('.').map(Number);
const DRIVER = major >= 22 ? 'node:sqlite' : '@photostructure/sqlite';

function openDatabase(path: string): Database {
  const require = createRequire(import.meta.url);
  const { DatabaseSync } = require(DRIVER) as { DatabaseSync: new (path: string) => Database };
  const db = new DatabaseSync(path);
  db.exec('pragma synchronous = full');
  return db;
}

describe("in the caller's own transaction", () => {
  let queue: Queue;
  let db: Database;

  beforeEach(async () => {
    const path = scratch.nextPath();
    await opens(new Queue('other', { connection: `sqlite:${path}` })).add('n', {});
    // Its settings are not in the store yet: they have to go in the same transaction.
    queue = opens(new Queue('orders', { connection: `sqlite:${path}`, maxCrashes: 9 }));
    db = openDatabase(path);
    db.exec('create table orders (id integer); begin immediate; insert into orders values (7)');
  });

  afterEach(() => db.close());

  const orders = (): unknown => db.prepare('select count(*) as count from orders').get();

  test('a job is there if and when the transaction commits', async () => {
    const job = await queue.add('ship', { orderId: 7 }, { tx: db });
    expect(job).toMatchObject({ created: true, state: 'waiting' });
    db.exec('commit');

    expect(orders()).toMatchObject({ count: 1 });
    expect(await queue.getJobCounts('waiting')).toEqual({ waiting: 1 });
    expect((await queue.summary()).settings.maxCrashes).toBe(9);
    expect((await queue.getJob(job.id))?.data).toEqual({ orderId: 7 });
  });

  test('a rollback takes the jobs along, one or many', async () => {
    await queue.add('ship', {}, { tx: db });
    await queue.addBulk(
      [
        { name: 'ship', data: 1 },
        { name: 'ship', data: 2 },
      ],
      { tx: db },
    );
    db.exec('rollback');

    expect(orders()).toMatchObject({ count: 0 });
    expect(await queue.getJobCounts('waiting')).toEqual({ waiting: 0 });
    expect((await queue.add('ship', {})).created).toBe(true);
  });

  test('nobody else gets a turn between two statements of it, not even in the first one of a process', async () => {
    const path = scratch.nextPath();
    const told = await runProgram(
      `import { Queue } from 'millrace';
       import { DatabaseSync } from '${DRIVER}';
       const queue = new Queue('orders');
       await queue.add('ship', {});
       const db = new DatabaseSync(${JSON.stringify(path)});
       db.exec('pragma synchronous = full; begin immediate');
       const other = new Promise((resolve) => setImmediate(() => resolve(console.log('another turn'))));
       await queue.add('ship', {}, { tx: db });
       db.exec('commit');
       console.log('committed');
       await other;
       console.log((await queue.getJobCounts('waiting')).waiting);`,
      `sqlite:${path}`,
    );

    expect(told.split('\n')).toEqual(['committed', 'another turn', '2']);
  });

  test('what is no transaction is refused, and the transaction goes on', async () => {
    await expect(queue.add('ship', {}, { tx: { prepare: 1 } })).rejects.toThrow(/transaction|tx/);
    await expect(queue.add('ship', { at: 1n }, { tx: db })).rejects.toThrow(/BigInt/);
    await expect(queue.add('', {}, { tx: db })).rejects.toThrow(InvalidOptionError);
    await queue.add('ship', {}, { tx: db });
    db.exec('commit');

    expect(orders()).toMatchObject({ count: 1 });
    expect(await queue.getJobCounts('waiting')).toEqual({ waiting: 1 });
  });
});
