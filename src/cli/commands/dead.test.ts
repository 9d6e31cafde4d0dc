import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Clock, systemClock } from '../../runtime/clock.ts';
import { type TestStore, testStore } from '../../testing/index.ts';
import { type Captured, type CaptureOptions, capture } from '../captured.ts';

let t: TestStore;
let claims = 0;

beforeEach(() => {
  t = testStore();
});

afterEach(() => t.close());

function millrace(args: readonly string[], options: CaptureOptions = {}): Promise<Captured> {
  return capture(args, { connection: t.connection, ...options });
}

/** Adds a job and lets its only attempt fail. */
async function deadLetter(queue: string, id: string, message = 'timed out'): Promise<void> {
  await millrace(['add', queue, 'welcome', '{}', '--id', id]);
  claims += 1;
  const claim = { claimId: `claim-${claims}`, queue, limit: 100, worker: 'w', leaseMs: 30_000 };
  const [answer] = await t.store.claim([claim]);
  const error = { name: 'Error', message, stack: null, code: null, fingerprint: message };
  for (const { lease } of answer?.jobs ?? []) {
    const next = { to: 'failed', error, cause: 'attempts-spent' } as const;
    await t.store.commit([{ lease, next, mode: 'strict' }]);
  }
}

async function keepLettersOf(queue: string, target: string): Promise<void> {
  await t.store.apply([{ op: 'configure', queue, patch: { deadLetterQueue: target } }]);
}

const states = async (): Promise<string[]> =>
  (await t.jobs()).map((job) => `${job.queue}/${job.id} ${job.state}`).sort();

const idsOf = ({ out }: Captured): string[] => JSON.parse(out).jobs.map((job: { id: string }) => job.id);

test('ls shows failed jobs and those that moved to a queue for dead letters, and no others', async () => {
  await keepLettersOf('emails', 'lost');
  await deadLetter('emails', 'moved');
  await deadLetter('invoices', 'failed');
  await millrace(['add', 'lost', 'other', '{}', '--id', 'not-a-letter']);
  await millrace(['add', 'emails', 'welcome', '{}', '--id', 'waiting']);

  expect(idsOf(await millrace(['dead', 'ls', '--json']))).toEqual(['failed', 'moved']);
  expect(idsOf(await millrace(['dead', 'ls', '--queue', 'lost', '--json']))).toEqual(['moved']);
  expect(idsOf(await millrace(['dead', 'ls', '--queue', 'invoices', '--json']))).toEqual(['failed']);
  expect((await millrace(['dead', 'ls'])).out).toContain('from emails (attempts-spent); Error: timed out');
});

test('pages of ls lead through both kinds without a gap', async () => {
  await keepLettersOf('emails', 'lost');
  for (const id of ['a', 'b', 'c']) await deadLetter('emails', id);
  for (const id of ['d', 'e']) await deadLetter('invoices', id);
  const ids: string[] = [];

  for (let cursor: string | null = ''; cursor !== null; ) {
    const more: string[] = cursor === '' ? [] : ['--cursor', cursor];
    const page = await millrace(['dead', 'ls', '--limit', '2', '--json', ...more]);
    ids.push(...idsOf(page));
    cursor = JSON.parse(page.out).cursor;
  }

  expect(ids).toEqual(['e', 'd', 'c', 'b', 'a']);
});

test('show has the whole history of a dead letter', async () => {
  await deadLetter('emails', 'a', 'no route');

  expect((await millrace(['dead', 'show', 'a'])).out).toContain('Error: no route');
});

test('replay of one sends a failed job back to its queue, a moved one to where it came from', async () => {
  await keepLettersOf('emails', 'lost');
  await deadLetter('emails', 'moved');
  await deadLetter('invoices', 'failed');

  expect((await millrace(['dead', 'replay', 'moved', 'failed'])).code).toBe(0);

  expect(await states()).toEqual(['emails/moved waiting', 'invoices/failed waiting']);
});

test('replay of a search takes all letters that match, wherever they are', async () => {
  await keepLettersOf('emails', 'lost');
  for (const id of ['a', 'b']) await deadLetter('emails', id);
  await deadLetter('invoices', 'c');
  await deadLetter('invoices', 'd', 'no such account');

  const asked = await millrace(['dead', 'replay', 'error:"timed out"'], { answers: ['y'] });

  expect(asked.err).toContain('This will replay 3 jobs.');
  expect(asked).toMatchObject({ code: 0, out: 'replay: 3 done\n' });
  expect(await states()).toEqual([
    'emails/a waiting',
    'emails/b waiting',
    'invoices/c waiting',
    'invoices/d failed',
  ]);
});

test('replay --to sends letters of every kind to one queue', async () => {
  await keepLettersOf('emails', 'lost');
  await deadLetter('emails', 'a');
  await deadLetter('invoices', 'b');

  const { out } = await millrace(['dead', 'replay', '--to', 'second-try', '--yes', '--json']);

  expect(JSON.parse(out)).toMatchObject({ state: 'done', done: 2, skipped: 0 });
  expect(await states()).toEqual(['second-try/a waiting', 'second-try/b waiting']);
});

test('a letter whose queue has a job with its id by now stays and is counted as skipped', async () => {
  await keepLettersOf('emails', 'lost');
  await deadLetter('emails', 'a');
  await millrace(['add', 'emails', 'welcome', '{}', '--id', 'a']);

  expect((await millrace(['dead', 'replay', '--yes'])).out).toBe('replay: 0 done, 1 skipped\n');
  expect(await states()).toEqual(['emails/a waiting', 'lost/a waiting']);
});

test('a rate holds for letters in other queues too', async () => {
  await keepLettersOf('emails', 'lost');
  for (const id of ['a', 'b', 'c', 'd']) await deadLetter('emails', id);
  const waitedMs: number[] = [];
  const clock: Clock = {
    ...systemClock,
    after: (ms, onTime) => {
      waitedMs.push(ms);
      return systemClock.after(0, onTime);
    },
  };

  const { out } = await millrace(['dead', 'replay', '--yes', '--rate', '10/s'], { clock });

  expect(out).toBe('replay: 4 done\n');
  expect(waitedMs).toEqual([0, 100, 100, 100]);
});

test('discard deletes dead letters after a yes', async () => {
  await keepLettersOf('emails', 'lost');
  await deadLetter('emails', 'a');
  await deadLetter('invoices', 'b');

  expect((await millrace(['dead', 'discard'], { answers: [''] })).code).toBe(1);
  expect(await states()).toHaveLength(2);
  expect((await millrace(['dead', 'discard'], { answers: ['yes'] })).out).toBe('discard: 2 done\n');
  expect(await states()).toEqual([]);
});
