/**
 * Jobs that nobody has claimed yet, which most are: little about them is not the same in all. They are claimed without a
 * record being made of them here. What SQLite wrote about them goes to the other thread as it is, and is read there.
 */

import { DEFAULTS } from '../../job/options.ts';
import { DAMAGED_TYPE } from '../../job/payload.ts';
import { headersOfText, policyOfText } from '../../job/policy-text.ts';
import type { Bytes, JobRecord } from '../../job/record.ts';
import type { Claimed } from '../store.ts';
import type { Database } from './database.ts';
import { isIntact } from './sum.ts';

/** What is a fresh job's own. The first ones are for the claim. */
export type FreshTuple = readonly [
  seq: number,
  name: string,
  readyAt: number,
  expiresAt: number | null,
  timeoutMs: number | null,
  id: string,
  priority: number,
  rank: number,
  addedAt: number,
  dueAt: number | null,
  contentType: string,
  headers: string,
  policy: string,
  sum: number | null,
];

/** A job that was read for a claim: the tuple, and the text that it was. */
export interface FreshRow {
  readonly tuple: FreshTuple;
  readonly text: string;
  readonly body: Bytes;
}

/** Fresh jobs that one claim took. Tokens follow each other. */
export interface FreshJobs {
  readonly queue: string;
  readonly worker: string;
  readonly claimedAt: number;
  readonly firstToken: number;
  /** `FreshTuple`s as one JSON list. */
  readonly text: string;
  readonly bodies: readonly Bytes[];
}

/** From the front of the queue on; null for one that is not fresh. */
const WAITING = `
  select iif(j.claims = 0 and j.generation = 1 and j.origin_queue is null and r.seq is null,
      json_array(j.seq, j.name, j.ready_at, j.expires_at, j.timeout_ms, j.id, j.priority, j.rank, j.added_at, j.due_at,
        b.content_type, b.headers, b.policy, b.sum),
      null), b.body
  from millrace_job j indexed by millrace_job_ready cross join millrace_body b on b.seq = j.seq
    left join millrace_report r on r.seq = j.seq
  where j.queue = ? and j.state = 'waiting' order by j.priority, j.rank limit ?`;

export interface Front {
  readonly rows: readonly FreshRow[];
  /** No other job waits in the queue. */
  readonly isAll: boolean;
}

/** Those at the front of the queue that are fresh. */
export function freshRows(db: Database, queue: number, limit: number): Front {
  const rows: FreshRow[] = [];
  const found = db.tuples<[string | null, Bytes]>(WAITING, queue, limit);
  for (const [text, body] of found) {
    if (text === null) break;
    rows.push({ tuple: JSON.parse(text) as FreshTuple, text, body });
  }
  return { rows, isAll: found.length < limit && rows.length === found.length };
}

/** On the thread that asked. */
export function claimedOfFresh(jobs: FreshJobs): Claimed[] {
  const tuples = JSON.parse(jobs.text) as FreshTuple[];
  return tuples.map((tuple, index) => claimedOf(jobs, tuple, index));
}

function claimedOf(jobs: FreshJobs, tuple: FreshTuple, index: number): Claimed {
  const job = recordOf(jobs, tuple, index);
  return {
    lease: { queue: job.queue, id: job.id, token: job.token },
    job,
    waitedMs: Math.max(0, jobs.claimedAt - tuple[2]),
    elapsedMs: 0,
    settled: false,
  };
}

function recordOf(
  { queue, worker, claimedAt, firstToken, bodies }: FreshJobs,
  tuple: FreshTuple,
  index: number,
): JobRecord {
  const [, name, readyAt, , , id, priority, rank, addedAt, dueAt, contentType, headersText, policyText, sum] =
    tuple;
  const body = bodies[index] ?? NOTHING;
  const headers = headersOfText(headersText);
  const policy = policyOfText(policyText);
  const isSound = headers !== null && policy !== null && isIntact(body, { id, name, contentType }, sum);
  return {
    queue,
    id,
    name,
    state: 'active',
    body,
    contentType: isSound ? contentType : DAMAGED_TYPE,
    headers: headers ?? {},
    policy: policy ?? DEFAULTS.policy,
    priority,
    rank,
    addedAt,
    dueAt,
    readyAt,
    expiresAt: null,
    firstClaimedAt: claimedAt,
    claimedAt,
    finishedAt: null,
    generation: 1,
    claims: 1,
    failures: 0,
    crashes: 0,
    token: firstToken + index,
    worker,
    progress: null,
    result: null,
    error: null,
    cause: null,
    cancelReason: null,
    origin: null,
  };
}

const NOTHING: Bytes = new Uint8Array(0);
