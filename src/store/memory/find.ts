import { InvalidOptionError } from '../../errors.ts';
import type { JobFilter } from '../../job/filter.ts';
import { DEFAULT_SCAN } from '../../job/limits.ts';
import { matchesFilter } from '../../job/match.ts';
import type { JobRecord } from '../../job/record.ts';
import type { JobPage, PageRequest } from '../store.ts';
import { give } from './own.ts';
import { bySeq, type State, type StoredJob } from './state.ts';

/** Pages by `seq`, which never changes: what is added or removed meanwhile shifts nothing. */
export function find(state: State, filter: JobFilter, page: PageRequest, nowMs: number): JobPage {
  const { limit, scan = DEFAULT_SCAN } = page;
  const rest = ahead(state, filter, page);
  const jobs: JobRecord[] = [];
  let scanned = 0;
  while (scanned < rest.length && scanned < scan && jobs.length < limit) {
    const { record } = rest[scanned] as StoredJob;
    if (matchesFilter(filter, record, nowMs)) jobs.push(give(record));
    scanned += 1;
  }
  const isEnd = scanned === rest.length;
  const cursor = isEnd ? null : String(rest[scanned - 1]?.seq ?? page.cursor ?? '');
  return { jobs, cursor, scanned, complete: isEnd || jobs.length === limit };
}

/** Jobs from the cursor on, in the order of the page. */
function ahead(state: State, filter: JobFilter, { cursor, order = 'newest' }: PageRequest): StoredJob[] {
  const jobs = candidates(state, filter).sort(bySeq);
  const from = seqOf(cursor);
  if (order === 'oldest') return from === null ? jobs : jobs.filter(({ seq }) => seq > from);
  return (from === null ? jobs : jobs.filter(({ seq }) => seq < from)).toReversed();
}

function seqOf(cursor: string | null): number | null {
  if (cursor === null) return null;
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor);
  const message = 'is not a cursor of this store. Pass the one of the page before, or null.';
  throw new InvalidOptionError('the page', [{ path: 'cursor', message }]);
}

/** All jobs that could match, by the cheapest conditions alone. */
export function candidates(state: State, filter: JobFilter): StoredJob[] {
  const queues = filter.queues === undefined ? [...state.queues.keys()] : [...new Set(filter.queues)];
  return queues.flatMap((queue) => [...(state.queues.get(queue)?.jobs.values() ?? [])]);
}
