/**
 * Where dead letters are: jobs in state `failed`, and jobs that moved to another queue when they died and wait
 * there. Which queues are used for that is told by the settings of the others, or by the person who asks.
 */

import type { JobFilter } from '../job/filter.ts';
import { MAX_PAGE, MAX_SCAN } from '../job/limits.ts';
import type { JobRecord } from '../job/record.ts';
import type { Opened } from './open-store.ts';

/** Two searches that together find every dead letter. */
export interface LetterSources {
  readonly failed: JobFilter;
  /** Null when no queue is used for dead letters. What it finds must pass `isMovedLetter` too. */
  readonly moved: JobFilter | null;
}

/** Moved there because it died, and not sent on since. */
export function isMovedLetter(job: JobRecord): boolean {
  return job.origin !== null && job.origin.cause !== 'redrive';
}

/** Where a letter goes when it is replayed: to the queue it came from; null for its own. */
export function replayTarget(job: JobRecord): string | null {
  return isMovedLetter(job) && job.state !== 'failed' ? (job.origin?.queue ?? null) : null;
}

export async function letterSources({ store }: Opened, filter: JobFilter): Promise<LetterSources> {
  const { states: _, ...rest } = filter;
  const failed: JobFilter = { ...rest, states: ['failed'] };
  const named = filter.queues;
  const queues = await store.queues();
  const targets = queues.flatMap(({ settings }) => settings.deadLetterQueue ?? []);
  const keeping = named ?? [...new Set(targets)];
  if (keeping.length === 0) return { failed, moved: null };
  return { failed, moved: { ...rest, queues: keeping, states: ['waiting', 'delayed'] } };
}

/** Pages of the letters that moved, oldest first, so that a walk which moves them on meets each once. */
export async function* movedLetters({ store }: Opened, filter: JobFilter): AsyncGenerator<JobRecord> {
  let cursor: string | null = null;
  do {
    const page = await store.find(filter, { cursor, limit: MAX_PAGE, scan: MAX_SCAN, order: 'oldest' });
    yield* page.jobs.filter(isMovedLetter);
    cursor = page.cursor;
  } while (cursor !== null);
}
