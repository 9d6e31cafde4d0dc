/** How hints travel between processes: by NOTIFY on a channel that is named as the schema. */

import type { Hint } from '../store.ts';
import { quoted } from './map-error.ts';

const NEWS: readonly Hint['news'][] = ['ready', 'ended', 'cancel', 'settings', 'unknown'];

/** `ready orders`. Names of queues have no space in them. Functions of the schema write the same. */
export function payloadOf({ news, queue }: Hint): string {
  return `${news} ${queue}`;
}

/** Null for what is no hint: a ping, or the word of a release to come. */
export function hintOf(payload: string): Hint | null {
  const [word = '', queue = ''] = payload.split(' ');
  const news = NEWS.find((known) => known === word);
  return news === undefined || queue === '' ? null : { news, queue };
}

const AWAIT = 'await ';

/** Said by who waits for results of a queue, to those who work on it. */
export function awaitOf(queue: string): string {
  return `${AWAIT}${queue}`;
}

/** Null: the payload is something else. */
export function awaitedIn(payload: string): string | null {
  return payload.startsWith(AWAIT) ? payload.slice(AWAIT.length) : null;
}

export function listenOn(schema: string): string {
  return `listen ${quoted(schema)}`;
}

/** With the schema and the payload. */
export const NOTIFY = 'select pg_catalog.pg_notify($1, $2)';
