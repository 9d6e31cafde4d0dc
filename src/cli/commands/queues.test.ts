import { afterEach, beforeEach, expect, test } from 'vitest';
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

async function addTo(queue: string, count: number): Promise<void> {
  const input = '{}\n'.repeat(count);
  expect((await millrace(['add', queue, 'welcome', '-'], { input })).code).toBe(0);
}

async function claimFrom(queue: string): Promise<void> {
  await t.store.claim([{ claimId: queue, queue, limit: 1, worker: 'w', leaseMs: 30_000 }]);
}

test('pause stops a queue and resume starts it again, each says whether that changed anything', async () => {
  await addTo('emails', 1);

  expect(await millrace(['queues', 'pause', 'emails'])).toMatchObject({ code: 0, out: 'emails\tpaused\n' });
  expect((await millrace(['queues', 'pause', 'emails'])).out).toBe('emails\twas paused already\n');
  expect((await t.store.queues())[0]?.settings.paused).toBe(true);
  expect((await millrace(['queues', 'ls'])).out).toContain('emails\tpaused\t1\t');

  expect((await millrace(['queues', 'resume', '--all', '--json'])).out).toBe(
    '{"paused":false,"queues":[{"queue":"emails","changed":true}]}\n',
  );
  expect((await t.store.queues())[0]?.settings.paused).toBe(false);
});

test('pausing without saying which queues is refused', async () => {
  expect(await millrace(['queues', 'pause'])).toMatchObject({ code: 2, out: '' });
  expect((await millrace(['queues', 'pause', 'emails', '--all'])).code).toBe(2);
});

test('a misspelt queue is not made but answered with the one that was meant', async () => {
  await addTo('emails', 1);

  const { code, err } = await millrace(['queues', 'pause', 'emial']);

  expect(code).toBe(4);
  expect(err).toContain('there is no queue "emial". Did you mean "emails"?');
  expect((await t.store.queues()).map(({ queue }) => queue)).toEqual(['emails']);
});

test('drain names the exact counts, removes only after a yes, and only what waits', async () => {
  await addTo('emails', 3);
  await millrace(['add', 'emails', 'later', '--delay', '1h']);
  await claimFrom('emails');

  const refused = await millrace(['queues', 'drain', 'emails', '--delayed'], { answers: ['n'] });
  expect(refused).toMatchObject({ code: 1, out: '' });
  expect(refused.err).toContain('2 waiting jobs and 1 delayed job');
  expect(await t.jobs('emails')).toHaveLength(4);

  expect((await millrace(['queues', 'drain', 'emails'], { answers: ['y'] })).out).toBe(
    'removed 2 jobs of queue emails\n',
  );
  expect((await t.jobs('emails')).map((job) => job.state)).toEqual(['active', 'delayed']);
});

test('drain goes on until more than one call can remove is gone', async () => {
  await addTo('emails', 2_300);

  const { out } = await millrace(['queues', 'drain', 'emails', '--yes', '--json']);

  expect(JSON.parse(out)).toEqual({ queue: 'emails', removed: 2_300 });
  expect(await t.jobs('emails')).toEqual([]);
});

test('where nobody can be asked, something that cannot be undone needs --yes', async () => {
  await addTo('emails', 1);

  const { code, err } = await millrace(['queues', 'drain', 'emails']);

  expect(code).toBe(2);
  expect(err).toContain('--yes');
  expect(await t.jobs('emails')).toHaveLength(1);
});

test('obliterate wants the name typed and deletes the queue with everything in it', async () => {
  await addTo('emails', 2);

  const wrong = await millrace(['queues', 'obliterate', 'emails'], { answers: ['yes'] });
  expect(wrong.code).toBe(1);
  expect(wrong.err).toContain('2 jobs (2 waiting)');
  expect(await t.jobs('emails')).toHaveLength(2);

  expect((await millrace(['queues', 'obliterate', 'emails'], { answers: ['emails'] })).code).toBe(0);
  expect(await t.store.queues()).toEqual([]);
});

test('obliterate refuses while jobs are active, unless forced', async () => {
  await addTo('emails', 2);
  await claimFrom('emails');

  const refused = await millrace(['queues', 'obliterate', 'emails', '--yes']);
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.err).toContain('MILLRACE_ACTIVE_JOBS');
  expect(await t.jobs('emails')).toHaveLength(2);

  expect((await millrace(['queues', 'obliterate', 'emails', '--yes', '--force'])).code).toBe(0);
  expect(await t.store.queues()).toEqual([]);
});

test('a dry run says what would go and removes nothing', async () => {
  await addTo('emails', 2);

  expect((await millrace(['queues', 'obliterate', 'emails', '--dry-run', '--json'])).out).toBe(
    '{"queue":"emails","dryRun":true,"wouldRemove":2}\n',
  );
  expect((await millrace(['queues', 'drain', 'emails', '--dry-run'])).out).toContain(
    'would remove 2 waiting jobs of queue emails',
  );
  expect(await t.jobs('emails')).toHaveLength(2);
});

test('what a person does is written into the audit trail with who it was', async () => {
  await addTo('emails', 1);
  await millrace(['queues', 'pause', 'emails']);

  expect((await t.store.audit(10)).map(({ actor, op, queue }) => `${actor} ${op} ${queue}`)).toContain(
    'ada@example (cli) configure emails',
  );
});
