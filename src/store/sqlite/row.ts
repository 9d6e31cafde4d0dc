/** A job between its rows and its record: `JobRow` holds the moving parts, `Cold` what lies apart. */

import { DEFAULTS } from '../../job/options.ts';
import { policyOfText } from '../../job/policy-text.ts';
import type { Bytes, EndCause, JobPolicy, JobRecord, JobRef, JobState, Origin } from '../../job/record.ts';
import { recordOfRow } from '../job-row.ts';
import type { Database } from './database.ts';
import type { SqlValue } from './driver.ts';
import type { QueueState } from './queue.ts';
import { isIntact } from './sum.ts';
import type { Transaction } from './transaction.ts';

/** What the moves of a job look at. Named as the columns, and changed in place by the moves. */
export interface JobRow {
  readonly seq: number;
  queue: number;
  readonly id: string;
  readonly name: string;
  state: JobState;
  rank: number;
  due_at: number | null;
  expires_at: number | null;
  claimed_at: number | null;
  finished_at: number | null;
  generation: number;
  claims: number;
  failures: number;
  crashes: number;
  token: number;
  settled_token: number;
  worker: string | null;
  readonly keep_completed_ms: number | null;
  readonly keep_failed_ms: number | null;
  prune_at: number | null;
  cancel_reason: string | null;
  fingerprint: string | null;
}

/** All of it, as read for a record. */
export interface FullRow extends JobRow {
  priority: number;
  readonly added_at: number;
  ready_at: number | null;
  first_claimed_at: number | null;
  readonly timeout_ms: number | null;
  cause: EndCause | null;
  origin_queue: string | null;
  origin_cause: Origin['cause'] | null;
  origin_moved_at: number | null;
  result: Bytes | null;
  readonly body: Bytes;
  readonly content_type: string;
  readonly headers: string;
  readonly policy: string;
  readonly error: string | null;
  readonly progress: Bytes | null;
  readonly sum: number | null;
}

type RowTuple = readonly [
  seq: number,
  queue: number,
  id: string,
  name: string,
  state: JobState,
  rank: number,
  dueAt: number | null,
  expiresAt: number | null,
  claimedAt: number | null,
  finishedAt: number | null,
  generation: number,
  claims: number,
  failures: number,
  crashes: number,
  token: number,
  settledToken: number,
  worker: string | null,
  keepCompletedMs: number | null,
  keepFailedMs: number | null,
  pruneAt: number | null,
  cancelReason: string | null,
  fingerprint: string | null,
];

/** What is no JSON: bytes. */
interface Blobs {
  readonly result: Bytes | null;
  readonly body: Bytes;
  readonly progress: Bytes | null;
}

type FullTuple = readonly [
  ...row: RowTuple,
  priority: number,
  addedAt: number,
  readyAt: number | null,
  firstClaimedAt: number | null,
  timeoutMs: number | null,
  cause: EndCause | null,
  originQueue: string | null,
  originCause: Origin['cause'] | null,
  originMovedAt: number | null,
  contentType: string,
  headers: string,
  policy: string,
  error: string | null,
  sum: number | null,
];

/** In the order of `RowTuple`. */
const MOVING = `j.seq, j.queue, j.id, j.name, j.state, j.rank, j.due_at, j.expires_at, j.claimed_at, j.finished_at,
  j.generation, j.claims, j.failures, j.crashes, j.token, j.settled_token, j.worker, j.keep_completed_ms,
  j.keep_failed_ms, j.prune_at, j.cancel_reason, j.fingerprint`;
/** In the order of `FullTuple`. */
const REST = `j.priority, j.added_at, j.ready_at, j.first_claimed_at, j.timeout_ms, j.cause, j.origin_queue,
  j.origin_cause, j.origin_moved_at, b.content_type, b.headers, b.policy, r.error, b.sum`;
/**
 * One column of JSON instead of many columns: what a driver does for each column of each row costs more than all
 * that SQLite and `JSON.parse` do for it.
 */
export const ROW: string = `json_array(${MOVING})`;
export const FULL: string = `json_array(${MOVING}, ${REST}), j.result, b.body, r.progress`;
/** What lies apart. `cross join` keeps the order: the job decides, the others are looked up by its number. */
export const COLD: string = `cross join millrace_body b on b.seq = j.seq
  left join millrace_report r on r.seq = j.seq`;

const BY_ID = `select ${ROW} from millrace_job j where j.id = ? and j.queue = ?`;
const BY_SEQ = `select ${ROW} from millrace_job j where j.seq = ?`;
const BY_SEQS = `select ${ROW} from json_each(?) e cross join millrace_job j where j.seq = e.value`;
const FULL_BY_SEQ = `select ${FULL} from millrace_job j ${COLD} where j.seq = ?`;
const MOVED_ON = `
  select ${ROW} from millrace_job j where j.id = ? and j.origin_queue = ?
  order by j.move_number desc limit 1`;
const POLICY = 'select policy from millrace_body where seq = ?';

/** For statements that select `ROW`. */
export function jobRows(db: Database, sql: string, ...values: SqlValue[]): JobRow[] {
  return db.tuples<[string]>(sql, ...values).map(([row]) => toRow(JSON.parse(row) as RowTuple));
}

/** For statements that select `FULL`. */
export function fullRows(db: Database, sql: string, ...values: SqlValue[]): FullRow[] {
  return db
    .tuples<[string, Bytes | null, Bytes, Bytes | null]>(sql, ...values)
    .map(([row, result, body, progress]) =>
      toFullRow(JSON.parse(row) as FullTuple, { result, body, progress }),
    );
}

export function findRow(tx: Transaction, ref: JobRef): JobRow | null {
  const queue = tx.queue(ref.queue);
  return queue === null ? null : rowIn(tx.db, queue, ref.id);
}

export function rowIn(db: Database, queue: QueueState, id: string): JobRow | null {
  return jobRows(db, BY_ID, id, queue.id)[0] ?? null;
}

/** Also where the job moved on to, while no other job has its id in the old queue; the latest move counts. */
export function followRow(tx: Transaction, ref: JobRef): JobRow | null {
  return findRow(tx, ref) ?? jobRows(tx.db, MOVED_ON, ref.id, ref.queue)[0] ?? null;
}

export function rowOf(db: Database, seq: number): JobRow | null {
  return jobRows(db, BY_SEQ, seq)[0] ?? null;
}

/** In the order of the numbers given; those that are not there are left out. */
export function rowsOf(db: Database, seqs: readonly number[]): JobRow[] {
  return jobRows(db, BY_SEQS, JSON.stringify(seqs));
}

export function recordOf(tx: Transaction, seq: number): JobRecord | null {
  const [row] = fullRows(tx.db, FULL_BY_SEQ, seq);
  return row === undefined ? null : toRecord(row, tx.queueById(row.queue).name);
}

export function policyOf(db: Database, seq: number): JobPolicy {
  const row = db.get<{ policy: string }>(POLICY, seq);
  if (row === undefined) throw new Error(`the body of job number ${seq} is missing: run \`millrace doctor\``);
  return policyOfText(row.policy) ?? DEFAULTS.policy;
}

export function toRecord(row: FullRow, queue: string): JobRecord {
  const label = { id: row.id, name: row.name, contentType: row.content_type };
  return recordOfRow(row, queue, isIntact(row.body, label, row.sum));
}

function toRow(tuple: RowTuple): JobRow {
  return {
    seq: tuple[0],
    queue: tuple[1],
    id: tuple[2],
    name: tuple[3],
    state: tuple[4],
    rank: tuple[5],
    due_at: tuple[6],
    expires_at: tuple[7],
    claimed_at: tuple[8],
    finished_at: tuple[9],
    generation: tuple[10],
    claims: tuple[11],
    failures: tuple[12],
    crashes: tuple[13],
    token: tuple[14],
    settled_token: tuple[15],
    worker: tuple[16],
    keep_completed_ms: tuple[17],
    keep_failed_ms: tuple[18],
    prune_at: tuple[19],
    cancel_reason: tuple[20],
    fingerprint: tuple[21],
  };
}

/** Spelled out: spreading a row into a larger object costs more than reading it from the database. */
function toFullRow(tuple: FullTuple, { result, body, progress }: Blobs): FullRow {
  return {
    seq: tuple[0],
    queue: tuple[1],
    id: tuple[2],
    name: tuple[3],
    state: tuple[4],
    rank: tuple[5],
    due_at: tuple[6],
    expires_at: tuple[7],
    claimed_at: tuple[8],
    finished_at: tuple[9],
    generation: tuple[10],
    claims: tuple[11],
    failures: tuple[12],
    crashes: tuple[13],
    token: tuple[14],
    settled_token: tuple[15],
    worker: tuple[16],
    keep_completed_ms: tuple[17],
    keep_failed_ms: tuple[18],
    prune_at: tuple[19],
    cancel_reason: tuple[20],
    fingerprint: tuple[21],
    priority: tuple[22],
    added_at: tuple[23],
    ready_at: tuple[24],
    first_claimed_at: tuple[25],
    timeout_ms: tuple[26],
    cause: tuple[27],
    origin_queue: tuple[28],
    origin_cause: tuple[29],
    origin_moved_at: tuple[30],
    content_type: tuple[31],
    headers: tuple[32],
    policy: tuple[33],
    error: tuple[34],
    sum: tuple[35],
    result,
    body,
    progress,
  };
}
