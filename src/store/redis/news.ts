/** How hints travel: at the end of a script's answer, and between processes on one channel. See `lua/hint.ts`. */

import type { Hint } from '../store.ts';
import { listOf, type Reply, textOf } from './reply.ts';

const NEWS: readonly Hint['news'][] = ['ready', 'ended', 'cancel', 'settings', 'unknown'];

export function channelOf(prefix: string): string {
  return `${prefix}news`;
}

/** `queue, news, queue, news …` */
export function hintsOf(reply: Reply | undefined): readonly Hint[] {
  const words = listOf(reply);
  if (words.length === 0) return [];
  const hints: Hint[] = [];
  for (let index = 0; index + 1 < words.length; index += 2) {
    const hint = hintOf(textOf(words[index + 1]), textOf(words[index]));
    if (hint !== null) hints.push(hint);
  }
  return hints;
}

/** Whether the step wrote something for other cells (`lua/outbox.ts`). */
export function hasSent(reply: Reply | undefined): boolean {
  const last = listOf(reply).at(-1);
  return Buffer.isBuffer(last) && last.toString('latin1') === 'outbox';
}

function hintOf(word: string, queue: string): Hint | null {
  const news = NEWS.find((known) => known === word);
  return news === undefined ? null : { news, queue };
}

/** `me queue news queue news …`, where no part has a space in it. What one has sent oneself one knows already. */
export function heardIn(message: string, me: string): readonly Hint[] {
  const [sender, ...words] = message.split(' ');
  if (sender === me) return [];
  const hints: Hint[] = [];
  for (let index = 0; index + 1 < words.length; index += 2) {
    const hint = hintOf(words[index + 1] ?? '', words[index] ?? '');
    if (hint !== null) hints.push(hint);
  }
  return hints;
}
