import { expect, test } from 'vitest';
import { canonicalJson, dumpLog, dumpSession } from './dump.ts';

test('equal values give equal lines, whatever the order of their keys', () => {
  const one = { b: [1, { d: undefined, c: null }], a: new Uint8Array([1, 2]) };
  const other = { a: Buffer.from([1, 2]), b: [1, { c: null }] };

  expect(canonicalJson(one)).toBe('{"a":"AQI=","b":[1,{"c":null}]}');
  expect(canonicalJson(other)).toBe(canonicalJson(one));
});

test('a key named __proto__ is kept as data', () => {
  expect(canonicalJson(JSON.parse('{"__proto__":{"a":1}}'))).toBe('{"__proto__":{"a":1}}');
});

test('keys tell apart what lies in different places, and numbers sort by size', () => {
  const line = { number: 2, at: 0, text: '' };
  const second = dumpLog({ queue: 'q', id: 'a b' }, line).key;
  const tenth = dumpLog({ queue: 'q', id: 'a b' }, { ...line, number: 10 }).key;

  expect(second < tenth).toBe(true);
  expect(dumpSession('a","b', {}).key).not.toBe(dumpSession('a"', {}).key);
});
