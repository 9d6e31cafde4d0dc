import { DEFAULTS } from '../../job/options.ts';
import { DAMAGED_TYPE } from '../../job/payload.ts';
import { headersOfText, policyOfText } from '../../job/policy-text.ts';
import type { Bytes, EndCause, JobRecord, Origin, StoredError } from '../../job/record.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { ClaimAnswer, Claimed, ClaimRequest } from '../store.ts';
import type { Database } from './database.ts';
import type { Held } from './held.ts';
import type { Idle, Marking } from './idle.ts';
import type { Lows } from './lows.ts';

const CLAIM = 'select answer, bytes from {s}.claim_v1($1, $2, true)';
const CLAIM_WITHIN = 'select answer, bytes from {s}.claim_v1($1, $2, false)';

/** What a process remembers from one claim to the next. Nothing that is true depends on it. */
export interface Memory {
  readonly lows: Lows;
  readonly held: Held;
  readonly idle: Idle;
  readonly clock: Clock;
}

export interface AnswerRow {
  readonly answer: string;
  readonly bytes: Bytes;
}

type JobTuple = readonly [
  seq: number,
  id: string,
  name: string,
  bodySize: number,
  priority: number,
  rank: number,
  addedAt: number,
  readyAt: number | null,
  contentType: string,
  headers: string,
  policy: string,
  firstClaimedAt: number | null,
  generation: number,
  claims: number,
  failures: number,
  crashes: number,
  cause: EndCause | null,
  cancelReason: string | null,
  originQueue: string | null,
  originCause: Origin['cause'] | null,
  originMovedAt: number | null,
  error: string | null,
  progressSize: number | null,
];

/** The last two: of a lease that an earlier answer gave. */
type ClaimedTuple = readonly [token: number, job: JobTuple, claimedAt?: number, worker?: string];

/** Jobs that were never claimed before and differ in nothing but these; their tokens follow one another. */
interface Alike {
  readonly alike: readonly [name: string, contentType: string, headers: string, policy: string];
  readonly first: number;
  readonly seqs: readonly number[];
  readonly ids: readonly string[];
  readonly sizes: readonly number[];
  readonly added: readonly number[];
}

interface Answer extends Partial<Alike> {
  readonly repeated?: true;
  readonly over?: true;
  readonly settled?: boolean;
  readonly now: number;
  readonly paused: boolean;
  readonly next: number | null;
  readonly jobs: readonly ClaimedTuple[];
}

export interface Asked {
  readonly requests: readonly ClaimRequest[];
  readonly lows: readonly number[];
  readonly marking: readonly Marking[];
  readonly startedMs: number;
}

/** As the function takes them. */
export function askFor(requests: readonly ClaimRequest[], { lows, idle, clock }: Memory): Asked {
  return {
    requests,
    lows: requests.map(({ queue }) => lows.lowOf(queue)),
    marking: requests.map((request) => idle.ask(request)),
    startedMs: clock.monotonic(),
  };
}

export function textOf({ requests, lows, marking }: Asked): string {
  return JSON.stringify(
    requests.map(({ claimId, queue, limit, worker, leaseMs, quarantine = false }, index) => ({
      ...{ claim: claimId, queue, limit, worker, lease: leaseMs, spared: quarantine, low: lows[index] ?? -1 },
      ...marking[index],
    })),
  );
}

/** One statement; another one for those that found nothing and did not look everywhere. */
export async function claimAtOnce(
  db: Database,
  requests: readonly ClaimRequest[],
  {
    memory,
    now,
    isAlone,
  }: { readonly memory: Memory; readonly now: number | null; readonly isAlone: boolean },
): Promise<ClaimAnswer[]> {
  const asked = askFor(requests, memory);
  const sql = isAlone ? CLAIM : CLAIM_WITHIN;
  const answers = answersOf(await db.all<AnswerRow>(sql, now, textOf(asked)), asked, memory);
  return lookAgain(db, { asked, answers }, { memory, now, isAlone });
}

/** Another statement for those that are worth it. */
export async function lookAgain(
  db: Database,
  { asked, answers }: { readonly asked: Asked; readonly answers: readonly ClaimAnswer[] },
  {
    memory,
    now,
    isAlone,
  }: { readonly memory: Memory; readonly now: number | null; readonly isAlone: boolean },
): Promise<ClaimAnswer[]> {
  const all = [...answers];
  const again = worthAnother(asked, answers, memory);
  if (again.length === 0) return all;
  const from = {
    requests: again.map(({ request }) => request),
    lows: again.map(({ low }) => low),
    marking: again.map(() => ({ mark: false, idle: false })),
    startedMs: memory.clock.monotonic(),
  };
  const rows = await db.all<AnswerRow>(isAlone ? CLAIM : CLAIM_WITHIN, now, textOf(from));
  for (const [index, answer] of answersOf(rows, from, memory).entries()) {
    const place = again[index]?.place;
    if (place !== undefined) all[place] = answer;
  }
  return all;
}

/** Those that found nothing, though there may be something before where they began, or something that is new. */
export function worthAnother(
  { requests, lows, marking }: Asked,
  answers: readonly ClaimAnswer[],
  memory: Memory,
): { readonly place: number; readonly request: ClaimRequest; readonly low: number }[] {
  return requests.flatMap((request, place) => {
    const answer = answers[place];
    const asked = marking[place];
    if (answer === undefined || asked === undefined) return [];
    const isNewlyIdle = memory.idle.learn(request, asked, answer);
    const isEmpty = answer.jobs.length === 0 && !answer.paused && answer.sessionOver === undefined;
    const isHidden = isEmpty && memory.lows.mayHide(request.queue, lows[place] ?? -1);
    // What is new stands at the end: nobody who has just become idle has to walk over all that is dead for it.
    const low = isHidden ? -1 : memory.lows.nearOf(request.queue);
    return isNewlyIdle || isHidden ? [{ place, request, low }] : [];
  });
}

export function answersOf(rows: readonly AnswerRow[], asked: Asked, memory: Memory): ClaimAnswer[] {
  const tookMs = memory.clock.monotonic() - asked.startedMs;
  return asked.requests.map((request, index) => {
    const row = rows[index];
    if (row === undefined) throw new Error('the database left a claim without an answer');
    const answer = JSON.parse(row.answer) as Answer;
    const jobs = claimedOf(answer, row.bytes, request);
    const low = asked.lows[index] ?? -1;
    if (!answer.repeated) memory.lows.learn(request.queue, { high: highestInTurn(answer), low, tookMs });
    if (answer.settled !== true) memory.held.learn(jobs);
    const { paused, next: nextDueInMs } = answer;
    const told = { claimId: request.claimId, jobs, nextDueInMs, paused };
    return answer.over ? { ...told, sessionOver: true } : told;
  });
}

function highestInTurn({ jobs, seqs }: Answer): number | null {
  if (seqs !== undefined) return seqs.at(-1) ?? null;
  const last = jobs.findLast(([, [seq, , , , priority, rank]]) => priority === 0 && rank === seq);
  return last === undefined ? null : last[1][0];
}

function claimedOf(answer: Answer, bytes: Bytes, request: ClaimRequest): Claimed[] {
  let at = 0;
  const take = (size: number): Bytes => {
    at += size;
    return bytes.subarray(at - size, at);
  };
  if (answer.alike !== undefined) return alikeOf(answer as Answer & Alike, request, take);
  return answer.jobs.map((tuple): Claimed => {
    const job = toRecord(tuple, { answer, request, take });
    return {
      lease: { queue: request.queue, id: job.id, token: job.token },
      job,
      waitedMs: Math.max(0, (job.claimedAt ?? 0) - (job.readyAt ?? 0)),
      elapsedMs: Math.max(0, answer.now - (job.firstClaimedAt ?? answer.now)),
      settled: answer.settled === true,
    };
  });
}

function alikeOf(answer: Answer & Alike, request: ClaimRequest, take: (size: number) => Bytes): Claimed[] {
  const { now, settled = false } = answer;
  const [name, contentType, headersText, policyText] = answer.alike;
  const headers = headersOfText(headersText);
  const policy = policyOfText(policyText);
  const shared = {
    queue: request.queue,
    name,
    contentType: headers === null || policy === null ? DAMAGED_TYPE : contentType,
    headers: headers ?? {},
    policy: policy ?? DEFAULTS.policy,
  };
  return answer.ids.map((id, index): Claimed => {
    const added = answer.added[index] ?? now;
    const seq = answer.seqs[index] ?? 0;
    const token = answer.first + index;
    const at = { added, now, finished: settled ? now : null };
    const body = take(answer.sizes[index] ?? 0);
    const job = freshRecord({ shared, id, body, seq, token, worker: request.worker, at });
    return {
      lease: { queue: request.queue, id, token },
      job,
      waitedMs: Math.max(0, now - added),
      elapsedMs: 0,
      settled,
    };
  });
}

interface Fresh {
  readonly shared: Pick<JobRecord, 'queue' | 'name' | 'contentType' | 'headers' | 'policy'>;
  readonly id: string;
  readonly body: Bytes;
  readonly seq: number;
  readonly token: number;
  readonly worker: string;
  readonly at: { readonly added: number; readonly now: number; readonly finished: number | null };
}

/** Spelled out: spreading into a larger object costs more than all else here. */
function freshRecord({ shared, id, body, seq, token, worker, at }: Fresh): JobRecord {
  return {
    queue: shared.queue,
    id,
    name: shared.name,
    state: at.finished === null ? 'active' : 'completed',
    body,
    contentType: shared.contentType,
    headers: shared.headers,
    policy: shared.policy,
    priority: 0,
    rank: seq,
    addedAt: at.added,
    dueAt: null,
    readyAt: at.added,
    expiresAt: null,
    firstClaimedAt: at.now,
    claimedAt: at.now,
    finishedAt: at.finished,
    generation: 1,
    claims: 1,
    failures: 0,
    crashes: 0,
    token,
    worker,
    progress: null,
    result: null,
    error: null,
    cause: null,
    cancelReason: null,
    origin: null,
  };
}

interface Around {
  readonly answer: Answer;
  readonly request: ClaimRequest;
  readonly take: (size: number) => Bytes;
}

function toRecord([token, job, claimedAt, worker]: ClaimedTuple, around: Around): JobRecord {
  const { answer, request, take } = around;
  const headers = headersOfText(job[9]);
  const policy = policyOfText(job[10]);
  const body = take(job[3]);
  const isSettled = answer.settled === true;
  return {
    queue: request.queue,
    id: job[1],
    name: job[2],
    state: isSettled ? 'completed' : 'active',
    body,
    contentType: headers === null || policy === null ? DAMAGED_TYPE : job[8],
    headers: headers ?? {},
    policy: policy ?? DEFAULTS.policy,
    priority: job[4],
    rank: job[5],
    addedAt: job[6],
    dueAt: null,
    readyAt: job[7],
    expiresAt: null,
    firstClaimedAt: job[11] ?? answer.now,
    claimedAt: claimedAt ?? answer.now,
    finishedAt: isSettled ? answer.now : null,
    generation: job[12],
    claims: claimedAt === undefined ? job[13] + 1 : job[13],
    failures: job[14],
    crashes: job[15],
    token,
    worker: worker ?? request.worker,
    progress: job[22] === null ? null : take(job[22]),
    result: null,
    error: isSettled || job[21] === null ? null : (JSON.parse(job[21]) as StoredError),
    cause: job[16],
    cancelReason: job[17],
    origin: originOf(job),
  };
}

function originOf(job: JobTuple): Origin | null {
  const [queue, cause, movedAt] = [job[18], job[19], job[20]];
  return queue === null || cause === null || movedAt === null ? null : { queue, cause, movedAt };
}
