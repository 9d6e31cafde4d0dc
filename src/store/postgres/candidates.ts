/**
 * Jobs in the order of `seq` that could match a filter, read in short pages from the indexes that fit. What is not
 * looked at costs nothing; what is looked at is counted by the caller, who stops when it is enough.
 */

import type { JobFilter } from '../../job/filter.ts';
import { JOB_STATES, type JobState } from '../../job/record.ts';
import { bodyIndexFor } from './body-index.ts';
import type { SqlValue } from './driver.ts';
import { stateNumber } from './row.ts';
import type { Transaction } from './transaction.ts';

export type Order = 'newest' | 'oldest';

export interface Walk {
  readonly order: Order;
  /** Only what lies beyond this number, in the order; null: from the end. */
  readonly from: number | null;
  /** Numbers at most in one page. */
  readonly page: number;
}

/** More ranges than this are not worth merging: the whole store is walked instead. */
const MAX_SOURCES = 64;

/**
 * One range of an index: a select of `seq` with `{beyond}` where its bound, order and limit belong. Values are numbers
 * of queues and states, which are ours, or parameters from the fourth on.
 */
interface Sources {
  readonly selects: readonly string[];
  readonly values: readonly SqlValue[];
}

/** The numbers of one page, in the order; fewer than `page` of them: these were the last. */
export async function candidates(tx: Transaction, filter: JobFilter, walk: Walk): Promise<number[]> {
  const { selects, values } = await sourcesOf(tx, filter, walk.order);
  if (selects.length === 0) return [];
  const { order, from, page } = walk;
  const bound = from ?? (order === 'newest' ? Number.MAX_SAFE_INTEGER : 0);
  const beyond =
    order === 'newest' ? 'seq < $1 order by seq desc limit $2' : 'seq > $1 order by seq limit $2';
  const parts = selects.map((select) => `(${select} ${beyond})`).join('\n union ');
  const direction = order === 'newest' ? 'desc' : 'asc';
  const sql = `select seq from (${parts}) found order by seq ${direction} limit $2`;
  return (await tx.db.tuples<readonly [number]>(sql, bound, page, ...values)).map(([seq]) => seq);
}

async function sourcesOf(tx: Transaction, filter: JobFilter, order: Order): Promise<Sources> {
  const { fingerprints, ids } = filter;
  const queues = filter.queues === undefined ? null : await queueIds(tx, filter.queues);
  if (ids !== undefined) return namedJobs(ids, queues);
  if (fingerprints !== undefined && fingerprints.length <= MAX_SOURCES) return byFingerprint(fingerprints);
  const ofData = filter.data === undefined ? null : await byData(tx, filter.data, queues);
  if (ofData !== null) return ofData;
  if (queues === null) return EVERYTHING;
  const states = [...new Set(filter.states ?? JOB_STATES)];
  if (queues.length * states.length > MAX_SOURCES) return EVERYTHING;
  return {
    selects: queues.flatMap((id) => states.flatMap((state) => selectsOf(id, state, order))),
    values: [],
  };
}

const ALL_QUEUES = `select id from {s}.queue limit ${MAX_SOURCES + 1}`;
const EVERYTHING: Sources = { selects: ['select seq from {s}.job where'], values: [] };

async function queueIds(tx: Transaction, names: readonly string[]): Promise<number[]> {
  const wanted = [...new Set(names)];
  await tx.needQueues(wanted);
  return wanted.flatMap((name) => tx.knownQueue(name)?.id ?? []);
}

/** An id is looked up in each queue: no index has the id first. */
function namedJobs(ids: readonly string[], queues: readonly number[] | null): Sources {
  const among = queues === null ? '' : 'and q.id = any($4::int[])';
  const select = `select seq from (
    select j.seq from {s}.queue q join {s}.job j on j.queue_id = q.id and j.id = any($3::text[]) ${among}) named where`;
  return { selects: [select], values: queues === null ? [[...ids]] : [[...ids], [...queues]] };
}

function byFingerprint(fingerprints: readonly string[]): Sources {
  const values = [...new Set(fingerprints)];
  return {
    selects: values.map((_, at) => `select seq from {s}.job where fingerprint = $${at + 3} and`),
    values,
  };
}

/** By an index that somebody has made for it; null when there is none, or the queues are too many for it. */
async function byData(
  tx: Transaction,
  data: NonNullable<JobFilter['data']>,
  named: readonly number[] | null,
): Promise<Sources | null> {
  const queues = named ?? (await tx.db.tuples<readonly [number]>(ALL_QUEUES)).map(([id]) => id);
  if (queues.length > MAX_SOURCES) return null;
  const index = await bodyIndexFor(tx, data, 3);
  if (index === null) return null;
  const selects = queues.map(
    (id) => `select seq from {s}.job where queue_id = ${id} and ${index.condition} and`,
  );
  return { selects, values: [index.value] };
}

/** Where the jobs of one state are. Some may have moved on; whoever asks looks at the job itself. */
function selectsOf(queue: number, state: JobState, order: Order): string[] {
  const moved = `select seq from {s}.job where queue_id = ${queue} and state = ${stateNumber(state)} and state <> 0 and`;
  switch (state) {
    case 'waiting':
      return ['ready', 'aside'].map((table) => `select seq from {s}.${table} where queue_id = ${queue} and`);
    case 'active':
      return [
        moved,
        `select seq from {s}.lease where queue_id = ${queue} and`,
        `select seq from (select unnest(seqs) as seq from {s}.batch where queue_id = ${queue}) held where`,
      ];
    case 'completed':
      return [
        moved,
        `select seq from {s}.completed_v1(${queue}, $1::bigint, $2::integer, ${order === 'newest'}) found(seq) where`,
      ];
    default:
      return [moved];
  }
}
