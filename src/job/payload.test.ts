import { runInNewContext } from 'node:vm';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { InvalidPayloadError, LimitExceededError } from '../errors.ts';
import { decodeJson, encodeJson, isJsonType } from './payload.ts';

class Money {
  readonly cents = 100;
}

function pathOf(value: unknown): string {
  try {
    encodeJson(value, 'data');
    return 'accepted';
  } catch (error) {
    if (error instanceof InvalidPayloadError) return error.path;
    throw error;
  }
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}

test('what JSON can carry comes back equal', async () => {
  await fc.assert(
    fc.property(fc.json(), (text) => {
      const value: unknown = JSON.parse(text);
      expect(decodeJson(encodeJson(value, 'data'))).toEqual(value);
    }),
  );
});

function bytesOf(value: unknown): Uint8Array | null {
  try {
    return encodeJson(value, 'data');
  } catch {
    return null;
  }
}

test('whatever it is given, encoding either keeps the value or refuses it: nothing changes in silence', async () => {
  const anything = fc.anything({
    ...{ withBigInt: true, withDate: true, withMap: true, withSet: true, withSparseArray: true },
    ...{ withTypedArray: true, withNullPrototype: true, withObjectString: true, withBoxedValues: true },
  });
  await fc.assert(
    fc.property(anything, (value) => {
      const bytes = bytesOf(value);
      if (bytes === null) return;
      expect(decodeJson(bytes)).toEqual(normalised(value));
    }),
    { numRuns: 1_000 },
  );
});

/** Undefined properties are left out, a missing value is null, -0 is 0: the documented exceptions. */
function normalised(value: unknown): unknown {
  if (value === undefined) return null;
  if (Object.is(value, -0)) return 0;
  if (Array.isArray(value)) return value.map(normalised);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(entries.map(([name, member]) => [name, normalised(member)]));
}

test.each([
  ['a BigInt', { price: 1n }, 'data.price'],
  ['NaN', { lines: [{ price: 1 }, { price: Number.NaN }] }, 'data.lines[1].price'],
  ['Infinity', [Number.POSITIVE_INFINITY], 'data[0]'],
  ['undefined in an array', { list: [1, undefined] }, 'data.list[1]'],
  ['a hole in an array', { list: new Array(2) }, 'data.list'],
  ['an array with named properties', { match: /b/.exec('abc') }, 'data.match'],
  ['a function', { onDone() {} }, 'data.onDone'],
  ['a symbol', { kind: Symbol('x') }, 'data.kind'],
  ['a property named by a symbol', { a: { [Symbol('x')]: 1 } }, 'data.a'],
  ['a Date', { at: new Date(0) }, 'data.at'],
  ['a Map', { map: new Map() }, 'data.map'],
  ['a Set', { set: new Set() }, 'data.set'],
  ['bytes', { file: Buffer.from('x') }, 'data.file'],
  ['an ArrayBuffer', { file: new ArrayBuffer(1) }, 'data.file'],
  ['an instance of a class', { 'unit price': new Money() }, 'data["unit price"]'],
  ['a boxed value', { name: new String('x') }, 'data.name'],
  ['a promise', Promise.resolve(1), 'data'],
  ['an error', { why: new Error('x') }, 'data.why'],
])('%s is refused with the path to it', (_, value, path) => {
  expect(pathOf(value)).toBe(path);
});

test('the refusal says what to pass instead', () => {
  expect(() => encodeJson({ at: new Date(0) }, 'data')).toThrow(/toISOString/);
  expect(() => encodeJson({ id: 1n }, 'data')).toThrow(/String\(value\)/);
  expect(() => encodeJson(Promise.resolve(), 'data')).toThrow(/await/);
  expect(() => encodeJson(new Money(), 'data')).toThrow(/instance of Money/);
});

test('a cycle is refused with the place where it closes', () => {
  const node: Record<string, unknown> = { name: 'root', children: [{ name: 'leaf' }] };
  (node['children'] as Record<string, unknown>[])[0] = { name: 'leaf', parent: node };

  expect(() => encodeJson(node, 'data')).toThrow(/^data\.children\[0\]\.parent: it refers back to data,/);
});

test('nesting is allowed to 100 levels and refused beyond, however deep it goes', () => {
  expect(pathOf(nested(100))).toBe('accepted');
  expect(pathOf(nested(101))).toMatch(/^data(\.a|\[0\])+$/);
  expect(() => encodeJson(nested(50_000), 'data')).toThrow(/100 levels/);
});

test('a value that occurs twice is no cycle', () => {
  const address = { city: 'Ulm' };

  expect(decodeJson(encodeJson({ from: address, to: address }, 'data'))).toEqual({
    from: address,
    to: address,
  });
});

test('a small graph that unfolds without end is refused before it does', () => {
  let value: unknown = 1;
  for (let level = 0; level < 60; level++) value = [value, value];

  expect(() => encodeJson(value, 'data')).toThrow(LimitExceededError);
});

test('the size limit holds to the byte and counts bytes, not characters', () => {
  expect(encodeJson('é'.repeat(4), 'data', { maxBytes: 10 })).toHaveLength(10);
  expect(() => encodeJson('é'.repeat(5), 'data', { maxBytes: 10 })).toThrow(LimitExceededError);
});

test('nothing is stored as null, and undefined properties are left out', () => {
  expect(decodeJson(encodeJson(undefined, 'data'))).toBeNull();
  expect(decodeJson(encodeJson({ a: undefined, b: 1 }, 'data'))).toEqual({ b: 1 });
});

test('lone surrogates and control characters in strings come back as they were', () => {
  const text = 'a\ud800\u0000\u2028z';

  expect(decodeJson(encodeJson({ [text]: text }, 'data'))).toEqual({ [text]: text });
});

test('an own key __proto__ comes back as a key and pollutes nothing', () => {
  const hostile: unknown = JSON.parse('{"__proto__": {"polluted": true}, "constructor": {"prototype": 1}}');
  const back = decodeJson(encodeJson(hostile, 'data')) as object;

  expect(Object.keys(back)).toEqual(['__proto__', 'constructor']);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

test('plain objects of another realm are plain objects', () => {
  const foreign: unknown = runInNewContext('({ list: [1, { a: 2 }] })');

  expect(decodeJson(encodeJson(foreign, 'data'))).toEqual({ list: [1, { a: 2 }] });
});

test.each([
  ['no JSON', Buffer.from('{"a":')],
  ['no UTF-8', Uint8Array.of(0x22, 0xff, 0x22)],
  ['nothing', new Uint8Array()],
])('stored bytes that are %s are refused when they are read', (_, bytes) => {
  expect(() => decodeJson(bytes)).toThrow(InvalidPayloadError);
});

test('JSON is known by its content type', () => {
  const types = [
    'application/json',
    'application/json; charset=utf-8',
    'application/vnd.api+json',
    'text/plain',
  ];

  expect(types.map(isJsonType)).toEqual([true, true, true, false]);
});
