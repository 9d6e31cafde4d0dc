/** A job as stores with tables read it, and the record that it is. */

import { DEFAULTS } from '../job/options.ts';
import { DAMAGED_TYPE } from '../job/payload.ts';
import { headersOfText, policyOfText } from '../job/policy-text.ts';
import type { Bytes, EndCause, JobRecord, JobState, Origin, StoredError } from '../job/record.ts';

export interface RecordRow {
  readonly id: string;
  readonly name: string;
  readonly state: JobState;
  readonly body: Bytes;
  readonly content_type: string;
  readonly headers: string;
  readonly policy: string;
  readonly priority: number;
  readonly rank: number;
  readonly added_at: number;
  readonly due_at: number | null;
  readonly ready_at: number | null;
  readonly expires_at: number | null;
  readonly first_claimed_at: number | null;
  readonly claimed_at: number | null;
  readonly finished_at: number | null;
  readonly generation: number;
  readonly claims: number;
  readonly failures: number;
  readonly crashes: number;
  readonly token: number;
  readonly worker: string | null;
  readonly progress: Bytes | null;
  readonly result: Bytes | null;
  readonly error: string | null;
  readonly cause: EndCause | null;
  readonly cancel_reason: string | null;
  readonly origin_queue: string | null;
  readonly origin_cause: Origin['cause'] | null;
  readonly origin_moved_at: number | null;
}

/** `isIntact`: the payload is what was written. A damaged job can be read, and says so by its content type. */
export function recordOfRow(row: RecordRow, queue: string, isIntact: boolean): JobRecord {
  const headers = headersOfText(row.headers);
  const policy = policyOfText(row.policy);
  const isSound = headers !== null && policy !== null && isIntact;
  return {
    queue,
    id: row.id,
    name: row.name,
    state: row.state,
    body: row.body,
    contentType: isSound ? row.content_type : DAMAGED_TYPE,
    headers: headers ?? {},
    policy: policy ?? DEFAULTS.policy,
    priority: row.priority,
    rank: row.rank,
    addedAt: row.added_at,
    dueAt: row.due_at,
    readyAt: row.ready_at,
    expiresAt: row.expires_at,
    firstClaimedAt: row.first_claimed_at,
    claimedAt: row.claimed_at,
    finishedAt: row.finished_at,
    generation: row.generation,
    claims: row.claims,
    failures: row.failures,
    crashes: row.crashes,
    token: row.token,
    worker: row.worker,
    progress: row.progress,
    result: row.result,
    error: row.error === null ? null : (JSON.parse(row.error) as StoredError),
    cause: row.cause,
    cancelReason: row.cancel_reason,
    origin: originOf(row),
  };
}

function originOf(row: RecordRow): Origin | null {
  const { origin_queue: queue, origin_cause: cause, origin_moved_at: movedAt } = row;
  return queue === null || cause === null || movedAt === null ? null : { queue, cause, movedAt };
}
