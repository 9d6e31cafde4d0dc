import { expect, test } from 'vitest';
import { awaitedIn, awaitOf, hintOf, payloadOf } from './news.ts';

test('hints and what somebody awaits are read as they were written', () => {
  expect(payloadOf({ news: 'ready', queue: 'q' })).toBe('ready q');
  expect(hintOf('ready q')).toEqual({ news: 'ready', queue: 'q' });
  expect(hintOf('cancel q')).toEqual({ news: 'cancel', queue: 'q' });
  expect(awaitedIn(awaitOf('q'))).toBe('q');
});

test.each(['', 'ready', 'ping 0.5', 'later-word q', 'await q'])('%j is no hint', (payload) => {
  expect(hintOf(payload)).toBeNull();
});

test.each(['', 'ready q', 'awaiting q'])('%j says of nobody that he awaits something', (payload) => {
  expect(awaitedIn(payload)).toBeNull();
});
