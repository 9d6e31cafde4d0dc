/** Jobs that are about to be changed: read and locked by one statement, without their bodies. */

import { type Bytes, JOB_STATES, type JobRef, type JobState } from '../../job/record.ts';
import type { Database } from './database.ts';
import type { JobRow } from './row.ts';
import { LOADED } from './sql/load.ts';

export type JobKey = JobRef;

/** Where a job lies, as the statement that takes it away needs it. */
export interface Place {
  readonly seq: number;
  readonly queue: number;
  readonly state: JobState;
  readonly priority: number;
  readonly rank: number;
  readonly due: number | null;
  readonly expires: number | null;
  readonly token: number;
  readonly first: number | null;
}

export type Moving = Omit<JobRow, 'headers' | 'result' | 'body' | 'progress'> & {
  readonly session: { readonly seenAt: number; readonly expiresAt: number } | null;
  /** Where it was when it was read or last written; null: it has no place. */
  was: Place | null;
  /** It leaves its place for another one, or for the same one under other terms. */
  isMoved: boolean;
  isGone: boolean;
  /** What is to be written; undefined: it stays as it is. */
  newBody?: Bytes;
  newResult?: Bytes | null;
  newProgress?: Bytes | null;
};

interface Wanted {
  readonly keys?: readonly JobKey[];
  readonly seqs?: readonly number[];
  readonly follow?: boolean;
  /** False: what others are moving is left out. */
  readonly waits?: boolean;
}

const LOAD = 'select place, job from {s}.load_v1($1, $2, $3, $4, $5)';

/** With the place of its key, from 1; 0 for those named by number. */
export async function loadJobs(db: Database, wanted: Wanted): Promise<[number, Moving][]> {
  const { keys = [], seqs = [], follow = false, waits = true } = wanted;
  if (keys.length === 0 && seqs.length === 0) return [];
  const names = [keys.map(({ queue }) => queue), keys.map(({ id }) => id)] as const;
  const rows = await db.all<{ place: number; job: string }>(LOAD, ...names, seqs, follow, waits);
  return rows.map(({ place, job }) => [place, toMoving(JSON.parse(job) as unknown[])]);
}

function toMoving(values: readonly unknown[]): Moving {
  const columns = Object.fromEntries(LOADED.map((column, index) => [column, values[index]]));
  const { queue_id: queue, state, spared, ...rest } = columns;
  const [expiresAt, seenAt] = values.slice(LOADED.length) as (number | null)[];
  const known = expiresAt === null || expiresAt === undefined ? null : { expiresAt, seenAt: seenAt ?? 0 };
  const row = {
    ...rest,
    queue,
    state: JOB_STATES[Number(state)],
    spared: spared === true,
    session: known,
    ...{ was: null, isMoved: false, isGone: false },
  } as unknown as Moving;
  row.was = placeOf(row);
  return row;
}

export function placeOf(row: Moving): Place {
  const { seq, queue, state, priority, rank, due_at: due, expires_at: expires, token } = row;
  return { seq, queue, state, priority, rank, due, expires, token, first: row.first_token };
}
