import { expect, test } from 'vitest';
import { storableText } from './storable-text.ts';

test('text that any store can keep is left as it is', () => {
  expect(storableText('Grüße, 世界 🎉\n\ttab', 100)).toBe('Grüße, 世界 🎉\n\ttab');
});

test('U+0000 and lone surrogates become U+FFFD, pairs stay', () => {
  expect(storableText('a\0b\uD800c🎉\uDC00', 100)).toBe('a\uFFFDb\uFFFDc🎉\uFFFD');
});

test.each([
  ['a'.repeat(20), `${'a'.repeat(7)}…`],
  ['é'.repeat(10), 'ééé…'],
  ['🎉🎉🎉', '🎉…'],
])('%s is cut between characters and marked', (text, expected) => {
  const cut = storableText(text, 10);

  expect(cut).toBe(expected);
  expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(10);
});

test('text of exactly the limit is not cut', () => {
  expect(storableText('é'.repeat(5), 10)).toBe('ééééé');
});
