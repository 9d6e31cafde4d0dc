/** The event loop stands still for a while, and with it everything of the process. */

import { afterEach, expect, test } from 'vitest';
import { LeaseLostError } from '../errors.ts';
import { Queue } from '../queue/queue.ts';
import { Deferred } from '../runtime/deferred.ts';
import { type TestStore, testStore } from '../testing/index.ts';
import type { ProcessorContext } from './context.ts';
import type { WorkerOptions } from './options.ts';
import { Worker } from './worker.ts';

const LEASE_MS = 30_000;

interface Scene {
  readonly t: TestStore;
  readonly gate: Deferred;
  readonly told: unknown[];
  readonly worker: Worker;
  ctx(): ProcessorContext;
}

let close: () => Promise<void> = async () => undefined;
afterEach(() => close());

/** One job runs, until the gate opens. */
async function scene(options: WorkerOptions = {}): Promise<Scene> {
  const t = testStore();
  const queue = new Queue('mail', { connection: t.connection });
  await queue.add('letter', {}, { jobId: 'a' });
  const gate = new Deferred();
  const told: unknown[] = [];
  let context: ProcessorContext | null = null;
  const worker = new Worker(
    'mail',
    async (_job, ctx) => {
      context = ctx;
      await gate.promise;
    },
    { connection: t.connection, ...options },
  );
  worker.on('blocked', (event) => told.push(event));
  worker.on('completed', ({ id }) => told.push(`completed ${id}`));
  worker.on('lease-lost', (_job, why) => told.push(`lost: ${why}`));
  worker.on('error', (error) => told.push(error));
  await t.advance(100);
  close = async () => {
    void worker.close({ force: true });
    await t.advance('20s');
    await queue.close();
  };
  const ctx = (): ProcessorContext => {
    if (context === null) throw new Error('no job runs');
    return context;
  };
  return { t, gate, told, worker, ctx };
}

test('a loop that stood still for more than a third of the lease is told, also to telemetry', async () => {
  const heard: unknown[] = [];
  const { t, told, worker } = await scene({ telemetry: { onBlocked: (event) => heard.push(event) } });
  t.clock.stall(LEASE_MS / 3);
  await t.advance(1_000);
  expect(told).toEqual([]);

  t.clock.stall(LEASE_MS / 3 + 1_001);
  await t.advance(0);

  const event = { blockedMs: expect.any(Number), leasesLost: 0 };
  expect(told).toEqual([event]);
  expect((told[0] as { blockedMs: number }).blockedMs).toBeGreaterThanOrEqual(LEASE_MS / 3 + 1_001);
  expect(heard).toEqual([{ ...event, queue: 'mail', worker: worker.id }]);
});

test('after a pause longer than the lease a job that nobody took goes on', async () => {
  const { t, gate, told, ctx } = await scene();
  t.clock.stall(3 * LEASE_MS);
  await t.advance(0);

  await ctx().progress(1);
  await ctx().assertLease();
  gate.resolve();
  await t.advance(100);

  expect(told).toEqual([{ blockedMs: expect.any(Number), leasesLost: 0 }, 'completed a']);
  expect(await t.expectState('mail', 'a', 'completed')).toMatchObject({ claims: 1, crashes: 0 });
});

test('after a pause in which another took the job, its signal aborts and nothing is written', async () => {
  const { t, told, ctx } = await scene();
  t.clock.stall(3 * LEASE_MS);
  // Another process looks twice before this one gets a turn.
  await t.upkeep({ reclaim: true });
  t.clock.stall(3_000);
  await t.upkeep({ reclaim: true });
  const [answer] = await t.store.claim([
    { claimId: 'other', queue: 'mail', limit: 1, worker: 'other', leaseMs: LEASE_MS },
  ]);
  expect(answer?.jobs).toHaveLength(1);
  const late = ctx().progress('late');

  await expect(late).rejects.toThrow(LeaseLostError);
  await t.advance(0);

  expect(ctx().signal.reason).toBeInstanceOf(LeaseLostError);
  await expect(ctx().assertLease()).rejects.toThrow(LeaseLostError);
  expect(told).toEqual(['lost: superseded', { blockedMs: expect.any(Number), leasesLost: 1 }]);
  expect(await t.expectState('mail', 'a', 'active')).toMatchObject({ progress: null, crashes: 1 });
});

test('while all is well assertLease says so, and after a cancel it throws the reason', async () => {
  const { t, worker, ctx } = await scene();
  await ctx().assertLease();

  await worker.cancelJob('a', 'enough');

  await expect(ctx().assertLease()).rejects.toThrow('enough');
  expect(t.clock.timers).toBeGreaterThan(0);
});
