import { InvalidOptionError } from '../../errors.ts';
import type { JobFilter } from '../../job/filter.ts';
import { DEFAULT_SCAN } from '../../job/limits.ts';
import { matchesFilter } from '../../job/match.ts';
import type { JobRecord } from '../../job/record.ts';
import type { JobPage, PageRequest } from '../store.ts';
import { candidates } from './candidates.ts';
import { recordOf } from './row.ts';
import type { Transaction } from './transaction.ts';

/** Pages by `seq`, which never changes: what is added or removed meanwhile shifts nothing. */
export function find(tx: Transaction, filter: JobFilter, page: PageRequest): JobPage {
  const { limit, scan = DEFAULT_SCAN, order = 'newest' } = page;
  const ahead = candidates(tx, filter, { order, from: seqOf(page.cursor) });
  const jobs: JobRecord[] = [];
  let scanned = 0;
  let last: number | null = null;
  let next = ahead.next();
  while (!next.done && scanned < scan && jobs.length < limit) {
    const record = recordOf(tx, next.value);
    if (record !== null && matchesFilter(filter, record, tx.now)) jobs.push(record);
    scanned += 1;
    last = next.value;
    next = ahead.next();
  }
  const isEnd = next.done === true;
  const cursor = isEnd ? null : String(last ?? page.cursor ?? '');
  return { jobs, cursor, scanned, complete: isEnd || jobs.length === limit };
}

function seqOf(cursor: string | null): number | null {
  if (cursor === null) return null;
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor);
  const message = 'is not a cursor of this store. Pass the one of the page before, or null.';
  throw new InvalidOptionError('the page', [{ path: 'cursor', message }]);
}
