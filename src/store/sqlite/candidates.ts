/**
 * Jobs in the order of `seq` that could match a filter, read in short pages from the index that fits. What is
 * not looked at costs nothing; what is looked at is counted by the caller, who stops when it is enough.
 */

import type { JobFilter } from '../../job/filter.ts';
import { JOB_STATES, type JobState } from '../../job/record.ts';
import type { SqlValue } from './driver.ts';
import type { Transaction } from './transaction.ts';

export type Order = 'newest' | 'oldest';

export interface Walk {
  readonly order: Order;
  /** Only what lies beyond this number, in the order; null: from the end. */
  readonly from: number | null;
}

/** One range of an index: statements for both directions, and the values before the bound and the limit. */
interface Source {
  readonly sql: Readonly<Record<Order, string>>;
  readonly values: readonly SqlValue[];
}

const PAGE = 128;
/** More ranges than this are not worth merging: the whole store is walked instead. */
const MAX_SOURCES = 64;

const BY_STATE = {
  newest:
    "select seq from millrace_job indexed by millrace_job_state where queue = ? and state = ? and state <> 'waiting' and seq < ? order by seq desc limit ?",
  oldest:
    "select seq from millrace_job indexed by millrace_job_state where queue = ? and state = ? and state <> 'waiting' and seq > ? order by seq limit ?",
};
/** Waiting jobs of priority 0 that are not ahead of their turn: their rank is their number. */
const IN_TURN = {
  newest:
    "select rank as seq from millrace_job indexed by millrace_job_ready where queue = ? and state = 'waiting' and priority = 0 and rank > 0 and rank < ? order by rank desc limit ?",
  oldest:
    "select rank as seq from millrace_job indexed by millrace_job_ready where queue = ? and state = 'waiting' and priority = 0 and rank > 0 and rank > ? order by rank limit ?",
};
/** The other waiting jobs. */
const ASIDE = {
  newest:
    "select seq from millrace_job indexed by millrace_job_aside where queue = ? and state = 'waiting' and (priority <> 0 or rank < 0) and seq < ? order by seq desc limit ?",
  oldest:
    "select seq from millrace_job indexed by millrace_job_aside where queue = ? and state = 'waiting' and (priority <> 0 or rank < 0) and seq > ? order by seq limit ?",
};
const BY_FINGERPRINT = {
  newest:
    'select seq from millrace_job indexed by millrace_job_fingerprint where fingerprint = ? and seq < ? order by seq desc limit ?',
  oldest:
    'select seq from millrace_job indexed by millrace_job_fingerprint where fingerprint = ? and seq > ? order by seq limit ?',
};
const BY_SEQ = {
  newest: 'select seq from millrace_job where seq < ? order by seq desc limit ?',
  oldest: 'select seq from millrace_job where seq > ? order by seq limit ?',
};
const BY_ID = 'select seq from millrace_job where id = ?';

export function* candidates(tx: Transaction, filter: JobFilter, walk: Walk): Generator<number> {
  if (filter.ids !== undefined) {
    yield* namedJobs(tx, filter.ids, walk);
    return;
  }
  const heads = sourcesOf(tx, filter).map((source) => pages(tx, source, walk));
  yield* merge(heads, walk.order);
}

function* namedJobs(tx: Transaction, ids: readonly string[], { order, from }: Walk): Generator<number> {
  const found = [...new Set(ids)].flatMap((id) => tx.db.all<{ seq: number }>(BY_ID, id));
  const seqs = found
    .map(({ seq }) => seq)
    .sort((one, other) => (order === 'newest' ? other - one : one - other));
  yield* seqs.filter((seq) => from === null || (order === 'newest' ? seq < from : seq > from));
}

function sourcesOf(tx: Transaction, filter: JobFilter): Source[] {
  if (filter.fingerprints !== undefined && filter.fingerprints.length <= MAX_SOURCES) {
    return [...new Set(filter.fingerprints)].map((value) => ({ sql: BY_FINGERPRINT, values: [value] }));
  }
  if (filter.queues === undefined) return [{ sql: BY_SEQ, values: [] }];
  const queues = [...new Set(filter.queues)].flatMap((name) => tx.queue(name) ?? []);
  const states = [...new Set(filter.states ?? JOB_STATES)];
  if (queues.length * states.length > MAX_SOURCES) return [{ sql: BY_SEQ, values: [] }];
  return queues.flatMap(({ id }) => states.flatMap((state) => sourcesOfState(id, state)));
}

function sourcesOfState(queue: number, state: JobState): Source[] {
  if (state !== 'waiting') return [{ sql: BY_STATE, values: [queue, state] }];
  return [IN_TURN, ASIDE].map((sql) => ({ sql, values: [queue] }));
}

/** Read page by page, so that a caller who stops early leaves the rest unread. */
function* pages(tx: Transaction, { sql, values }: Source, { order, from }: Walk): Generator<number> {
  let bound = from ?? (order === 'newest' ? Number.MAX_SAFE_INTEGER : 0);
  for (;;) {
    const page = tx.db.all<{ seq: number }>(sql[order], ...values, bound, PAGE);
    for (const { seq } of page) {
      yield seq;
      bound = seq;
    }
    if (page.length < PAGE) return;
  }
}

function* merge(sources: Generator<number>[], order: Order): Generator<number> {
  const heads = sources.flatMap((source) => {
    const first = source.next();
    return first.done ? [] : [{ source, seq: first.value }];
  });
  while (heads.length > 0) {
    const next = heads.reduce((one, other) => (isAhead(other.seq, one.seq, order) ? other : one));
    yield next.seq;
    const following = next.source.next();
    if (following.done) heads.splice(heads.indexOf(next), 1);
    else next.seq = following.value;
  }
}

function isAhead(seq: number, other: number, order: Order): boolean {
  return order === 'newest' ? seq > other : seq < other;
}
