import type { ClaimAnswer, Claimed, ClaimRequest } from '../store.ts';
import { Cursor } from './cursor.ts';
import type { Engine } from './engine.ts';
import type { Idle, Marking } from './idle.ts';
import type { Lean } from './lean.ts';
import { jobOf, readRare, type StoredJob } from './pack-record.ts';
import type { Arg } from './reply.ts';
import { CLAIM_JOBS } from './scripts.ts';

/** Claims, and what they ask for beside jobs. */
export interface Asked {
  readonly requests: readonly ClaimRequest[];
  readonly markings: readonly Marking[];
}

export function askFor(requests: readonly ClaimRequest[], idle: Idle): Asked {
  return { requests, markings: requests.map((request) => idle.ask(request)) };
}

export async function claim(
  engine: Engine,
  requests: readonly ClaimRequest[],
  { idle, lean }: { readonly idle: Idle; readonly lean: Lean },
): Promise<ClaimAnswer[]> {
  const asked = askFor(requests, idle);
  const short = await lean.commit(engine, [], asked);
  if (short !== null) return takeClaims(short.cursor, asked, idle);
  const args: Arg[] = [];
  putClaims(args, asked);
  const said = await engine.write(CLAIM_JOBS, args);
  return takeClaims(new Cursor(said), asked, idle);
}

export function putClaims(args: Arg[], { requests, markings }: Asked): void {
  args.push(requests.length);
  for (const [index, request] of requests.entries()) {
    const { claimId, queue, limit, worker, leaseMs, quarantine = false } = request;
    args.push(claimId, queue, limit, worker, leaseMs ?? '', quarantine ? 1 : 0, markings[index] ?? 0);
  }
}

export function takeClaims(cursor: Cursor, { requests, markings }: Asked, idle: Idle): ClaimAnswer[] {
  return requests.map((request, index) => {
    const answer = takeClaim(cursor, request);
    idle.learn(request, markings[index] ?? 0, answer);
    return answer;
  });
}

function takeClaim(cursor: Cursor, { claimId, queue }: ClaimRequest): ClaimAnswer {
  const paused = cursor.number() === 1;
  const isOver = cursor.number() === 1;
  const nextDueInMs = cursor.numberOrNull();
  const many = cursor.number();
  const nowMs = cursor.number();
  const jobs = Array.from({ length: many }, () => takeJob(cursor, queue, nowMs));
  const answer = { claimId, jobs, nextDueInMs, paused };
  return isOver ? { ...answer, sessionOver: true } : answer;
}

const SETTLED = 1;
const RARE = 2;

function takeJob(cursor: Cursor, queue: string, nowMs: number): Claimed {
  const flags = cursor.number();
  const parts = { queue, seq: cursor.number(), fixed: cursor.bytes(), moving: cursor.bytes() };
  const stored = (flags & RARE) === 0 ? jobOf(parts) : jobOf(parts, readRare(cursor));
  return claimedOf(stored, (flags & SETTLED) !== 0, nowMs);
}

function claimedOf({ record }: StoredJob, settled: boolean, nowMs: number): Claimed {
  const { queue, id, token, claimedAt, readyAt, firstClaimedAt } = record;
  return {
    lease: { queue, id, token },
    job: record,
    waitedMs: Math.max(0, (claimedAt ?? 0) - (readyAt ?? 0)),
    elapsedMs: Math.max(0, nowMs - (firstClaimedAt ?? nowMs)),
    settled,
  };
}
