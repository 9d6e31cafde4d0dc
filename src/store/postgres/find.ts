import { InvalidOptionError } from '../../errors.ts';
import type { JobFilter } from '../../job/filter.ts';
import { DEFAULT_SCAN } from '../../job/limits.ts';
import { matchesFilter } from '../../job/match.ts';
import type { JobRecord } from '../../job/record.ts';
import type { JobPage, PageRequest } from '../store.ts';
import { candidates } from './candidates.ts';
import { FULL, fullRows, type JobRow, toRecord } from './row.ts';
import type { Transaction } from './transaction.ts';

/** Records read at once: their payloads stand in memory together. */
const PAGE = 200;

const BY_SEQS = `select ${FULL} from {s}.job_now j where j.seq = any($1::bigint[])`;

/** Pages by `seq`, which never changes: what is added or removed meanwhile shifts nothing. */
export async function find(tx: Transaction, filter: JobFilter, page: PageRequest): Promise<JobPage> {
  const { limit, scan = DEFAULT_SCAN, order = 'newest' } = page;
  const jobs: JobRecord[] = [];
  let scanned = 0;
  let last = seqOf(page.cursor);
  for (;;) {
    const wanted = scanned === 0 ? Math.min(PAGE, limit) : PAGE;
    const size = Math.min(wanted, Math.max(1, scan - scanned));
    // One more than may be looked at tells whether there is anything beyond.
    const seqs = await candidates(tx, filter, { order, from: last, page: size + 1 });
    const records = await recordsOf(tx, seqs.slice(0, size));
    for (const seq of seqs.slice(0, size)) {
      if (scanned >= scan || jobs.length >= limit)
        return { jobs, cursor: String(last ?? ''), scanned, complete: jobs.length === limit };
      const record = records.get(seq);
      if (record !== undefined && matchesFilter(filter, record, tx.now)) jobs.push(record);
      scanned += 1;
      last = seq;
    }
    if (seqs.length <= size) return { jobs, cursor: null, scanned, complete: true };
  }
}

export async function recordsOf(tx: Transaction, seqs: readonly number[]): Promise<Map<number, JobRecord>> {
  const rows = await rowsOf(tx, seqs);
  await tx.needQueueIds(rows.map(({ queue }) => queue));
  return new Map(rows.map((row) => [row.seq, toRecord(row, tx.knownQueueById(row.queue).name)]));
}

async function rowsOf({ db }: Transaction, seqs: readonly number[]): Promise<JobRow[]> {
  return seqs.length === 0 ? [] : fullRows(db, BY_SEQS, seqs);
}

function seqOf(cursor: string | null): number | null {
  if (cursor === null) return null;
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor);
  const message = 'is not a cursor of this store. Pass the one of the page before, or null.';
  throw new InvalidOptionError('the page', [{ path: 'cursor', message }]);
}
