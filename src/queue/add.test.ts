import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  InvalidOptionError,
  InvalidPayloadError,
  LimitExceededError,
  SchemaMismatchError,
  UnsupportedError,
} from '../errors.ts';
import type { Effect, Store } from '../store/store.ts';
import { type TestStore, testStore } from '../testing/test-store.ts';
import { Queue } from './queue.ts';
import type { QueueOptions } from './queue-options.ts';

let t: TestStore;
let queue: Queue;

beforeEach(() => {
  t = testStore();
  queue = new Queue('orders', { connection: t.connection });
});

afterEach(async () => {
  await queue.close();
  await t.close();
});

const named = (name: string, options: Omit<QueueOptions, 'connection'> = {}): Queue =>
  new Queue(name, { connection: t.connection, ...options });

/** As a caller without types would. */
const untyped = (value: unknown): never => value as never;

describe('add', () => {
  test('answers the job as it was stored', async () => {
    const job = await queue.add('ship', { orderId: 7 }, { priority: 3, delay: '1m', attempts: 2 });
    const stored = await queue.getJob(job.id);

    expect(job.created).toBe(true);
    expect(stored?.toJSON()).toEqual(job.toJSON());
    expect(job).toMatchObject({ name: 'ship', data: { orderId: 7 }, priority: 3, delay: 60_000 });
    expect(job).toMatchObject({ state: 'delayed', queueName: 'orders', attempt: 1, maxAttempts: 2 });
  });

  test('with an id that is there already stores nothing and answers the job that is there', async () => {
    const first = await queue.add('ship', { orderId: 7 }, { jobId: 'order-7' });
    const second = await queue.add('ship', { orderId: 8 }, { jobId: 'order-7', priority: 5 });

    expect([first.created, second.created]).toEqual([true, false]);
    expect(second).toMatchObject({ data: { orderId: 7 }, priority: 0 });
    expect((await queue.summary()).totals).toMatchObject({ added: 1, duplicates: 1 });
  });

  test.each(['', 7, 'x'.repeat(257), 'a\u0007', 'a\ud800', null])('refuses %j as a name', async (name) => {
    await expect(queue.add(untyped(name), {})).rejects.toThrow(InvalidOptionError);
  });

  test('refuses what JSON would bend, with the path, and stores nothing', async () => {
    const refused = queue.add('ship', { lines: [{ price: 1n }] });

    await expect(refused).rejects.toThrow(InvalidPayloadError);
    await expect(refused).rejects.toMatchObject({ path: 'data.lines[0].price' });
    expect(await t.store.queues()).toEqual([]);
  });

  test('keeps to the largest payload of the queue', async () => {
    const small = named('orders', { maxPayloadBytes: 10 });

    await expect(small.add('ship', 'x'.repeat(9))).rejects.toThrow(LimitExceededError);
    await expect(small.add('ship', 'x'.repeat(8))).resolves.toMatchObject({ created: true });
  });

  test('takes the defaults of the queue where the job says nothing', async () => {
    const patient = named('orders', { defaultJobOptions: { attempts: 5, headers: { source: 'shop' } } });
    const job = await patient.add('ship', {}, { headers: { region: 'eu' } });

    expect(job.opts).toMatchObject({ attempts: 5, headers: { source: 'shop', region: 'eu' } });
  });

  test('in a transaction is refused by a store that has none, and nothing is stored', async () => {
    await expect(queue.add('ship', {}, { tx: {} })).rejects.toThrow(UnsupportedError);
    expect(await t.store.queues()).toEqual([]);
  });

  test('carries trace headers, which headers of the job override', async () => {
    const headers = {
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      tracestate: 'a=1',
    };
    const traced = named('orders', { propagation: { inject: () => headers } });
    const job = await traced.add('ship', {}, { headers: { tracestate: 'b=2' } });

    expect((await queue.getJob(job.id))?.headers).toEqual({ ...headers, tracestate: 'b=2' });
  });

  test.each([
    ['throws', () => untyped(raise(new Error('no tracer')))],
    ['gives no headers', () => untyped({ traceparent: {} })],
  ])('goes on without trace headers when the tracer %s, and tells it as an error', async (_, inject) => {
    const errors: Error[] = [];
    const traced = named('orders', { propagation: { inject } }).on('error', (error) => errors.push(error));
    const job = await traced.add('ship', {});

    expect(job.headers).toEqual({});
    expect(errors).toHaveLength(1);
  });
});

function raise(error: Error): never {
  throw error;
}

describe('addBulk', () => {
  test('adds all jobs in one effect and answers them in order', async () => {
    const written = countEffects(t.store);
    const bulk = new Queue('orders', { connection: { ...t.connection, store: written.store } });
    const jobs = await bulk.addBulk([
      { name: 'ship', data: 1, opts: { jobId: 'a' } },
      { name: 'bill', data: 2 },
      { name: 'ship', data: 3, opts: { jobId: 'a' } },
    ]);

    expect(written.ops).toEqual(['add']);
    expect(jobs.map(({ name, data, created }) => ({ name, data, created }))).toEqual([
      { name: 'ship', data: 1, created: true },
      { name: 'bill', data: 2, created: true },
      { name: 'ship', data: 1, created: false },
    ]);
  });

  test('of nothing does nothing', async () => {
    expect(await queue.addBulk([])).toEqual([]);
    expect(await t.store.queues()).toEqual([]);
  });

  test('with one bad job adds none, and tells the problems of all of them', async () => {
    const refused = queue.addBulk(
      untyped([
        { name: 'ship', data: 1 },
        { name: '', data: 2 },
        { name: 'ship', data: 3, opts: { attemps: 1, delay: -1 } },
        { name: 'ship', data: 4, options: {} },
        { data: 5 },
        'ship',
      ]),
    );

    await expect(refused).rejects.toMatchObject({
      problems: [
        { path: 'jobs[1].name' },
        { path: 'jobs[2].opts.attemps' },
        { path: 'jobs[2].opts.delay' },
        { path: 'jobs[3].options', message: 'is not an option. The options are name, data, opts.' },
        { path: 'jobs[4].name' },
        { path: 'jobs[5]' },
      ],
    });
    await expect(queue.addBulk([{ name: 'a', data: { at: [1n] } }])).rejects.toMatchObject({
      path: 'jobs[0].data.at[0]',
    });
    expect(await t.store.queues()).toEqual([]);
  });

  test('of more than one step can take is refused with the advice to slice it', async () => {
    const jobs = Array.from({ length: 1_001 }, (_, data) => ({ name: 'ship', data }));

    await expect(queue.addBulk(jobs)).rejects.toThrow(/1001 jobs.*slices/);
    await expect(queue.addBulk(jobs.slice(1))).resolves.toHaveLength(1_000);
  });
});

describe('schemas', () => {
  /** Accepts `{ to: string }`, trims it. */
  const schemas = {
    welcome: {
      data: {
        '~standard': {
          version: 1 as const,
          vendor: 'test',
          validate: (value: unknown) => {
            const to: unknown = Reflect.get(Object(value), 'to');
            if (typeof to === 'string') return { value: { to: to.trim() } };
            return { issues: [{ message: 'must be a string', path: ['to'] }] };
          },
        },
      },
    },
  };

  test('what the schema makes of the data is stored', async () => {
    const job = await named('orders', { schemas }).add('welcome', { to: ' ada ' });

    expect((await queue.getJob(job.id))?.data).toEqual({ to: 'ada' });
  });

  test('data that does not match is refused, one by one and in bulk, and a name without a schema is free', async () => {
    const checked = named('orders', { schemas });

    await expect(checked.add('welcome', { to: 1 })).rejects.toThrow(SchemaMismatchError);
    await expect(checked.addBulk([{ name: 'welcome', data: {} }])).rejects.toMatchObject({
      problems: [{ path: 'jobs[0].data.to' }],
    });
    await expect(checked.add('goodbye', { to: 1 })).resolves.toMatchObject({ created: true });
  });
});

/** The same store, its effects written down. */
function countEffects(store: Store): { readonly store: Store; readonly ops: string[] } {
  const ops: string[] = [];
  const apply: Store['apply'] = (effects, options) => {
    ops.push(...effects.map(({ op }: Effect) => op));
    return store.apply(effects, options);
  };
  return { store: { ...store, apply }, ops };
}
