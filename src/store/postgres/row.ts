/** A job between its rows and its record. All that is read of a job comes from the view `job_now`. */

import {
  type Bytes,
  type EndCause,
  JOB_STATES,
  type JobRecord,
  type JobState,
  type Origin,
} from '../../job/record.ts';
import { recordOfRow } from '../job-row.ts';
import type { Database } from './database.ts';
import type { SqlValue } from './driver.ts';

/** Named as the columns, and changed in place by the moves. */
export interface JobRow {
  readonly seq: number;
  queue: number;
  readonly id: string;
  readonly name: string;
  state: JobState;
  priority: number;
  rank: number;
  readonly added_at: number;
  due_at: number | null;
  ready_at: number | null;
  expires_at: number | null;
  first_claimed_at: number | null;
  claimed_at: number | null;
  finished_at: number | null;
  generation: number;
  claims: number;
  failures: number;
  crashes: number;
  token: number;
  settled_token: number;
  worker: string | null;
  readonly timeout_ms: number | null;
  readonly keep_completed_ms: number | null;
  readonly keep_failed_ms: number | null;
  prune_at: number | null;
  cause: EndCause | null;
  cancel_reason: string | null;
  fingerprint: string | null;
  origin_queue: string | null;
  origin_cause: Origin['cause'] | null;
  origin_moved_at: number | null;
  move_number: number | null;
  logged: number;
  content_type: string;
  readonly headers: string;
  readonly policy: string;
  error: string | null;
  trace_id: string | null;
  /** Of the lease under which it runs; `held` is false when there is none. */
  held: boolean;
  lease_expires_at: number | null;
  deadline_at: number | null;
  suspect_at: number | null;
  spared: boolean;
  /** Of the batch that the lease lies in; null: it lies alone. */
  first_token: number | null;
  result: Bytes | null;
  body: Bytes;
  progress: Bytes | null;
}

const COLUMNS = [
  ...['seq', 'queue', 'id', 'name', 'state', 'priority', 'rank', 'added_at', 'due_at', 'ready_at'],
  ...['expires_at', 'first_claimed_at', 'claimed_at', 'finished_at', 'generation', 'claims', 'failures'],
  ...['crashes', 'token', 'settled_token', 'worker', 'timeout_ms', 'keep_completed_ms', 'keep_failed_ms'],
  ...['prune_at', 'cause', 'cancel_reason', 'fingerprint', 'origin_queue', 'origin_cause', 'origin_moved_at'],
  ...['move_number', 'logged', 'content_type', 'headers', 'policy', 'error', 'trace_id', 'held'],
  ...['lease_expires_at', 'deadline_at', 'suspect_at', 'spared', 'first_token'],
] as const;

/** For `select ${FULL} from {s}.job_now j …`. One column of JSON: parsing each column of each row costs more. */
export const FULL: string = `json_build_array(${COLUMNS.map((column) =>
  column === 'queue' ? 'j.queue_id' : `j.${column}`,
).join(', ')})::text, j.result, j.body, j.progress`;

type FullTuple = readonly [row: string, result: Bytes | null, body: Bytes, progress: Bytes | null];

/** For statements that select `FULL`. */
export async function fullRows(db: Database, sql: string, ...values: SqlValue[]): Promise<JobRow[]> {
  return (await db.tuples<FullTuple>(sql, ...values)).map(toRow);
}

export function toRow([text, result, body, progress]: FullTuple): JobRow {
  const values = JSON.parse(text) as unknown[];
  const row = Object.fromEntries(COLUMNS.map((column, index) => [column, values[index]]));
  const state = JOB_STATES[Number(row['state'])];
  return { ...row, state, spared: row['spared'] === true, result, body, progress } as unknown as JobRow;
}

/** The place of a state in the column of that name. */
export function stateNumber(state: JobState): number {
  return JOB_STATES.indexOf(state);
}

const BY_ID = `select ${FULL} from {s}.job_now j join {s}.queue q on q.id = j.queue_id where q.name = $1 and j.id = $2`;
const MOVED_ON = `
  select ${FULL} from {s}.job_now j where j.id = $1 and j.origin_queue = $2 order by j.move_number desc limit 1`;

/** Also where the job moved on to, while no other job has its id in the old queue; the latest move counts. */
export async function followRow(db: Database, queue: string, id: string): Promise<JobRow | null> {
  const [row] = await fullRows(db, BY_ID, queue, id);
  if (row !== undefined) return row;
  return (await fullRows(db, MOVED_ON, id, queue))[0] ?? null;
}

export function toRecord(row: JobRow, queue: string): JobRecord {
  return recordOfRow(row, queue, true);
}
