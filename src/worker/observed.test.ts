import { afterEach, expect, test } from 'vitest';
import * as z from 'zod';
import { Queue } from '../queue/queue.ts';
import type { TelemetryHooks } from '../telemetry/hooks.ts';
import { type TestStore, testStore } from '../testing/index.ts';
import type { WorkerOptions } from './options.ts';
import { type Processor, Worker } from './worker.ts';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const traceparent = `00-${TRACE_ID}-00f067aa0ba902b7-01`;

let t: TestStore;
let queue: Queue;
let worker: Worker;

afterEach(async () => {
  await worker.close({ force: true });
  await queue.close();
});

function open(): void {
  t = testStore();
  queue = new Queue('mail', { connection: t.connection });
}

function work(processor: Processor, options: WorkerOptions = {}): void {
  worker = new Worker('mail', processor, { connection: t.connection, ...options });
}

/** All events, in order, by the names of their hooks. */
function recorder(): { hooks: TelemetryHooks; heard: [string, unknown][] } {
  const heard: [string, unknown][] = [];
  const hear = (name: string) => (event: unknown) => heard.push([name, event]);
  const names = [
    'onClaim',
    'onAttemptStart',
    'onAttemptEnd',
    'onSettle',
    'onUpkeep',
    'onUnheardError',
  ] as const;
  return { hooks: Object.fromEntries(names.map((name) => [name, hear(name)])), heard };
}

test('the life of an attempt can be followed from claim to settlement', async () => {
  open();
  const { hooks, heard } = recorder();
  await queue.add('welcome', {}, { jobId: 'a', headers: { traceparent } });
  await t.advance(250);
  work(async () => 1, { telemetry: hooks });

  await t.runUntilIdle();

  const attempt = {
    ...{ queue: 'mail', jobId: 'a', jobName: 'welcome', token: 1, attempt: 1, worker: worker.id },
    ...{ waitedMs: 250, traceparent, traceId: TRACE_ID },
  };
  expect(heard.slice(0, 5)).toEqual([
    ['onClaim', { queue: 'mail', worker: worker.id, asked: 1, got: 1, settled: 0, tookMs: 0 }],
    ['onAttemptStart', attempt],
    ['onAttemptEnd', { attempt, ranMs: 0, to: 'completed', error: null, leftBehind: false }],
    ['onSettle', { attempt, outcome: 'ok', tookMs: 0 }],
    ['onClaim', { queue: 'mail', worker: worker.id, asked: 1, got: 0, settled: 1, tookMs: 0 }],
  ]);
});

test('the trace that rides in the headers is kept with the attempt', async () => {
  open();
  await queue.add('welcome', {}, { jobId: 'traced', headers: { traceparent } });
  await queue.add('welcome', {}, { jobId: 'broken', headers: { traceparent: 'nonsense' } });
  await queue.add('welcome', {}, { jobId: 'plain' });
  work(async () => 1);

  await t.runUntilIdle();

  for (const [id, traceId] of [
    ['traced', TRACE_ID],
    ['broken', null],
    ['plain', null],
  ] as const) {
    expect(await t.store.attempts({ queue: 'mail', id })).toMatchObject([{ traceId }]);
  }
});

test('failures and processors that were left behind are told with their errors', async () => {
  open();
  const { hooks, heard } = recorder();
  await queue.add('welcome', {}, { jobId: 'deaf', timeout: 100 });
  work(() => new Promise(() => undefined), { telemetry: hooks });

  await t.advance('5s');

  const ends = heard.filter(([name]) => name === 'onAttemptEnd').map(([, event]) => event);
  expect(ends).toMatchObject([
    { to: 'failed', leftBehind: true, ranMs: 2_100, error: { name: 'TimeoutError' } },
  ]);
});

test('aroundAttempt runs the processor in a context of its own', async () => {
  open();
  const steps: string[] = [];
  await queue.add('welcome', {}, { jobId: 'a' });
  work(async () => steps.push('run'), {
    telemetry: {
      aroundAttempt: async (attempt, run) => {
        steps.push(`open ${attempt.jobId}`);
        try {
          return await run();
        } finally {
          steps.push('close');
        }
      },
    },
  });

  await t.runUntilIdle();

  expect(steps).toEqual(['open a', 'run', 'close']);
  expect(await t.expectState('mail', 'a', 'completed')).toMatchObject({ returnvalue: 2 });
});

test('an error without a listener goes to the telemetry', async () => {
  open();
  const { hooks, heard } = recorder();
  await queue.add('welcome', {}, { jobId: 'a' });
  work(async () => 1, { telemetry: hooks });
  worker.on('completed', () => {
    throw new Error('broken listener');
  });

  await t.runUntilIdle();

  const errors = heard.filter(([name]) => name === 'onUnheardError').map(([, event]) => event);
  expect(errors).toMatchObject([{ source: 'worker of queue "mail"', error: { message: 'broken listener' } }]);
});

test('what upkeep did is told, and passes without work are not', async () => {
  open();
  const { hooks, heard } = recorder();
  work(async () => 1, { telemetry: hooks });
  await worker.pause();
  await queue.add('welcome', {}, { delay: 1_000 });
  await queue.add('welcome', {}, { ttl: 3_000 });

  await t.advance('10s');

  const events = heard.filter(([name]) => name === 'onUpkeep').map(([, event]) => event);
  const nothing = { promoted: 0, reclaimed: 0, expired: 0, pruned: 0, operated: 0, tookMs: 0 };
  expect(events).toEqual([
    { ...nothing, promoted: 1 },
    { ...nothing, expired: 1 },
  ]);
});

test('a payload that does not match its schema never reaches the processor and is not retried', async () => {
  open();
  await queue.add('welcome', { to: 5 }, { jobId: 'bad', attempts: 5 });
  await queue.add('welcome', { to: 'ada' }, { jobId: 'good', attempts: 5 });
  const ran: string[] = [];
  work(async (job) => ran.push(job.id), { schemas: { welcome: { data: z.object({ to: z.string() }) } } });

  await t.runUntilIdle();

  expect(ran).toEqual(['good']);
  const bad = await t.expectState('mail', 'bad', 'failed');
  expect(bad).toMatchObject({
    cause: 'invalid-payload',
    failures: 1,
    error: { name: 'SchemaMismatchError' },
  });
  expect(bad.error?.message).toContain('data.to');
});

test('a result that does not match its schema, or that JSON cannot hold, fails the job for good', async () => {
  open();
  await queue.add('mismatch', {}, { jobId: 'mismatch', attempts: 5 });
  await queue.add('date', {}, { jobId: 'date', attempts: 5 });
  await queue.add('large', {}, { jobId: 'large', attempts: 5 });
  await queue.add('coerced', {}, { jobId: 'coerced' });
  const results: Record<string, unknown> = {
    ...{
      mismatch: { count: 'many' },
      date: { at: new Date(0) },
      large: 'x'.repeat(200),
      coerced: { count: 1, extra: 2 },
    },
  };
  const result = z.object({ count: z.number() });
  work(async (job) => results[job.name], {
    ...{ concurrency: 4, maxPayloadBytes: 100 },
    schemas: { mismatch: { result }, coerced: { result } },
  });

  await t.runUntilIdle();

  for (const [id, name] of [
    ['mismatch', 'SchemaMismatchError'],
    ['date', 'InvalidPayloadError'],
    ['large', 'LimitExceededError'],
  ] as const) {
    expect(await t.expectState('mail', id, 'failed')).toMatchObject({
      cause: 'invalid-payload',
      error: { name },
    });
  }
  expect(await t.expectState('mail', 'coerced', 'completed')).toMatchObject({ returnvalue: { count: 1 } });
});

test('a payload that is no JSON although it says so fails the job for good', async () => {
  open();
  const [known] = [await queue.add('welcome', {}, { jobId: 'a', attempts: 5, delay: 1_000 })];
  await t.store.apply([
    {
      op: 'data',
      job: { queue: 'mail', id: known.id },
      body: new Uint8Array([255]),
      contentType: 'application/json',
    },
  ]);
  let ran = false;
  work(async () => {
    ran = true;
  });

  await t.advance('2s');

  expect(ran).toBe(false);
  expect(await t.expectState('mail', 'a', 'failed')).toMatchObject({ cause: 'invalid-payload' });
});
