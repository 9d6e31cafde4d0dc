import { StoreUnavailableError } from '../errors.ts';
import { MAX_PAGE } from '../job/limits.ts';
import { Bell } from '../runtime/bell.ts';
import type { Change, FeedPage } from '../store/store.ts';
import type { Client } from './client.ts';

/** Longer than the longest wait between two reads, so that the recording never stops in between. */
const KEEP_MS = 60_000;
const MIN_POLL_MS = 100;
const MAX_POLL_MS = 1_000;
const MAX_BACKOFF_MS = 10_000;

export interface FollowOptions {
  readonly queue: string;
  /** Null: from now on. */
  readonly after: number | null;
  readonly signal: AbortSignal;
  /** The cursor after each page: from here on nothing is missed. */
  readonly onPage: (cursor: number) => void;
  /** The store was away; the reading goes on. */
  readonly onTrouble: (error: StoreUnavailableError) => void;
}

/** What follows one another in a queue. `gap`: changes before this cursor are not kept any more. */
export type Followed = { readonly gap: number } | { readonly change: Change };

/**
 * Reads the change feed page by page, woken by hints, with a poll behind them: not every change gives a hint, and
 * a hint may get lost. Ends when the signal aborts.
 */
export async function* followFeed(client: Client, options: FollowOptions): AsyncGenerator<Followed> {
  const { queue, signal, onPage } = options;
  const bell = new Bell(client.clock);
  const unwatch = await client.watch(queue, ({ news }) => {
    // Nothing has changed yet.
    if (news !== 'coming') bell.ring();
  });
  let cursor = options.after;
  let pollMs = MIN_POLL_MS;
  try {
    while (!signal.aborted) {
      const page = await readPage(client, bell, cursor, options);
      if (page === null || signal.aborted) return;
      if (!page.complete) yield { gap: page.cursor };
      for (const change of page.changes) {
        if (signal.aborted) return;
        yield { change };
      }
      cursor = page.cursor;
      onPage(cursor);
      if (page.changes.length >= MAX_PAGE) continue;
      pollMs = page.changes.length > 0 ? MIN_POLL_MS : Math.min(pollMs * 2, MAX_POLL_MS);
      await bell.wait(pollMs, signal);
    }
  } finally {
    unwatch();
  }
}

/** Tries until the store is there again; null when the signal aborted meanwhile. */
async function readPage(
  client: Client,
  bell: Bell,
  after: number | null,
  { queue, signal, onTrouble }: FollowOptions,
): Promise<FeedPage | null> {
  for (let waitMs = MIN_POLL_MS; !signal.aborted; waitMs = Math.min(waitMs * 2, MAX_BACKOFF_MS)) {
    try {
      return await client.store.feed({ queues: [queue], after, limit: MAX_PAGE, keepMs: KEEP_MS });
    } catch (error) {
      if (signal.aborted) return null;
      if (!(error instanceof StoreUnavailableError)) throw error;
      // Once a trouble, not once a try.
      if (waitMs === MIN_POLL_MS) onTrouble(error);
      await bell.wait(waitMs, signal);
    }
  }
  return null;
}
