/** What a dump consists of and in which order, whatever the layout of the store: see `job/dump.ts` for the lines. */

/** Those whose lines hang on a job. */
export type DumpKindOfJob = 'attempt' | 'job' | 'lease' | 'log';
export type DumpKind = DumpKindOfJob | 'operation' | 'queue' | 'session' | 'stats-hour' | 'stats-minute';

const OF_JOBS: readonly DumpKind[] = ['attempt', 'job', 'lease', 'log'];
const OTHERS: readonly DumpKind[] = ['operation', 'queue', 'session', 'stats-hour', 'stats-minute'];

/** One page: for jobs and what hangs on them the jobs' numbers, else all of the kind. */
export interface DumpPart {
  readonly kind: DumpKind;
  readonly seqs: readonly number[];
}

/** Jobs that are read in one go. */
export const DUMP_PAGE = 500;

/** @param seqs Numbers of all jobs, in the order of their keys. */
export function dumpPartsOf(seqs: readonly number[]): DumpPart[] {
  return [...OF_JOBS, ...OTHERS].flatMap((kind): DumpPart[] => {
    if (!hangsOnJob(kind)) return [{ kind, seqs: [] }];
    const pages = Math.ceil(seqs.length / DUMP_PAGE);
    return Array.from({ length: pages }, (_, page) => ({
      kind,
      seqs: seqs.slice(page * DUMP_PAGE, (page + 1) * DUMP_PAGE),
    }));
  });
}

export function hangsOnJob(kind: DumpKind): kind is DumpKindOfJob {
  return OF_JOBS.includes(kind);
}

/** In the order of the keys, which are JSON text. */
export function inKeyOrder<T>(rows: readonly T[], part: (row: T) => string): T[] {
  const keyed = rows.map((row) => ({ row, key: JSON.stringify(part(row)) }));
  return keyed.sort(byKey).map(({ row }) => row);
}

export function byKey(one: { readonly key: string }, other: { readonly key: string }): number {
  return one.key < other.key ? -1 : 1;
}
