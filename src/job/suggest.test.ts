import { expect, test } from 'vitest';
import { didYouMean, suggest } from './suggest.ts';

const OPTIONS = ['attempts', 'backoff', 'delay', 'priority', 'removeOnComplete', 'ttl'];

test.each([
  ['attempt', 'attempts'],
  ['atempts', 'attempts'],
  ['attemtps', 'attempts'],
  ['Priority', 'priority'],
  ['removeOnCompleted', 'removeOnComplete'],
  ['dealy', 'delay'],
  ['prio', 'priority'],
  ['remove', 'removeOnComplete'],
])('"%s" is taken for "%s"', (typed, meant) => {
  expect(suggest(typed, OPTIONS)).toBe(meant);
});

test.each(['concurrency', 'x', '', 'zzz'])('nothing is offered for "%s", which is like nothing', (typed) => {
  expect(suggest(typed, OPTIONS)).toBeNull();
});

test('the guess follows a sentence, or leaves it as it is', () => {
  expect(didYouMean('backof', OPTIONS)).toBe(' Did you mean "backoff"?');
  expect(didYouMean('concurrency', OPTIONS)).toBe('');
});
