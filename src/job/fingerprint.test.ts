import { expect, test } from 'vitest';
import { fingerprintOf, normaliseMessage, topOwnFrame, toStoredError } from './fingerprint.ts';
import { MAX_STACK_BYTES } from './limits.ts';

test.each([
  ['order 4711 not found', 'order <number> not found'],
  ['took 12.5 ms after 3 tries', 'took <number> ms after <number> tries'],
  ['user "ada@example.org" is unknown', 'user <text> is unknown'],
  [
    "Cannot read properties of undefined (reading 'total')",
    'Cannot read properties of undefined (reading <text>)',
  ],
  ["can't open it, don't ask", "can't open it, don't ask"],
  ['no row 0197a5c2-7b1e-7000-8000-00000000abcd here', 'no row <uuid> here'],
  ['object 507f1f77bcf86cd799439011 is locked', 'object <hex> is locked'],
  ['segfault at 0xDEADBEEF', 'segfault at <hex>'],
  ['connect ECONNREFUSED 127.0.0.1:5432', 'connect ECONNREFUSED <number>:<number>'],
  ['two\n\tlines', 'two lines'],
  ['feedface is a word without digits', 'feedface is a word without digits'],
])('the message %j is alike to %j', (message, expected) => {
  expect(normaliseMessage(message)).toBe(expected);
});

const STACK = [
  'Error: boom',
  '    at Object.connect (node:net:10:5)',
  '    at Pool.query (/srv/app/node_modules/pg/lib/pool.js:1:2)',
  '    at async chargeCard (/srv/app/releases/42/dist/orders/charge.js:17:9)',
  '    at async /srv/app/main.js:3:1',
].join('\n');

test.each([
  [STACK, 'chargeCard orders/charge.js'],
  ['Error: x\n    at file:///srv/app/dist/run.js:3:1', ' dist/run.js'],
  ['Error: x\n    at new Order (C:\\app\\src\\order.ts:3:1)', 'new Order src/order.ts'],
  ['Error: x\n    at node:internal/process/task_queues:95:5', ''],
  ['Error: x', ''],
  ['', ''],
])('the top own frame skips Node and dependencies, and has no line number', (stack, expected) => {
  expect(topOwnFrame(stack)).toBe(expected);
});

const failure = { name: 'TypeError', message: 'order 1 is bad', stack: STACK };

test('failures that differ in their values, or by a new release, have one fingerprint', () => {
  const same = fingerprintOf(failure, 'charge');

  expect(same).toMatch(/^[\da-f]{16}$/);
  expect(fingerprintOf({ ...failure, message: 'order 2 is bad' }, 'charge')).toBe(same);
  expect(
    fingerprintOf({ ...failure, stack: STACK.replace('42', '43').replace('17:9', '18:1') }, 'charge'),
  ).toBe(same);
});

test.each([
  ['class', { name: 'RangeError' }, 'charge'],
  ['message', { message: 'order 1 is odd' }, 'charge'],
  ['place', { stack: STACK.replace('chargeCard', 'refundCard') }, 'charge'],
  ['job name', {}, 'refund'],
])('failures that differ in their %s have different fingerprints', (_what, over, jobName) => {
  expect(fingerprintOf({ ...failure, ...over }, jobName)).not.toBe(fingerprintOf(failure, 'charge'));
});

test('many different failures have different fingerprints', () => {
  const letters = 'abcdefghijklmnopqrstuvwxyz';
  const prints = new Set<string>();
  for (const a of letters) {
    for (const b of letters) {
      for (const c of letters) prints.add(fingerprintOf({ ...failure, message: a + b + c }, 'charge'));
    }
  }
  expect(prints.size).toBe(26 ** 3);
});

test('an error is kept with its class, code, stack and the stacks of its causes', () => {
  class PaymentError extends Error {
    override name = 'PaymentError';
    code = 'card_declined';
  }
  const error = new PaymentError('no money', { cause: new RangeError('limit', { cause: 'policy 7' }) });

  const stored = toStoredError(error, 'charge');

  expect(stored).toMatchObject({ name: 'PaymentError', message: 'no money', code: 'card_declined' });
  expect(stored.stack).toContain('fingerprint.test.ts');
  expect(stored.stack).toContain('\nCaused by: RangeError: limit');
  expect(stored.stack).toContain('\nCaused by: NotAnError: policy 7');
});

test('the errors of an AggregateError are kept below it', () => {
  const error = new AggregateError([new Error('first host'), new Error('second host')], 'all hosts failed');

  expect(toStoredError(error, 'x').stack).toMatch(
    /all hosts failed.*Caused by: Error: first host.*second host/s,
  );
});

test.each([
  ['a string', 'NotAnError', 'a string'],
  [undefined, 'NotAnError', 'undefined'],
  [null, 'NotAnError', 'null'],
  [42n, 'NotAnError', '42'],
  [Symbol('odd'), 'NotAnError', 'Symbol(odd)'],
  [{ status: 503 }, 'NotAnError', '{"status":503}'],
  [{ name: 'HttpError', message: 'bad gateway', code: 502 }, 'HttpError', 'bad gateway'],
])('%s can be thrown too', (thrown, name, message) => {
  expect(toStoredError(thrown, 'x')).toMatchObject({ name, message });
});

test('an error that fights back is stored all the same', () => {
  const circular: Record<string, unknown> = { detail: 1n };
  circular['self'] = circular;
  const hostile = new Proxy(new Error('x'), {
    get: () => {
      throw new Error('no');
    },
  });

  expect(toStoredError(circular, 'x').message).toBe('a value that cannot be shown as text');
  expect(toStoredError(hostile, 'x').name).toBe('Error');
  const loop = new Error('loop');
  loop.cause = loop;
  expect(toStoredError(loop, 'x').stack).not.toContain('Caused by');
});

test('everything kept is within the limits of the store, and a long message leaves room for the frames', () => {
  const error = new Error(`${'é'.repeat(100_000)}\0\uD800`, { cause: new Error('c'.repeat(100_000)) });
  error.name = 'N'.repeat(5_000);

  const stored = toStoredError(error, 'x');

  for (const [text, max] of [
    [stored.name, 1_024],
    [stored.message, 4_096],
    [stored.stack ?? '', MAX_STACK_BYTES],
  ] as const) {
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(max);
    expect(text).not.toMatch(/[\0\uD800-\uDFFF]/u);
  }
  expect(stored.stack).toContain('fingerprint.test.ts');
  expect(stored.stack).toContain('Caused by: Error: ccc');
});
