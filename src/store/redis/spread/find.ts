/** Jobs of several queues, each in its own order, merged by the time of adding. */

import { InvalidOptionError } from '../../../errors.ts';
import type { JobFilter } from '../../../job/filter.ts';
import { DEFAULT_SCAN } from '../../../job/limits.ts';
import { matchesFilter } from '../../../job/match.ts';
import type { JobPage, PageRequest } from '../../store.ts';
import { sliceOf } from '../find.ts';
import type { StoredJob } from '../pack-record.ts';
import type { Cells } from './cells.ts';

const PAGE = 500;

interface Search {
  readonly queue: string;
  /** The last number that is behind the page. */
  from: number | null;
  /** The last that was looked at. */
  looked: number | null;
  readonly ahead: StoredJob[];
  isEnd: boolean;
}

type Order = 'newest' | 'oldest';

export async function findInCells(cells: Cells, filter: JobFilter, page: PageRequest): Promise<JobPage> {
  const { limit, scan = DEFAULT_SCAN, order = 'newest' } = page;
  const searches = page.cursor === null ? begin(filter.queues ?? (await cells.names())) : goOn(page.cursor);
  const jobs: StoredJob[] = [];
  let scanned = 0;
  while (jobs.length < limit) {
    const short = searches.filter(({ ahead, isEnd }) => ahead.length === 0 && !isEnd);
    if (short.length > 0 && scanned < scan) {
      for (const search of short)
        if (scanned < scan)
          scanned += await look(cells, search, { filter, order, many: Math.min(PAGE, scan - scanned) });
      continue;
    }
    const next = first(searches, order);
    const job = next?.ahead.shift();
    if (next === null || job === undefined) break;
    next.from = next.ahead.length === 0 ? next.looked : job.seq;
    jobs.push(job);
  }
  const isEnd = searches.every(({ ahead, isEnd: ended }) => ended && ahead.length === 0);
  return {
    jobs: jobs.map(({ record }) => record),
    cursor: isEnd ? null : cursorOf(searches),
    scanned,
    complete: isEnd || jobs.length === limit,
  };
}

async function look(
  cells: Cells,
  search: Search,
  { filter, order, many }: { readonly filter: JobFilter; readonly order: Order; readonly many: number },
): Promise<number> {
  const { queue, looked: from } = search;
  const slice = await sliceOf(cells.at(queue), { ...filter, queues: [queue] }, { order, from, many });
  const met = slice.jobs
    .map(({ job }) => job)
    .filter(({ record }) => matchesFilter(filter, record, slice.nowMs));
  search.ahead.push(...met);
  search.looked = slice.last ?? from;
  search.isEnd = slice.isEnd;
  if (met.length === 0) search.from = search.looked;
  return slice.looked;
}

function first(searches: readonly Search[], order: Order): Search | null {
  const sign = order === 'newest' ? -1 : 1;
  const [next] = searches
    .filter(({ ahead }) => ahead.length > 0)
    .sort((one, other) => {
      const [a, b] = [one.ahead[0] as StoredJob, other.ahead[0] as StoredJob];
      const ages = a.record.addedAt - b.record.addedAt || a.seq - b.seq;
      return sign * (ages || (one.queue < other.queue ? -1 : 1));
    });
  return next ?? null;
}

function begin(queues: readonly string[]): Search[] {
  return [...new Set(queues)].map((queue) => ({ queue, from: null, looked: null, ahead: [], isEnd: false }));
}

/** Those that are not at their end, each with the last number that is behind. */
function cursorOf(searches: readonly Search[]): string {
  const open = searches.filter(({ ahead, isEnd }) => !isEnd || ahead.length > 0);
  const text = JSON.stringify(open.map(({ queue, from }) => [queue, from]));
  return Buffer.from(text).toString('base64url');
}

function goOn(cursor: string): Search[] {
  try {
    const pairs = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as [string, number | null][];
    return pairs.map(([queue, from]) => ({ queue, from, looked: from, ahead: [], isEnd: false }));
  } catch {
    const message = 'is not a cursor of this store. Pass the one of the page before, or null.';
    throw new InvalidOptionError('the page', [{ path: 'cursor', message }]);
  }
}
