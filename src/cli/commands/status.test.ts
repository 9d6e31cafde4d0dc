import { afterEach, beforeEach, expect, test } from 'vitest';
import { StoreUnavailableError } from '../../errors.ts';
import { type TestStore, testStore } from '../../testing/index.ts';
import { type Captured, type CaptureOptions, capture } from '../captured.ts';

let t: TestStore;

beforeEach(() => {
  t = testStore();
});

afterEach(() => t.close());

function millrace(args: readonly string[], options: CaptureOptions = {}): Promise<Captured> {
  return capture(args, { connection: t.connection, ...options });
}

async function workerOn(queue: string, slots: number, busy: number, ttlMs = 60_000): Promise<void> {
  await t.store.beat([
    {
      ...{ id: `worker of ${queue}`, ttlMs, host: 'h', pid: 1, version: '1', lagMs: 0 },
      queues: [{ queue, slots, busy }],
    },
  ]);
}

async function runNext(queue: string, outcome: 'completed' | 'failed', claimId: string): Promise<void> {
  const [answer] = await t.store.claim([
    { claimId, queue, limit: 1, worker: `worker of ${queue}`, leaseMs: 30_000 },
  ]);
  const error = { name: 'Error', message: 'no\u001b[2J route', stack: null, code: null, fingerprint: 'f' };
  for (const { lease } of answer?.jobs ?? []) {
    const next =
      outcome === 'completed'
        ? ({ to: 'completed', result: null } as const)
        : ({ to: 'failed', error, cause: 'attempts-spent' } as const);
    await t.store.commit([{ lease, next, mode: 'strict' }]);
  }
}

test('the first line says that work is flowing, and the exit code is 0', async () => {
  await millrace(['add', 'emails', 'welcome']);
  await workerOn('emails', 8, 1);

  const { code, out } = await millrace(['status']);

  expect(code).toBe(0);
  expect(out.split('\n')[0]).toBe('● The queue is draining. Oldest ready job 0 ms.');
});

test('without a live worker the first line says why nothing moves, and the exit code is 3', async () => {
  await millrace(['add', 'emails', 'welcome']);
  await workerOn('emails', 8, 0, 5_000);
  await t.advance('6s');

  const { code, out } = await millrace(['status']);

  expect(code).toBe(3);
  expect(out.split('\n')[0]).toContain('Work is not flowing: emails NO WORKERS: 1 ready for 6 s');
});

test('the table has one line a queue with what is asked first at night', async () => {
  await millrace(['add', 'emails', 'welcome', '-'], { input: '1\n2\n3\n' });
  await millrace(['add', 'emails', 'welcome', '--delay', '1h']);
  await workerOn('emails', 8, 1);
  await runNext('emails', 'completed', 'one');
  await runNext('emails', 'failed', 'two');
  await t.advance('30s');

  const lines = (await millrace(['status'])).out.split('\n');

  expect(lines).toContain(
    'queue\tstate\tready\tactive/slots\tdelayed\tfailed\toldest_ready\tobjective\tdone/min',
  );
  expect(lines).toContain('emails\trunning\t1\t0/8\t1\t1\t30 s\t1m\t1');
});

test('a failing queue is shown with the error behind most of the failures', async () => {
  await millrace(['add', 'emails', 'welcome', '-'], { input: '1\n'.repeat(6) });
  await workerOn('emails', 8, 1);
  for (const claimId of ['1', '2', '3', '4', '5', '6']) await runNext('emails', 'failed', claimId);

  const people = await millrace(['status']);
  const scripts = JSON.parse((await millrace(['status', '--json'])).out);

  expect(people.code).toBe(3);
  expect(people.out).toContain('FAILING: 100 % of 6 attempts');
  expect(people.out).toContain('100 % of the last 6 errors: Error: no\\x1b[2J route');
  expect(scripts).toMatchObject({
    flowing: false,
    findings: [{ rule: 'Failing', severity: 'problem', queue: 'emails' }, { rule: 'DeadJobs' }],
    errors: [{ queue: 'emails', fingerprint: 'f', count: 6, of: 6 }],
    queues: [{ queue: 'emails', ready: 0, failed: 6, slots: 8 }],
    workers: [{ id: 'worker of emails', queues: [{ queue: 'emails', slots: 8, busy: 1 }] }],
  });
});

test('only the named queues count, and a name that no queue has is an error', async () => {
  await millrace(['add', 'emails', 'welcome']);
  await millrace(['add', 'invoices', 'create']);
  await workerOn('emails', 1, 0);

  expect((await millrace(['status', 'emails'])).code).toBe(0);
  expect((await millrace(['status'])).code).toBe(3);
  expect((await millrace(['status', 'email'])).code).toBe(4);
});

test('a store that does not answer is a verdict too, and its exit code is 3', async () => {
  const queues = (): never => {
    throw new StoreUnavailableError('the disk did not answer');
  };
  const connection = { ...t.connection, store: { ...t.store, queues } };

  const { code, out } = await millrace(['status'], { connection });

  expect(code).toBe(3);
  expect(out).toContain('Work is not flowing: STORE UNREACHABLE: the disk did not answer');
});
