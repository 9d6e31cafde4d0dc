import type { JobRecord } from '../../job/record.ts';
import type { ClaimAnswer, Claimed } from '../store.ts';
import type { Cargo, Packed, Take } from './cargo.ts';
import { claimedOfFresh, type FreshJobs } from './fresh.ts';
import { type Grant, type GrantPart, isFreshPart } from './grant.ts';

type Row = readonly [
  waitedMs: number,
  elapsedMs: number,
  settled: boolean,
  body: Packed,
  queue: JobRecord['queue'],
  id: JobRecord['id'],
  name: JobRecord['name'],
  state: JobRecord['state'],
  contentType: JobRecord['contentType'],
  headers: JobRecord['headers'],
  policy: JobRecord['policy'],
  priority: JobRecord['priority'],
  rank: JobRecord['rank'],
  addedAt: JobRecord['addedAt'],
  dueAt: JobRecord['dueAt'],
  readyAt: JobRecord['readyAt'],
  expiresAt: JobRecord['expiresAt'],
  firstClaimedAt: JobRecord['firstClaimedAt'],
  claimedAt: JobRecord['claimedAt'],
  finishedAt: JobRecord['finishedAt'],
  generation: JobRecord['generation'],
  claims: JobRecord['claims'],
  failures: JobRecord['failures'],
  crashes: JobRecord['crashes'],
  token: JobRecord['token'],
  worker: JobRecord['worker'],
  progress: JobRecord['progress'],
  result: JobRecord['result'],
  error: JobRecord['error'],
  cause: JobRecord['cause'],
  cancelReason: JobRecord['cancelReason'],
  origin: JobRecord['origin'],
];

type PackedFresh = Omit<FreshJobs, 'bodies'> & { readonly bodies: Int32Array };
type PackedPart = readonly Row[] | PackedFresh;
export type PackedClaim = Omit<Grant, 'parts'> & { readonly parts: readonly PackedPart[] };

export function packClaim(grant: Grant, cargo: Cargo): PackedClaim {
  return { ...grant, parts: grant.parts.map((part) => packPart(part, cargo)) };
}

function packPart(part: GrantPart, cargo: Cargo): PackedPart {
  if (!isFreshPart(part)) return part.map((claimed) => toRow(claimed, cargo));
  return { ...part, bodies: Int32Array.from(part.bodies, (body) => cargo.put(body)) };
}

export function unpackClaim({ parts, ...rest }: PackedClaim, take: Take): ClaimAnswer {
  return { ...rest, jobs: parts.flatMap((part) => unpackPart(part, take)) };
}

function unpackPart(part: PackedPart, take: Take): Claimed[] {
  if (!('text' in part)) return part.map((row) => toClaimed(row, take));
  return claimedOfFresh({ ...part, bodies: Array.from(part.bodies, take) });
}

function toRow({ job, waitedMs, elapsedMs, settled }: Claimed, cargo: Cargo): Row {
  return [
    waitedMs,
    elapsedMs,
    settled,
    cargo.put(job.body),
    job.queue,
    job.id,
    job.name,
    job.state,
    job.contentType,
    job.headers,
    job.policy,
    job.priority,
    job.rank,
    job.addedAt,
    job.dueAt,
    job.readyAt,
    job.expiresAt,
    job.firstClaimedAt,
    job.claimedAt,
    job.finishedAt,
    job.generation,
    job.claims,
    job.failures,
    job.crashes,
    job.token,
    job.worker,
    job.progress,
    job.result,
    job.error,
    job.cause,
    job.cancelReason,
    job.origin,
  ];
}

/** The lease says again what the record says. */
function toClaimed(row: Row, take: Take): Claimed {
  const job = toRecord(row, take);
  const lease = { queue: job.queue, id: job.id, token: job.token };
  return { lease, job, waitedMs: row[0], elapsedMs: row[1], settled: row[2] };
}

function toRecord(row: Row, take: Take): JobRecord {
  return {
    queue: row[4],
    id: row[5],
    name: row[6],
    state: row[7],
    body: take(row[3]),
    contentType: row[8],
    headers: row[9],
    policy: row[10],
    priority: row[11],
    rank: row[12],
    addedAt: row[13],
    dueAt: row[14],
    readyAt: row[15],
    expiresAt: row[16],
    firstClaimedAt: row[17],
    claimedAt: row[18],
    finishedAt: row[19],
    generation: row[20],
    claims: row[21],
    failures: row[22],
    crashes: row[23],
    token: row[24],
    worker: row[25],
    progress: row[26],
    result: row[27],
    error: row[28],
    cause: row[29],
    cancelReason: row[30],
    origin: row[31],
  };
}
