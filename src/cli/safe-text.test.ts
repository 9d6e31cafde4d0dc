import { expect, test } from 'vitest';
import { cutText, safeLines, safeText, textWidth } from './safe-text.ts';

test('escape sequences, control characters and direction marks are shown, not sent', () => {
  expect(safeText('a\u001b[2Jb')).toBe('a\\x1b[2Jb');
  expect(safeText('one\r\ntwo\tthree')).toBe('one\\r\\ntwo\\tthree');
  expect(safeText('\u009b31m \u0007 \u007f')).toBe('\\x9b31m \\x07 \\x7f');
  expect(safeText('invoice\u202egpj.exe')).toBe('invoice\\u202egpj.exe');
});

test('text in any language stays as it is, and half a character is spelled out', () => {
  expect(safeText('größe 価格 🚀')).toBe('größe 価格 🚀');
  expect(safeText('a\ud800b')).toBe('a\\ud800b');
});

test('lines are kept apart and cleaned one by one', () => {
  expect(safeLines('Error: x\n    at f\u001b[1A\r\n    at g')).toEqual([
    'Error: x',
    '    at f\\x1b[1A',
    '    at g',
  ]);
});

test('wide and combining characters are measured as a terminal shows them', () => {
  expect(textWidth('価格')).toBe(4);
  expect(textWidth('e\u0301')).toBe(1);
  expect(cutText('価格 of the order', 6)).toBe('価格 …');
  expect(cutText('short', 6)).toBe('short');
});
