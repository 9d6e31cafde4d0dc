import { END_CAUSES, type EndCause, JOB_STATES, type JobState } from '../../job/record.ts';
import type { Fixed } from './pack-fixed.ts';

/** What changes in the life of a job, and its lease; as `lua/record.ts` packs it. */
export interface Moving {
  readonly state: JobState;
  readonly token: number;
  readonly settledToken: number;
  readonly claims: number;
  readonly failures: number;
  readonly crashes: number;
  readonly generation: number;
  readonly claimedAt: number | null;
  readonly firstClaimedAt: number | null;
  readonly readyAt: number | null;
  readonly dueAt: number | null;
  readonly expiresAt: number | null;
  readonly finishedAt: number | null;
  readonly leaseExpiresAt: number | null;
  readonly deadlineAt: number | null;
  readonly suspectAt: number | null;
  readonly spared: boolean;
  readonly priority: number;
  readonly rank: number;
  readonly cause: EndCause | null;
  readonly worker: string | null;
  readonly traceId: string | null;
  /** Its only attempt completed and is written nowhere else. */
  readonly isShort: boolean;
}

/** Added to ranks, so that they are not negative. */
const RANK_0 = 2 ** 52;
const SHORT = 16;
const SHORT_BYTES = 21;
const LONG_BYTES = 103;

/** `bytes` is empty for a job to which nothing has happened. */
export function movingOf(bytes: Buffer, fixed: Fixed, seq: number): Moving {
  if (bytes.byteLength === 0) return fresh(fixed, seq);
  return (bytes[0] ?? 0) > SHORT ? short(bytes, fixed, seq) : long(bytes);
}

const rankOf = ({ lifo }: Fixed, seq: number): number => (lifo ? -seq : seq);

const UNTOUCHED = {
  token: 0,
  settledToken: 0,
  claims: 0,
  failures: 0,
  crashes: 0,
  generation: 1,
  claimedAt: null,
  firstClaimedAt: null,
  readyAt: null,
  dueAt: null,
  expiresAt: null,
  finishedAt: null,
  leaseExpiresAt: null,
  deadlineAt: null,
  suspectAt: null,
  spared: false,
  cause: null,
  worker: null,
  traceId: null,
  isShort: false,
} as const;

function fresh(fixed: Fixed, seq: number): Moving {
  const { addedAt, delayMs, priority, policy } = fixed;
  const dueAt = delayMs > 0 ? addedAt + delayMs : null;
  return {
    ...UNTOUCHED,
    state: dueAt === null ? 'waiting' : 'delayed',
    dueAt,
    readyAt: dueAt === null ? addedAt : null,
    expiresAt: policy.ttlMs === null ? null : (dueAt ?? addedAt) + policy.ttlMs,
    priority,
    rank: rankOf(fixed, seq),
  };
}

function short(bytes: Buffer, fixed: Fixed, seq: number): Moving {
  const state = stateOf((bytes[0] ?? 0) - SHORT);
  const flags = bytes[1] ?? 0;
  const token = tokenAt(bytes, 2);
  const claimedAt = bytes.readUIntBE(9, 6);
  const hasTrace = (flags & 2) !== 0;
  const workerAt = hasTrace ? SHORT_BYTES + 1 : SHORT_BYTES;
  const workerEnd = hasTrace ? workerAt + (bytes[SHORT_BYTES] ?? 0) + 1 : bytes.byteLength;
  // Field by field: to begin with a copy costs several times as much, and this is read of every job that is claimed.
  return {
    state,
    token,
    settledToken: state === 'completed' ? token : 0,
    claims: 1,
    failures: 0,
    crashes: 0,
    generation: 1,
    claimedAt,
    firstClaimedAt: claimedAt,
    readyAt: fixed.addedAt,
    dueAt: null,
    expiresAt: null,
    finishedAt: orNull(bytes.readUIntBE(15, 6)),
    leaseExpiresAt: null,
    deadlineAt: null,
    suspectAt: null,
    spared: (flags & 1) !== 0,
    priority: fixed.priority,
    rank: rankOf(fixed, seq),
    cause: null,
    worker: bytes.toString('utf8', workerAt, workerEnd),
    traceId: hasTrace ? bytes.toString('utf8', workerEnd) : null,
    isShort: true,
  };
}

function long(bytes: Buffer): Moving {
  const at = (index: number): number | null => orNull(bytes.readUIntBE(32 + 6 * index, 6));
  return {
    state: stateOf(bytes[0] ?? 0),
    token: tokenAt(bytes, 2),
    settledToken: tokenAt(bytes, 9),
    claims: bytes.readUInt32BE(16),
    failures: bytes.readUInt32BE(20),
    crashes: bytes.readUInt32BE(24),
    generation: bytes.readUInt32BE(28),
    claimedAt: at(0),
    firstClaimedAt: at(1),
    readyAt: at(2),
    dueAt: at(3),
    expiresAt: at(4),
    finishedAt: at(5),
    leaseExpiresAt: at(6),
    deadlineAt: at(7),
    suspectAt: at(8),
    spared: ((bytes[1] ?? 0) & 1) !== 0,
    priority: bytes.readUIntBE(86, 3),
    rank: Number(bytes.readBigUInt64BE(89)) - RANK_0,
    cause: END_CAUSES[(bytes[103] ?? 0) - 1] ?? null,
    worker: bytes.byteLength > LONG_BYTES + 1 ? bytes.toString('utf8', LONG_BYTES + 1) : null,
    traceId: null,
    isShort: false,
  };
}

function stateOf(number: number): JobState {
  const state = JOB_STATES[number - 1];
  if (state === undefined) throw new RangeError(`no state has the number ${number}`);
  return state;
}

/** Seven bytes, of which six can be read at once. */
function tokenAt(bytes: Buffer, at: number): number {
  return (bytes[at] ?? 0) * 2 ** 48 + bytes.readUIntBE(at + 1, 6);
}

function orNull(raised: number): number | null {
  return raised === 0 ? null : raised - 1;
}
