import type { Bytes, EndCause, JobRecord, Origin, StoredError } from '../../job/record.ts';
import type { Cursor } from './cursor.ts';
import { fixedOf } from './pack-fixed.ts';
import { type Moving, movingOf } from './pack-moving.ts';
import type { Reply } from './reply.ts';

/** A job as a script says it (`say_job`). */
export interface StoredJob {
  readonly seq: number;
  readonly record: JobRecord;
  readonly moving: Moving;
}

/** What few jobs have: result, progress, error, reason of a cancel, origin. */
export type Rare = readonly [Reply, Reply, Reply, Reply, Reply];

export function readRare(cursor: Cursor): Rare {
  return [cursor.next(), cursor.next(), cursor.next(), cursor.next(), cursor.next()];
}

export function readJob(cursor: Cursor, queue: string): StoredJob {
  const seq = cursor.number();
  const fixed = cursor.bytes();
  const moving = cursor.bytes();
  return jobOf({ queue, seq, fixed, moving }, readRare(cursor));
}

export interface Parts {
  readonly queue: string;
  readonly seq: number;
  readonly fixed: Buffer;
  readonly moving: Buffer;
}

const NONE: Rare = [null, null, null, null, null];

export function jobOf(parts: Parts, [result, progress, error, reason, origin]: Rare = NONE): StoredJob {
  const { queue, seq } = parts;
  const fixed = fixedOf(parts.fixed);
  const moving = movingOf(parts.moving, fixed, seq);
  const record: JobRecord = {
    queue,
    id: fixed.id,
    name: fixed.name,
    body: fixed.body,
    contentType: fixed.contentType,
    headers: fixed.headers,
    policy: fixed.policy,
    addedAt: fixed.addedAt,
    state: moving.state,
    priority: moving.priority,
    rank: moving.rank,
    dueAt: moving.dueAt,
    readyAt: moving.readyAt,
    expiresAt: moving.expiresAt,
    firstClaimedAt: moving.firstClaimedAt,
    claimedAt: moving.claimedAt,
    finishedAt: moving.finishedAt,
    generation: moving.generation,
    claims: moving.claims,
    failures: moving.failures,
    crashes: moving.crashes,
    token: moving.token,
    worker: moving.worker,
    progress: bytesOrNull(progress),
    result: bytesOrNull(result),
    error: errorOf(error),
    cause: moving.cause,
    cancelReason: reason === null ? null : String(reason),
    origin: originOf(origin),
  };
  return { seq, record, moving };
}

function bytesOrNull(reply: Reply): Bytes | null {
  return Buffer.isBuffer(reply) ? new Uint8Array(reply) : null;
}

function errorOf(reply: Reply): StoredError | null {
  return reply === null ? null : (JSON.parse(String(reply)) as StoredError);
}

function originOf(reply: Reply): Origin | null {
  if (reply === null) return null;
  const [cause = '', movedAt = '', queue = ''] = String(reply).split(' ');
  return { queue, cause: cause as EndCause | 'redrive', movedAt: Number(movedAt) };
}
