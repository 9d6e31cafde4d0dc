import { InvalidOptionError } from '../../errors.ts';
import type { JobFilter } from '../../job/filter.ts';
import { DEFAULT_SCAN } from '../../job/limits.ts';
import { matchesFilter } from '../../job/match.ts';
import type { JobRecord } from '../../job/record.ts';
import type { JobPage, PageRequest } from '../store.ts';
import { Cursor } from './cursor.ts';
import type { Engine } from './engine.ts';
import { readJob, type StoredJob } from './pack-record.ts';
import { FIND_JOBS } from './read-scripts.ts';
import { type Arg, listOf } from './reply.ts';

/** Jobs looked at by one script: their payloads pass through memory together. */
const PAGE = 500;

/** Pages by `seq`, which never changes: what is added or removed meanwhile shifts nothing. */
export async function find(engine: Engine, filter: JobFilter, page: PageRequest): Promise<JobPage> {
  const { limit, scan = DEFAULT_SCAN, order = 'newest' } = page;
  const jobs: JobRecord[] = [];
  let from = seqOf(page.cursor);
  let scanned = 0;
  for (;;) {
    const many = Math.min(PAGE, scan - scanned);
    const slice = await sliceOf(engine, filter, { order, from, many });
    for (const { place, job } of slice.jobs) {
      if (matchesFilter(filter, job.record, slice.nowMs)) jobs.push(job.record);
      if (jobs.length < limit) continue;
      const isEnd = slice.isEnd && place === slice.looked;
      return { jobs, cursor: isEnd ? null : String(job.seq), scanned: scanned + place, complete: true };
    }
    scanned += slice.looked;
    from = slice.last ?? from;
    if (slice.isEnd) return { jobs, cursor: null, scanned, complete: true };
    if (scanned >= scan) return { jobs, cursor: String(from), scanned, complete: false };
  }
}

function seqOf(cursor: string | null): number | null {
  if (cursor === null) return null;
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor);
  const message = 'is not a cursor of this store. Pass the one of the page before, or null.';
  throw new InvalidOptionError('the page', [{ path: 'cursor', message }]);
}

export interface SliceRequest {
  readonly order: 'newest' | 'oldest';
  /** Number to go on from. */
  readonly from: number | null;
  readonly many: number;
}

export interface Slice {
  readonly nowMs: number;
  readonly isEnd: boolean;
  /** The last number that was looked at. */
  readonly last: number | null;
  readonly looked: number;
  /** Those in the states that are meant, each with its place among those that were looked at. */
  readonly jobs: readonly { readonly place: number; readonly job: StoredJob }[];
}

/** The next jobs that could match, by the conditions that the server looks at. */
export async function sliceOf(engine: Engine, filter: JobFilter, request: SliceRequest): Promise<Slice> {
  const cursor = new Cursor(listOf(await engine.read(FIND_JOBS, argsOf(filter, request))));
  const nowMs = cursor.number();
  const isEnd = cursor.number() === 1;
  const last = cursor.numberOrNull();
  const looked = cursor.number();
  const jobs: { place: number; job: StoredJob }[] = [];
  while (!cursor.isEnd) {
    const place = cursor.number();
    jobs.push({ place, job: readJob(cursor, cursor.text()) });
  }
  return { nowMs, isEnd, last, looked, jobs };
}

function argsOf({ queues, states = [], ids = [] }: JobFilter, { order, from, many }: SliceRequest): Arg[] {
  const names = queues ?? [];
  return [
    order === 'newest' ? 1 : 0,
    from ?? '',
    many,
    ...[states, ids, names].flatMap((list) => [list.length, ...list]),
    queues === undefined ? 'all' : 'these',
  ];
}
