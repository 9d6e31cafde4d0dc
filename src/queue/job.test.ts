import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  InvalidOptionError,
  InvalidPayloadError,
  JobNotFoundError,
  LeaseLostError,
  LimitExceededError,
  WrongStateError,
} from '../errors.ts';
import { encodeJson } from '../job/payload.ts';
import type { StoredError } from '../job/record.ts';
import type { Next } from '../store/store.ts';
import { type TestStore, testStore } from '../testing/test-store.ts';
import { clientFor } from './client.ts';
import { Job } from './job.ts';
import { Queue } from './queue.ts';

const ERROR: StoredError = { name: 'TypeError', message: 'no', stack: 'at x', code: 'E1', fingerprint: 'f' };

let t: TestStore;
let queue: Queue;
let claims = 0;

beforeEach(() => {
  t = testStore();
  queue = new Queue('orders', { connection: t.connection });
});

afterEach(async () => {
  await queue.close();
  await t.close();
});

/** The oldest job as its processor sees it. */
async function claimed(): Promise<Job> {
  const request = { claimId: `c${++claims}`, queue: 'orders', limit: 1, worker: 'w', leaseMs: 10_000 };
  const [answer] = await t.store.claim([request]);
  const [claim] = answer?.jobs ?? [];
  if (claim === undefined) throw new Error('there is no job to claim');
  return new Job(clientFor(t.connection), claim.job, { lease: claim.lease });
}

async function settle(job: Job, next: Next): Promise<void> {
  const lease = { queue: 'orders', id: job.id, token: job.token };
  await t.store.commit([{ lease, next, mode: 'strict' }]);
}

describe('fields', () => {
  test('count attempts as they are made', async () => {
    const added = await queue.add('ship', { a: 1 }, { attempts: 3 });
    expect(added).toMatchObject({ attemptsMade: 0, attemptsStarted: 0, attempt: 1, isLastAttempt: false });

    const first = await claimed();
    expect(first).toMatchObject({ attemptsMade: 0, attemptsStarted: 1, attempt: 1, token: 1 });
    await settle(first, { to: 'retry', afterMs: 0, error: ERROR });
    const second = await claimed();
    expect(second).toMatchObject({ attemptsMade: 1, attemptsStarted: 2, attempt: 2, isLastAttempt: false });
    await settle(second, { to: 'retry', afterMs: 0, error: ERROR });
    const third = await claimed();
    expect(third).toMatchObject({ attemptsMade: 2, attempt: 3, isLastAttempt: true, failedReason: 'no' });
    await settle(third, { to: 'completed', result: encodeJson({ ok: true }, 'result') });

    expect(await added.refresh()).toMatchObject({ attemptsMade: 3, returnvalue: { ok: true } });
  });

  test('tell of the end of a job', async () => {
    await queue.add('ship', {}, { jobId: 'j' });
    await t.advance('1s');
    await settle(await claimed(), { to: 'failed', error: ERROR, cause: 'unrecoverable' });
    const job = await queue.getJob('j');
    const now = t.clock.now();

    expect(job).toMatchObject({ state: 'failed', cause: 'unrecoverable', stacktrace: ['at x'] });
    expect(job).toMatchObject({ timestamp: now - 1_000, processedOn: now, finishedOn: now });
    expect(job?.error).toEqual(ERROR);
    expect(job?.idempotencyKey).toBe('orders/j/1');
  });

  test('that are not there yet are undefined, null or 0, as in BullMQ', async () => {
    const job = await queue.add('ship', {});

    expect(job.processedOn).toBeUndefined();
    expect(job.finishedOn).toBeUndefined();
    expect(job.failedReason).toBeUndefined();
    expect(job).toMatchObject({ returnvalue: null, progress: 0, stacktrace: [], delay: 0, crashes: 0 });
  });

  test('a job whose payload is no JSON can still be looked at', async () => {
    const { id } = await queue.add('ship', {});
    const body = Buffer.from('{');
    await t.store.apply([
      { op: 'data', job: { queue: 'orders', id }, body, contentType: 'application/json' },
    ]);
    const job = await queue.getJob(id);

    expect(() => job?.data).toThrow(InvalidPayloadError);
    expect(job?.toJSON()).toMatchObject({ id, data: null });
  });

  test('a payload of another type is given as its bytes', async () => {
    const { id } = await queue.add('ship', {});
    const body = Uint8Array.of(1, 2);
    await t.store.apply([{ op: 'data', job: { queue: 'orders', id }, body, contentType: 'image/png' }]);

    expect(new Uint8Array((await queue.getJob(id))?.data)).toEqual(body);
  });

  test('are shown by console.log as JSON shows them', async () => {
    const job = await queue.add('ship', { orderId: 7 });

    expect(inspect(job)).toContain('orderId: 7');
    expect(inspect(job)).not.toContain('Uint8Array');
  });
});

describe('state', () => {
  test('is a snapshot until it is read again', async () => {
    const job = await queue.add('ship', {}, { delay: 1_000 });
    await job.promote();

    expect(job.state).toBe('delayed');
    expect(await job.getState()).toBe('waiting');
    expect(job.state).toBe('waiting');
    expect(await Promise.all([job.isWaiting(), job.isDelayed(), job.isActive()])).toEqual([
      true,
      false,
      false,
    ]);
    expect(await Promise.all([job.isCompleted(), job.isFailed()])).toEqual([false, false]);
  });

  test('of a job that is gone is unknown, and reading it again says so', async () => {
    const job = await queue.add('ship', {});
    await job.remove();

    expect(await job.getState()).toBe('unknown');
    await expect(job.refresh()).rejects.toThrow(JobNotFoundError);
    await expect(job.updateProgress(1)).rejects.toThrow(JobNotFoundError);
  });
});

describe('under a lease', () => {
  test('progress, data and log lines are stored', async () => {
    await queue.add('ship', { step: 1 }, { jobId: 'j' });
    const job = await claimed();
    await Promise.all([job.updateProgress({ percent: 50 }), job.updateData({ step: 2 }), job.log('half')]);
    const stored = await queue.getJob('j');

    expect(stored).toMatchObject({ progress: { percent: 50 }, data: { step: 2 } });
    expect(job).toMatchObject({ progress: { percent: 50 }, data: { step: 2 } });
    expect((await job.getLogs()).map(({ number, text }) => [number, text])).toEqual([[1, 'half']]);
  });

  test('that is lost nothing is written, and every write says so', async () => {
    await queue.add('ship', { step: 1 }, { jobId: 'j', attempts: 2 });
    const late = await claimed();
    await settle(late, { to: 'retry', afterMs: 0, error: ERROR });
    await claimed();

    await expect(late.updateProgress(1)).rejects.toThrow(LeaseLostError);
    await expect(late.updateData({ step: 2 })).rejects.toThrow(LeaseLostError);
    await expect(late.log('x')).rejects.toThrow(LeaseLostError);
    expect(await queue.getJob('j')).toMatchObject({ progress: 0, data: { step: 1 } });
    expect(await late.getLogs()).toEqual([]);
  });

  test('that ran out nothing is written either', async () => {
    await queue.add('ship', {});
    const job = await claimed();
    await t.advance('11s');

    await expect(job.updateProgress(1)).rejects.toThrow(/lease .* is lost \(expired\)/);
  });
});

describe('writes', () => {
  test('refuse what JSON would bend, and what is too large', async () => {
    const small = new Queue('orders', { connection: t.connection, maxPayloadBytes: 10 });
    const job = await small.add('ship', 1);

    await expect(job.updateProgress(Number.NaN)).rejects.toMatchObject({ path: 'progress' });
    await expect(job.updateData({ at: new Date(0) })).rejects.toMatchObject({ path: 'data.at' });
    await expect(job.updateData('x'.repeat(20))).rejects.toThrow(LimitExceededError);
  });

  test('a log line that is too long is cut, and one with characters no store keeps is cleaned', async () => {
    const job = await queue.add('ship', {});
    await job.log('x'.repeat(20_000));
    await job.log('a\0b');
    const [long, odd] = await job.getLogs({ limit: 2 });

    expect(Buffer.byteLength(long?.text ?? '')).toBe(16_384);
    expect(odd?.text).toBe('a\uFFFDb');
    expect(await job.getLogs({ after: 1, limit: 1 })).toHaveLength(1);
  });

  test('delay and priority change while the job waits', async () => {
    const job = await queue.add('ship', {}, { jobId: 'j', priority: 5 });
    await job.changeDelay('1m');
    await job.changePriority({ priority: 1 });
    expect(await job.refresh()).toMatchObject({ state: 'delayed', delay: 60_000, priority: 1 });
    await job.changePriority({ lifo: true });
    await job.changeDelay(0);

    expect(await job.refresh()).toMatchObject({ state: 'waiting', priority: 1, opts: { lifo: true } });
    await expect(job.changeDelay(-1)).rejects.toThrow(InvalidOptionError);
    await expect(job.changePriority({ prio: 1 } as never)).rejects.toThrow(/Did you mean "priority"/);
  });

  test('a job that ended goes back by retry, to another queue by redrive, with its attempts', async () => {
    const job = await queue.add('ship', {}, { jobId: 'j' });
    await settle(await claimed(), { to: 'failed', error: ERROR, cause: 'attempts-spent' });
    await job.retry();
    expect(await job.refresh()).toMatchObject({ state: 'waiting', generation: 2, attemptsMade: 0 });
    await job.redrive({ toQueue: 'slow' });

    expect(await job.refresh()).toMatchObject({ queueName: 'slow', origin: { queue: 'orders' } });
    expect((await job.attempts()).map(({ number, outcome }) => [number, outcome])).toEqual([[1, 'failed']]);
  });

  test('a job that moved on as a dead letter since it was read is followed there', async () => {
    const job = await queue.add('ship', {}, { jobId: 'j', deadLetterQueue: 'dead' });
    await settle(await claimed(), { to: 'failed', error: ERROR, cause: 'attempts-spent' });
    await job.redrive({ toQueue: 'orders' });

    expect(job.queueName).toBe('dead');
    expect(await job.refresh()).toMatchObject({ queueName: 'orders', origin: { queue: 'dead' } });
    await job.remove();
    await expect(job.remove()).rejects.toThrow(JobNotFoundError);
  });

  test('a move that the state does not allow says which state, and what to do', async () => {
    const job = await queue.add('ship', {}, { jobId: 'j' });
    await expect(job.retry()).rejects.toThrow(/cannot redrive job "j".*it is waiting/);
    await expect(job.promote()).rejects.toThrow(WrongStateError);
    await claimed();
    await expect(job.remove()).rejects.toThrow(/it is active\. Cancel it/);
    await job.cancel('stop');
    expect(await job.getState()).toBe('active');
  });

  test('a waiting job that is cancelled keeps the reason', async () => {
    const job = await queue.add('ship', {});
    await job.cancel('sold out');

    expect(await job.getState()).toBe('cancelled');
    await expect(job.result()).rejects.toThrow(/sold out/);
    await expect(job.cancel()).rejects.toThrow(WrongStateError);
  });
});
