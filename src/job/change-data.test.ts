import { expect, test } from 'vitest';
import { changeData, errorData, MAX_CHANGE_BYTES } from './change-data.ts';

test('a change carries a value up to its limit and leaves out a larger one', () => {
  const fits = new Uint8Array(MAX_CHANGE_BYTES);
  expect(changeData(fits)).toBe(fits);
  expect(changeData(new Uint8Array(MAX_CHANGE_BYTES + 1))).toBe(null);
  expect(changeData(null)).toBe(null);
});

test('an error is told in the same bytes whatever the order of its fields', () => {
  const error = { fingerprint: 'f', code: null, stack: null, message: 'm', name: 'E' };
  const text = new TextDecoder().decode(errorData(error) ?? new Uint8Array());
  expect(text).toBe('{"name":"E","message":"m","stack":null,"code":null,"fingerprint":"f"}');
});
