import { expect, test } from 'vitest';
import { numberArray, textArray } from './array-text.ts';

test('numbers stand between braces, however many there are', () => {
  expect(numberArray([])).toBe('{}');
  expect(numberArray([1, -2, 3])).toBe('{1,-2,3}');
});

test('texts are quoted, so that none is taken for NULL, for two, or for an array', () => {
  expect(textArray([])).toBe('{}');
  expect(textArray(['NULL', 'a,b', '{c}', ' d '])).toBe('{"NULL","a,b","{c}"," d "}');
});

test('quotes and backslashes stay what they are', () => {
  expect(textArray(['say "hi"', 'c:\\', '","'])).toBe('{"say \\"hi\\"","c:\\\\","\\",\\""}');
});
