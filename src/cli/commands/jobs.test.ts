import { afterEach, beforeEach, expect, test } from 'vitest';
import type { JobRecord, StoredError } from '../../job/record.ts';
import type { Effect } from '../../store/store.ts';
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

const ERROR: StoredError = {
  name: 'TypeError',
  message: 'bad \u001b[2J address',
  stack: 'TypeError: bad address\n    at send (mail.js:3:7)',
  code: 'EADDR',
  fingerprint: 'abc',
};

async function add(queue: string, id: string, ...options: string[]): Promise<void> {
  await millrace(['add', queue, 'welcome', `{"user":{"id":"${id}"}}`, '--id', id, ...options]);
}

/** Claims one job and fails the attempt for good. */
async function fail(queue: string, effects: (lease: JobRecord) => Effect[] = () => []): Promise<void> {
  const [answer] = await t.store.claim([
    {
      claimId: `${queue}-${t.clock.now()}-${Math.trunc(t.random.fraction() * 1e9)}`,
      queue,
      limit: 1,
      worker: 'host-1',
      leaseMs: 30_000,
    },
  ]);
  for (const { lease, job } of answer?.jobs ?? []) {
    const next = { to: 'failed', error: ERROR, cause: 'attempts-spent' } as const;
    await t.store.commit([{ lease, next, mode: 'strict', effects: effects(job) }]);
  }
}

const states = async (queue: string): Promise<string[]> =>
  (await t.jobs(queue)).map((job) => `${job.id} ${job.state}`);

test('ls lists what the search means, newest first, and a bad search is answered with what was meant', async () => {
  await add('emails', 'a');
  await add('emails', 'b', '--delay', '1h');
  await add('invoices', 'c');

  const ids = async (...search: string[]): Promise<string[]> =>
    JSON.parse((await millrace(['jobs', 'ls', ...search, '--json'])).out).jobs.map(
      (job: { id: string }) => job.id,
    );

  expect(await ids()).toEqual(['c', 'b', 'a']);
  expect(await ids('--oldest')).toEqual(['a', 'b', 'c']);
  expect(await ids('queue:emails', 'state:delayed')).toEqual(['b']);
  expect(await ids('data.user.id:c')).toEqual(['c']);
  expect(await ids('state:waiting', '--queue', 'emails')).toEqual(['a']);
  expect(await millrace(['jobs', 'ls', 'stat:failed'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('Did you mean "state:"?'),
  });
  expect(await millrace(['jobs', 'ls', '--queue', 'email'])).toMatchObject({
    code: 4,
    err: expect.stringContaining('Did you mean "emails"?'),
  });
});

test('pages follow one another by their cursor without a gap', async () => {
  for (const id of ['a', 'b', 'c', 'd', 'e']) await add('emails', id);
  const ids: string[] = [];

  for (let cursor: string | null = ''; cursor !== null; ) {
    const more: string[] = cursor === '' ? [] : ['--cursor', cursor];
    const page = JSON.parse((await millrace(['jobs', 'ls', '--limit', '2', '--json', ...more])).out);
    ids.push(...page.jobs.map((job: { id: string }) => job.id));
    cursor = page.cursor;
  }

  expect(ids).toEqual(['e', 'd', 'c', 'b', 'a']);
  expect((await millrace(['jobs', 'ls', '--limit', '2'])).err).toMatch(/^More: --cursor '/);
});

test('show prints everything that is kept, and no escape sequence of it reaches the terminal', async () => {
  await add('emails', 'a', '--attempts', '2', '--header', 'tenant=7');
  await fail('emails', (job) => [
    { op: 'log', job, lines: ['dialling\u001b]0;owned\u0007'] },
    { op: 'progress', job, value: new TextEncoder().encode('0.5') },
  ]);

  const { code, out } = await millrace(['jobs', 'show', 'a'], { columns: 80 });

  expect(code).toBe(0);
  expect(out.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  for (const part of [
    'emails/a  welcome  failed (attempts-spent)',
    '1 of 2 attempts',
    'tenant=7',
    '"id": "a"',
    'Progress',
    '0.5',
    '#1 failed',
    'worker host-1',
    'TypeError: bad \\x1b[2J address [EADDR]',
    'at send (mail.js:3:7)',
    'fingerprint abc',
    'dialling\\x1b]0;owned\\x07',
  ]) {
    expect(out).toContain(part);
  }
});

test('show gives scripts the record with its attempts and log lines', async () => {
  await add('emails', 'a');
  await fail('emails', (job) => [{ op: 'log', job, lines: ['one', 'two'] }]);

  const job = JSON.parse((await millrace(['jobs', 'show', 'emails/a', '--json'])).out);

  expect(job).toMatchObject({
    ...{ queue: 'emails', id: 'a', name: 'welcome', state: 'failed', data: { user: { id: 'a' } } },
    ...{ failures: 1, cause: 'attempts-spent', error: ERROR, result: null },
    attempts: [{ number: 1, outcome: 'failed', worker: 'host-1', error: ERROR }],
    logs: [
      { number: 1, text: 'one' },
      { number: 2, text: 'two' },
    ],
  });
});

test('an id is found in any queue; in several it has to be said which', async () => {
  await add('emails', 'a/b');
  await add('emails', 'same');
  await add('invoices', 'same');

  expect((await millrace(['jobs', 'show', 'a/b'])).code).toBe(0);
  expect((await millrace(['jobs', 'show', 'invoices/same'])).out).toContain('invoices/same');
  expect((await millrace(['jobs', 'show', 'same', '--queue', 'emails'])).out).toContain('emails/same');
  expect(await millrace(['jobs', 'show', 'same'])).toMatchObject({
    code: 2,
    err: expect.stringMatching(/say (invoices|emails)\/same or (invoices|emails)\/same/),
  });
  expect(await millrace(['jobs', 'show', 'nobody'])).toMatchObject({ code: 4, out: '' });
  expect(await millrace(['jobs', 'show', 'x', '--queue', 'emails'])).toMatchObject({ code: 4 });
});

test('jobs named by their ids are moved at once and each is told apart', async () => {
  for (const id of ['a', 'b', 'c']) await add('emails', id);
  await fail('emails');

  const { code, out } = await millrace(['jobs', 'retry', 'a', 'emails/b', '--json']);

  expect(code).toBe(1);
  expect(JSON.parse(out)).toEqual({
    jobs: [
      { queue: 'emails', id: 'a', outcome: 'ok', state: null },
      { queue: 'emails', id: 'b', outcome: 'wrong-state', state: 'waiting' },
    ],
    done: 1,
    skipped: 1,
  });
  expect(await states('emails')).toEqual(['a waiting', 'b waiting', 'c waiting']);
});

test('cancel keeps the reason, promote makes a delayed job ready, discard deletes', async () => {
  await add('emails', 'a');
  await add('emails', 'b', '--delay', '1h');
  await add('emails', 'c');

  expect((await millrace(['jobs', 'cancel', 'a', '--reason', 'wrong address'])).code).toBe(0);
  expect((await millrace(['jobs', 'promote', 'b'])).code).toBe(0);
  expect((await millrace(['jobs', 'discard', 'c'])).code).toBe(0);

  expect(await states('emails')).toEqual(['a cancelled', 'b waiting']);
  expect((await t.store.job({ queue: 'emails', id: 'a' }))?.cancelReason).toBe('wrong address');
});

test('retry sends a job to another queue when it is told to', async () => {
  await add('emails', 'a');
  await fail('emails');

  await millrace(['jobs', 'retry', 'a', '--to', 'emails-2']);

  expect(await states('emails')).toEqual([]);
  expect(await states('emails-2')).toEqual(['a waiting']);
});

test('a search prints how many jobs it means and some of them, and asks before it moves them', async () => {
  for (let n = 0; n < 8; n += 1) await add('emails', `job-${n}`);

  const refused = await millrace(['jobs', 'cancel', 'queue:emails'], { answers: ['n'] });
  expect(refused).toMatchObject({ code: 1, out: '' });
  expect(refused.err).toContain('This will cancel 8 jobs.');
  expect(refused.err).toContain('job-7');
  expect(refused.err).toContain('… and 3 more');

  const unasked = await millrace(['jobs', 'cancel', 'queue:emails']);
  expect(unasked).toMatchObject({ code: 2, err: expect.stringContaining('--yes') });
  expect(new Set((await t.jobs('emails')).map((job) => job.state))).toEqual(new Set(['waiting']));

  const agreed = await millrace(['jobs', 'cancel', 'queue:emails'], { answers: ['y'] });
  expect(agreed).toMatchObject({ code: 0, out: 'cancel: 8 done\n' });
  expect(new Set((await t.jobs('emails')).map((job) => job.state))).toEqual(new Set(['cancelled']));
});

test('a dry run shows what is meant and touches nothing', async () => {
  await add('emails', 'a');
  await add('emails', 'b', '--delay', '1h');

  const { out } = await millrace(['jobs', 'promote', 'queue:emails', '--dry-run', '--json']);

  expect(JSON.parse(out)).toMatchObject({ dryRun: true, matching: 1, exact: true, sample: [{ id: 'b' }] });
  expect(await states('emails')).toEqual(['a waiting', 'b delayed']);
});

test('a search works on all that match, also by conditions that only a look at each job can tell', async () => {
  for (const id of ['a', 'b', 'a2']) await add('emails', id);
  for (const _ of ['a', 'b', 'a2']) await fail('emails');

  const { code, out } = await millrace([
    'jobs',
    'retry',
    'error:address',
    'data.user.id:b',
    '--yes',
    '--json',
  ]);

  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ state: 'done', done: 1, skipped: 0 });
  expect(await states('emails')).toEqual(['a failed', 'b waiting', 'a2 failed']);
});

test('a search that means nothing does nothing and is no error', async () => {
  expect(await millrace(['jobs', 'discard', 'state:failed', '--yes'])).toMatchObject({
    code: 0,
    out: 'no job matches; nothing was done\n',
  });
  expect(await t.store.operations()).toEqual([]);
});

test('a bulk action can be left to the workers, listed and aborted', async () => {
  await add('emails', 'a');
  await add('emails', 'b');

  const begun = JSON.parse(
    (await millrace(['jobs', 'cancel', 'queue:emails', '--yes', '--detach', '--rate', '6/m', '--json'])).out,
  );
  expect(begun).toMatchObject({ state: 'running' });
  expect(await states('emails')).toEqual(['a waiting', 'b waiting']);

  const { operations } = JSON.parse((await millrace(['ops', 'ls', '--json'])).out);
  expect(operations).toMatchObject([
    { id: begun.operation, kind: 'cancel', state: 'running', ratePerSecond: 0.1 },
  ]);
  expect((await millrace(['ops', 'ls'])).out).toContain('queue:emails');

  expect(await millrace(['ops', 'abort', begun.operation])).toMatchObject({ code: 0 });
  expect(await t.store.operations()).toMatchObject([{ state: 'aborted' }]);
  expect(await millrace(['ops', 'abort', 'nothing'])).toMatchObject({ code: 4 });
});

test('a word that is nearly a condition is not taken for an id in silence', async () => {
  expect(await millrace(['jobs', 'retry', 'stat:failed'])).toMatchObject({
    code: 4,
    err: expect.stringContaining('Did you mean the search "state:failed"?'),
  });
});
