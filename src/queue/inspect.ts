/** Reading a queue. Every read is made of bounded pages. */

import { InvalidOptionError } from '../errors.ts';
import { checkFilter } from '../job/check-filter.ts';
import type { JobFilter } from '../job/filter.ts';
import { MAX_PAGE } from '../job/limits.ts';
import { anything, checkOptions, choice, whole } from '../job/option-rules.ts';
import { Problems } from '../job/problems.ts';
import { type Counts, DEFAULT_QUEUE_SETTINGS, type Totals } from '../job/queue-settings.ts';
import { JOB_STATES, type JobRecord, type JobState } from '../job/record.ts';
import { formatSearch, parseSearch } from '../job/search.ts';
import { isJobState } from '../job/state.ts';
import { didYouMean } from '../job/suggest.ts';
import type { QueueSummary, Store } from '../store/store.ts';
import type { Client } from './client.ts';

export interface FindOptions {
  /** From the page before. @default the first page */
  readonly cursor?: string | null;
  /** @default 100; 1,000 at most */
  readonly limit?: number;
  /** Records examined at most. @default 10,000 */
  readonly scan?: number;
  /** By when they were added. @default "newest" */
  readonly order?: 'newest' | 'oldest';
}

/** One page of a search. */
export interface FoundRecords {
  readonly records: readonly JobRecord[];
  readonly cursor: string | null;
  readonly scanned: number;
  readonly complete: boolean;
}

export interface Range {
  readonly start: number;
  /** Included; -1 for all. */
  readonly end: number;
  readonly oldestFirst: boolean;
}

const PAGE_SIZE = 100;
const TOTALS: readonly (keyof Totals)[] = [
  ...(['added', 'completed', 'failed', 'cancelled', 'attemptsFailed'] as const),
  ...(['released', 'reclaimed', 'duplicates', 'removed'] as const),
];
const FIND_RULES = {
  cursor: anything,
  limit: whole({ min: 1, max: MAX_PAGE }),
  scan: whole({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  order: choice(['newest', 'oldest']),
};

const RANGE_RULES = {
  start: whole({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  end: whole({ min: -1, max: Number.MAX_SAFE_INTEGER }),
};

export async function findRecords(
  store: Store,
  queue: string,
  search: string | JobFilter,
  options: FindOptions,
): Promise<FoundRecords> {
  checkOptions(`find in queue "${queue}"`, options, FIND_RULES);
  const { jobs, ...page } = await store.find(filterIn(queue, search), {
    cursor: options.cursor ?? null,
    limit: options.limit ?? PAGE_SIZE,
    ...(options.scan !== undefined && { scan: options.scan }),
    ...(options.order !== undefined && { order: options.order }),
  });
  return { records: jobs, ...page };
}

/** The filter, held to this queue. */
export function filterIn(queue: string, search: string | JobFilter): JobFilter {
  const filter = typeof search === 'string' ? parseSearch(search) : search;
  const problems = new Problems();
  checkFilter(problems, 'filter', filter);
  problems.throwIfAny(`the search in queue "${queue}"`);
  const others = filter.queues?.filter((name) => name !== queue) ?? [];
  if (others.length > 0) {
    throw new InvalidOptionError(`the search in queue "${queue}"`, [
      { path: 'queue', message: `is ${others.join(', ')}, but a queue looks for its own jobs only` },
    ]);
  }
  return { ...filter, queues: [queue] };
}

/** Jobs number `start` to `end` by the order of adding, read page by page. */
export async function readRange(
  store: Store,
  filter: JobFilter,
  { start, end, oldestFirst }: Range,
): Promise<JobRecord[]> {
  checkOptions(`getJobs of ${formatSearch(filter)}`, { start, end }, RANGE_RULES);
  const records: JobRecord[] = [];
  let cursor: string | null = null;
  let skipped = 0;
  const wanted = end < 0 ? Number.POSITIVE_INFINITY : end - start + 1;
  while (records.length < wanted) {
    const page = { cursor, limit: MAX_PAGE, order: oldestFirst ? ('oldest' as const) : ('newest' as const) };
    const { jobs, cursor: next } = await store.find(filter, page);
    const skip = Math.min(start - skipped, jobs.length);
    skipped += skip;
    records.push(...jobs.slice(skip, skip + wanted - records.length));
    if (next === null) break;
    cursor = next;
  }
  return records;
}

/**
 * @throws InvalidOptionError for a state that is none, with what may have been meant.
 */
export function checkStates(subject: string, states: readonly unknown[]): void {
  const problems = states
    .filter((state) => !isJobState(state))
    .map((state) => ({
      path: String(state),
      message: `is not a state. States are ${JOB_STATES.join(', ')}.${didYouMean(String(state), JOB_STATES)}`,
    }));
  if (problems.length > 0) throw new InvalidOptionError(subject, problems);
}

/** A queue that is not there yet is told as it would be made now. */
export async function readSummary(client: Client, queue: string): Promise<QueueSummary> {
  const [summary] = await client.store.queues([queue]);
  return summary ?? emptySummary(queue, client.clock.now());
}

function emptySummary(queue: string, createdAt: number): QueueSummary {
  const zeros = (names: readonly string[]): unknown => Object.fromEntries(names.map((name) => [name, 0]));
  return {
    queue,
    settings: DEFAULT_QUEUE_SETTINGS,
    counts: zeros(JOB_STATES) as Counts,
    totals: zeros(TOTALS) as Totals,
    oldestReadyMs: null,
    oldestActiveMs: null,
    nextDueInMs: null,
    createdAt,
  };
}

export async function readCounts<State extends JobState>(
  client: Client,
  queue: string,
  states: readonly State[],
): Promise<Record<State, number>> {
  checkStates(`getJobCounts of queue "${queue}"`, states);
  const { counts } = await readSummary(client, queue);
  const wanted: readonly JobState[] = states.length === 0 ? JOB_STATES : states;
  return Object.fromEntries(wanted.map((state) => [state, counts[state]])) as Record<State, number>;
}
