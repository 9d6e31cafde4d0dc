import { afterEach, beforeEach, expect, test } from 'vitest';
import { StoreFullError, StoreUnavailableError } from '../../errors.ts';
import { sleep, systemClock } from '../../runtime/clock.ts';
import { settle } from '../../runtime/settle.ts';
import type { Store } from '../../store/store.ts';
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

/** The store with one verb replaced. */
function storeWith(apply: Store['apply']): CaptureOptions {
  return { connection: { ...t.connection, store: { ...t.store, apply } } };
}

const textOf = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

test('a job is added with what the options say', async () => {
  const args = [
    'add',
    'emails',
    'welcome',
    '{"to":"ada"}',
    '--id',
    'ada-1',
    '--delay',
    '10m',
    '--priority',
    '3',
  ];
  const more = [
    '--attempts',
    '5',
    '--backoff',
    'exponential:2s',
    '--timeout',
    '30s',
    '--ttl',
    '1d',
    '--header',
    'a=b=c',
  ];

  expect(await millrace([...args, ...more])).toEqual({ code: 0, out: 'emails\tada-1\tcreated\n', err: '' });
  expect(await t.store.job({ queue: 'emails', id: 'ada-1' })).toMatchObject({
    name: 'welcome',
    state: 'delayed',
    priority: 3,
    headers: { a: 'b=c' },
    policy: {
      attempts: 5,
      backoff: { type: 'exponential', delayMs: 2_000 },
      timeoutMs: 30_000,
      ttlMs: 86_400_000,
    },
  });
});

test('an id that is there already makes no second job, and the answer says so', async () => {
  await millrace(['add', 'emails', 'welcome', '{"n":1}', '--id', 'x']);

  const { code, out } = await millrace(['add', 'emails', 'welcome', '{"n":2}', '--id', 'x', '--json']);

  expect(code).toBe(0);
  expect(JSON.parse(out)).toEqual({ queue: 'emails', id: 'x', outcome: 'duplicate' });
  expect(await t.jobs('emails')).toMatchObject([{ data: { n: 1 } }]);
});

test('a payload keeps every digit of a number that is too large for JavaScript', async () => {
  await millrace(['add', 'emails', 'welcome', ' {"id": 12345678901234567890, "p": 1e400} ', '--id', 'big']);

  const record = await t.store.job({ queue: 'emails', id: 'big' });
  expect(textOf(record?.body)).toBe('{"id": 12345678901234567890, "p": 1e400}');
  expect((await millrace(['jobs', 'show', 'big'])).out).toContain('"id": 12345678901234567890');
  expect((await millrace(['jobs', 'show', 'big', '--json'])).out).toContain(
    '"data":{"id":12345678901234567890',
  );
});

test('without a payload the job has null', async () => {
  await millrace(['add', 'emails', 'tick', '--id', 'x']);

  expect(await t.jobs()).toMatchObject([{ data: null }]);
});

test.each([
  ['no JSON', ['add', 'emails', 'welcome', '{to:ada}'], 'is not JSON'],
  ['too deep', ['add', 'emails', 'welcome', '['.repeat(101) + ']'.repeat(101)], 'nested more than 100'],
  ['too large', ['add', 'emails', 'welcome', '"12345"', '--max-bytes', '6'], '7 bytes long, more than 6'],
  ['a bad queue', ['add', 'e mails', 'welcome'], 'must be a queue name'],
  ['a bad delay', ['add', 'emails', 'welcome', '--delay', '10'], 'Did you mean 10s or 10ms?'],
  [
    'a bad backoff',
    ['add', 'emails', 'welcome', '--backoff', 'exponental:2s'],
    'Did you mean "exponential"?',
  ],
  ['a bad header', ['add', 'emails', 'welcome', '--header', 'x'], 'write name=value'],
  ['a bad number', ['add', 'emails', 'welcome', '--attempts', '0'], 'whole number from 1'],
  ['an option that is none', ['add', 'emails', 'welcome', '--prority', '1'], 'Did you mean --priority?'],
  ['options that exclude each other', ['add', 'emails', 'welcome', '-', '--id', 'x'], 'use --id-from'],
])('%s is refused as usage and adds nothing', async (_, args, message) => {
  const { code, out, err } = await millrace(args);

  expect(err).toContain(message);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(await t.jobs()).toEqual([]);
});

test('a malformed line is reported with its number, the others are added, and the exit code tells', async () => {
  const input = ['{"n":1}', '{"n":', '', '{"n":3}', '\u0007"x', '{"n":5}'].join('\n');

  const { code, out, err } = await millrace(['add', 'emails', 'welcome', '-'], { input });

  expect(code).toBe(1);
  expect(out).toBe('added 3 jobs to emails, 2 malformed lines were left out\n');
  expect(err).toMatch(/^line 2: payload: is not JSON: .*: \{"n":\nline 5: .*: \\x07"x\n$/);
  expect((await t.jobs('emails')).map((job) => job.data)).toEqual([{ n: 1 }, { n: 3 }, { n: 5 }]);
});

test('lines go out in batches of 500 at most, in their order', async () => {
  const sizes: number[] = [];
  const options = storeWith((effects, given) => {
    for (const effect of effects) if (effect.op === 'add') sizes.push(effect.jobs.length);
    return t.store.apply(effects, given);
  });
  const input = Array.from({ length: 1_201 }, (_, n) => `${n}\n`).join('');

  await millrace(['add', 'numbers', 'n', '-'], { ...options, input });

  expect(sizes).toEqual([500, 500, 201]);
  expect((await t.jobs('numbers')).map((job) => job.data)).toEqual(
    Array.from({ length: 1_201 }, (_, n) => n),
  );
});

test('reading waits for the store, so memory does not grow with the input', async () => {
  let linesRead = 0;
  let linesAdded = 0;
  const ahead: number[] = [];
  const options = storeWith(async (effects, given) => {
    ahead.push(linesRead - linesAdded);
    await sleep(systemClock, 5);
    const results = await t.store.apply(effects, given);
    linesAdded += 500;
    return results;
  });
  async function* input(): AsyncGenerator<Uint8Array> {
    for (; linesRead < 3_000; linesRead += 100) yield new TextEncoder().encode('"x"\n'.repeat(100));
  }

  expect((await millrace(['add', 'big', 'x', '-'], { ...options, input: input() })).code).toBe(0);

  expect(linesAdded).toBe(3_000);
  // The batch that is sent, and the next one, which was read meanwhile.
  expect(Math.max(...ahead)).toBeLessThanOrEqual(1_100);
});

test('ids from the payload make an import that can be repeated', async () => {
  const input =
    '{"order":{"id":"a"}}\n{"order":{"id":7}}\n{"order":{}}\n{"order":{"id":12345678901234567890}}\n';
  const args = ['add', 'orders', 'process', '-', '--id-from', 'order.id', '--json'];

  const first = await millrace(args, { input });
  const second = await millrace(args, { input });

  expect(JSON.parse(first.out)).toEqual({ queue: 'orders', lines: 4, added: 2, duplicates: 0, malformed: 2 });
  expect(JSON.parse(second.out)).toEqual({
    queue: 'orders',
    lines: 4,
    added: 0,
    duplicates: 2,
    malformed: 2,
  });
  expect(first.err).toContain('line 4: order.id: is no exact whole number');
  expect((await t.jobs('orders')).map((job) => job.id)).toEqual(['a', '7']);
});

test('a file that is not there is a usage error', async () => {
  const { code, err } = await millrace(['add', 'orders', 'process', '--file', 'no/such.ndjson']);

  expect(code).toBe(2);
  expect(err).toContain('--file: cannot be read');
});

test('a batch whose answer was lost is repeated under the same id and doubles nothing', async () => {
  let calls = 0;
  const options = storeWith(async (effects, given) => {
    const results = await t.store.apply(effects, given);
    calls += 1;
    if (calls === 1) throw new StoreUnavailableError('the connection was cut');
    return results;
  });

  const { code, out } = await millrace(['add', 'emails', 'welcome', '-'], { ...options, input: '1\n2\n' });

  expect({ code, out }).toEqual({ code: 0, out: 'added 2 jobs to emails\n' });
  expect(await t.jobs('emails')).toHaveLength(2);
});

test('when the store is full the command stops and says how far it came', async () => {
  let calls = 0;
  const options = storeWith((effects, given) => {
    calls += 1;
    if (calls > 1) throw new StoreFullError('the disk is full. Make room and go on.');
    return t.store.apply(effects, given);
  });

  const { code, err } = await millrace(['add', 'n', 'n', '-'], { ...options, input: '1\n'.repeat(1_000) });

  expect(code).toBe(1);
  expect(err).toContain('ends with line 1000: 500 jobs were added before it');
  expect(err).toContain('MILLRACE_STORE_FULL');
});

test('--wait gives the result back with every digit, as soon as a worker has settled the job', async () => {
  const answer = millrace(['add', 'sums', 'add', '[1,2]', '--id', 's', '--wait', '--json']);
  await settleNext('sums', { to: 'completed', result: new TextEncoder().encode('12345678901234567890') });

  expect(await answer).toMatchObject({
    code: 0,
    out: '{"queue":"sums","id":"s","outcome":"created","state":"completed","result":12345678901234567890}\n',
  });
});

test('--wait on a job that fails is an error that says why', async () => {
  const answer = millrace(['add', 'sums', 'add', '--wait']);
  const error = { name: 'Error', message: 'no such account', stack: null, code: null, fingerprint: 'f' };
  await settleNext('sums', { to: 'failed', error, cause: 'attempts-spent' });

  const { code, out, err } = await answer;
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(err).toContain('no such account (MILLRACE_JOB_FAILED)');
});

test('--wait-timeout ends the wait with exit code 5 and leaves the job', async () => {
  const answer = millrace(['add', 'sums', 'add', '--wait', '--wait-timeout', '5s']);
  await untilAdded('sums');
  await t.advance('6s');

  expect(await answer).toMatchObject({ code: 5, err: expect.stringContaining('MILLRACE_TIMEOUT') });
  expect(await t.jobs('sums')).toMatchObject([{ state: 'waiting' }]);
});

async function untilAdded(queue: string): Promise<void> {
  while ((await t.jobs(queue)).length === 0) await settle();
}

type Next = Parameters<Store['commit']>[0][number]['next'];

async function settleNext(queue: string, next: Next): Promise<void> {
  for (;;) {
    const [answer] = await t.store.claim([
      { claimId: `${queue}-${next.to}`, queue, limit: 1, worker: 'w', leaseMs: 30_000 },
    ]);
    const claimed = answer?.jobs[0];
    if (claimed !== undefined) {
      await t.store.commit([{ lease: claimed.lease, next, mode: 'strict' }]);
      return;
    }
    await settle();
  }
}
