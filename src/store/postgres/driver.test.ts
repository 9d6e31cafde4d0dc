import { expect, test } from 'vitest';
import { asBytes, TYPES } from './driver.ts';

test('bytes are read in both forms that a server may be set to', () => {
  expect([...asBytes('\\x00ff5c41')]).toEqual([0, 255, 92, 65]);
  expect([...asBytes('\\000\\377\\\\A')]).toEqual([0, 255, 92, 65]);
  expect([...asBytes('\\x')]).toEqual([]);
  expect([...asBytes('')]).toEqual([]);
});

test('numbers come as numbers and JSON as text, whatever the application has set for itself', () => {
  const parse = (oid: number, value: string): unknown => TYPES.getTypeParser(oid)(value);
  expect(parse(20, '9007199254740991')).toBe(9_007_199_254_740_991);
  expect(parse(701, '0.5')).toBe(0.5);
  expect(parse(16, 'f')).toBe(false);
  expect(parse(3802, '{"a":1}')).toBe('{"a":1}');
});
