import { expect, test } from 'vitest';
import { heardIn } from './news.ts';

test('the hints of others are heard, each of them', () => {
  expect(heardIn('you q ready other ended q cancel', 'me')).toEqual([
    { queue: 'q', news: 'ready' },
    { queue: 'other', news: 'ended' },
    { queue: 'q', news: 'cancel' },
  ]);
});

test.each(['me q ended', 'ping 0.5', 'you q later-word', 'you q', ''])('%j tells nothing', (message) => {
  expect(heardIn(message, 'me')).toEqual([]);
});
