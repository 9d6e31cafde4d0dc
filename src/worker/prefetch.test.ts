import { afterEach, expect, test } from 'vitest';
import { Queue } from '../queue/queue.ts';
import { sleep } from '../runtime/clock.ts';
import { type TestStore, testStore } from '../testing/index.ts';
import type { WorkerOptions } from './options.ts';
import { type Processor, Worker } from './worker.ts';

let t: TestStore;
let queue: Queue;
let workers: Worker[] = [];

afterEach(async () => {
  for (const worker of workers) void worker.close({ force: true });
  await t.advance('20s');
  workers = [];
  await queue.close();
  expect(t.clock.timers).toBe(0);
});

async function open(jobs: number): Promise<void> {
  t = testStore();
  queue = new Queue('mail', { connection: t.connection });
  await add(0, jobs);
}

function add(from: number, to: number): Promise<unknown> {
  const ids = Array.from({ length: to - from }, (_, index) => `${from + index}`);
  return queue.addBulk(ids.map((id) => ({ name: 'm', data: null, opts: { jobId: id } })));
}

/** How many jobs each claim asked for and got. */
function work(processor: Processor, options: WorkerOptions = {}): { worker: Worker; claims: number[][] } {
  const claims: number[][] = [];
  const telemetry = {
    onClaim: ({ asked, got }: { asked: number; got: number }) => claims.push([asked, got]),
  };
  const worker = new Worker('mail', processor, { connection: t.connection, telemetry, ...options });
  workers.push(worker);
  return { worker, claims };
}

const counts = async () => {
  const { waiting, active, completed, delayed } = await queue.getJobCounts();
  return { waiting, active, completed, delayed };
};
/** Enough for the worker to know that jobs end soon. */
const QUICK = 40;

test('while jobs end at once, hundreds are claimed by one call, and still run one at a time and in order', async () => {
  await open(1_000);
  const begun: string[] = [];
  let running = 0;
  let most = 0;
  const { claims } = work(async (job) => {
    running += 1;
    most = Math.max(most, running);
    begun.push(job.id);
    await Promise.resolve();
    running -= 1;
  });

  await t.runUntilIdle();

  expect(most).toBe(1);
  expect(begun).toEqual(Array.from({ length: 1_000 }, (_, index) => `${index}`));
  expect(Math.max(...claims.map(([, got = 0]) => got))).toBeGreaterThan(500);
  expect(await counts()).toMatchObject({ waiting: 0, active: 0, completed: 1_000 });
});

test('with a prefetch of 0, a job is claimed when there is a slot for it, and not before', async () => {
  await open(QUICK + 10);
  const { claims } = work(async () => {}, { concurrency: 3, prefetch: 0 });

  await t.runUntilIdle();

  expect(Math.max(...claims.map(([asked = 0]) => asked))).toBe(3);
});

test('no more jobs are ahead than will begin within about 10 ms', async () => {
  await open(QUICK + 200);
  const { claims } = work(() => sleep(t.clock, 2), { concurrency: 4 });

  await t.advance('1s');

  // Four slots, and 10 ms of work for them.
  const most = Math.max(...claims.map(([asked = 0]) => asked));
  expect(most).toBeGreaterThan(4);
  expect(most).toBeLessThanOrEqual(4 + 20);
});

test('jobs that take longer than milliseconds are never ahead', async () => {
  await open(QUICK + 60);
  const { claims } = work(() => sleep(t.clock, 20), { concurrency: 2 });

  await t.advance('10s');

  expect(Math.max(...claims.map(([asked = 0]) => asked))).toBe(2);
});

test('what waits too long behind a slow job is handed back without burning an attempt, and runs elsewhere', async () => {
  await open(QUICK);
  const slow = work((job) => (job.id === `${QUICK}` ? sleep(t.clock, 15_000) : undefined));
  await t.runUntilIdle();
  await add(QUICK, QUICK + 10);
  await t.advance('50ms');
  expect(await counts()).toMatchObject({ waiting: 0, active: 10 });

  await t.advance('100ms');

  expect(await counts()).toMatchObject({ waiting: 9, active: 1 });
  const other: string[] = [];
  work((job) => void other.push(job.id));
  await t.advance('10s');
  expect(other).toEqual(Array.from({ length: 9 }, (_, index) => `${QUICK + 1 + index}`));
  expect((await queue.getJob(`${QUICK + 1}`))?.attemptsMade).toBe(1);
  expect(slow.worker.isRunning()).toBe(true);
});

test('after a slow job it is found out anew how long jobs take', async () => {
  await open(QUICK);
  const { claims } = work((job) => (job.id === `${QUICK}` ? sleep(t.clock, 1_000) : undefined));
  await t.runUntilIdle();
  await add(QUICK, QUICK + 20);
  await t.advance('2s');
  claims.length = 0;

  await t.advance('10s');
  await add(QUICK + 20, QUICK + 22);
  await t.runUntilIdle();

  expect(Math.max(...claims.map(([asked = 0]) => asked))).toBe(1);
});

test.each(['close', 'pause'] as const)('%s hands back at once what has not begun', async (how) => {
  await open(QUICK);
  const { worker } = work((job) => (job.id === `${QUICK}` ? sleep(t.clock, 50) : undefined));
  await t.runUntilIdle();
  await add(QUICK, QUICK + 10);
  await t.advance('1ms');
  expect(await counts()).toMatchObject({ waiting: 0, active: 10 });

  const over = worker[how]();
  await t.advance('1ms');

  expect(await counts()).toMatchObject({ waiting: 9, active: 1 });
  await t.advance('1s');
  await over;
  expect(await counts()).toMatchObject({ waiting: 9, active: 0, completed: QUICK + 1 });
});

test('a job that is cancelled before it begins never reaches the processor', async () => {
  await open(QUICK);
  const begun: string[] = [];
  const { worker } = work((job) => {
    begun.push(job.id);
    return job.id === `${QUICK}` ? sleep(t.clock, 50) : undefined;
  });
  await t.runUntilIdle();
  await add(QUICK, QUICK + 3);
  await t.advance('1ms');

  const cancelled = await worker.cancelJob(`${QUICK + 1}`);
  await t.advance('1s');

  expect(cancelled).toBe(true);
  expect(begun).toContain(`${QUICK + 2}`);
  expect(begun).not.toContain(`${QUICK + 1}`);
  expect(await t.expectState('mail', `${QUICK + 1}`, 'cancelled')).toMatchObject({ cause: 'cancelled' });
});

test('after a pause of the process, what is ahead begins only if its lease still holds', async () => {
  await open(QUICK);
  const begun: string[] = [];
  work((job) => {
    begun.push(job.id);
    // The whole process stands still for longer than a lease.
    if (job.id === `${QUICK}`) t.clock.stall('120s');
  });
  await t.runUntilIdle();
  await add(QUICK, QUICK + 5);

  await t.advance('20s');

  expect(new Set(begun).size).toBe(QUICK + 5);
  expect(await counts()).toMatchObject({ waiting: 0, active: 0, completed: QUICK + 5 });
});
