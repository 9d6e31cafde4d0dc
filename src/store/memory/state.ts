import type { QueueSettings, Totals } from '../../job/queue-settings.ts';
import type { AttemptRecord, JobRecord, JobState, LeaseRef, LogLine } from '../../job/record.ts';
import { NO_TOTALS, noCounts } from '../../job/totals.ts';
import type { Clock } from '../../runtime/clock.ts';
import type {
  AuditRecord,
  Change,
  EffectResult,
  Hint,
  OperationRecord,
  SessionRecord,
  StatsPoint,
} from '../store.ts';
import { type Order, order } from './order.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export interface Lease {
  readonly token: number;
  readonly worker: string;
  /** null: bound to the session of the worker. */
  readonly expiresAt: number | null;
  readonly deadlineAt: number | null;
  /** When a reclaim pass first saw it past due. */
  readonly suspectAt: number | null;
  /** Claimed by a worker that runs suspects alone, and not run alone yet: its crash may be another job's doing. */
  readonly spared: boolean;
}

/** A job and all that hangs on it. The record is replaced, never changed: see `alter`. */
export interface StoredJob {
  readonly seq: number;
  record: JobRecord;
  lease: Lease | null;
  /** Token of the last lease that settled it; 0 before. */
  settledToken: number;
  readonly attempts: AttemptRecord[];
  readonly logs: LogLine[];
  /** Lines ever logged. */
  logged: number;
  /** Rises with every move to another queue, over the store; 0 before the first. */
  moveNumber: number;
}

export interface QueueState {
  readonly name: string;
  readonly createdAt: number;
  settings: QueueSettings;
  readonly counts: Record<JobState, number>;
  readonly totals: Mutable<Totals>;
  readonly jobs: Map<string, StoredJob>;
  /** Waiting jobs in the order in which they are claimed. */
  readonly waiting: Order<StoredJob>;
  /** Delayed and parked jobs by the time they wait for. */
  readonly due: Order<StoredJob>;
  /** Waiting and delayed jobs by the time at which they expire. */
  readonly expiring: Order<StoredJob>;
  /** Statistics by time and name. */
  readonly minutes: Map<string, Point>;
  readonly hours: Map<string, Point>;
}

export type Point = Mutable<Omit<StatsPoint, 'wait' | 'run'>> & { wait: number[]; run: number[] };

export interface StoredOperation {
  record: OperationRecord;
  /** Jobs up to this seq are behind it … */
  afterSeq: number;
  /** … and those after this one came after its start. */
  readonly untilSeq: number;
}

/** Who listens to the change feed of a queue. Kept apart from queues: one may listen before the first job. */
export interface Recording {
  untilAt: number;
  /** Readers below this number may have missed changes. */
  floor: number;
}

interface Watcher {
  /** Empty: all. */
  readonly queues: readonly string[];
  readonly onNews: (hint: Hint) => void;
}

/** Everything the store knows. */
export interface State {
  readonly clock: Clock;
  /** Last numbers given out. */
  seq: number;
  token: number;
  change: number;
  move: number;
  readonly queues: Map<string, QueueState>;
  /** Active jobs by token, and so in the order of their claims. */
  readonly leased: Map<number, StoredJob>;
  /** Jobs that moved here from elsewhere, by where they were (`originKey`). */
  readonly moved: Map<string, StoredJob[]>;
  readonly sessions: Map<string, SessionRecord>;
  readonly operations: Map<string, StoredOperation>;
  leader: { readonly holder: string; readonly untilAt: number } | null;
  readonly requests: Map<string, { readonly at: number; readonly results: EffectResult[] }>;
  readonly claims: Map<string, { readonly at: number; readonly leases: readonly LeaseRef[] }>;
  readonly recordings: Map<string, Recording>;
  changes: Change[];
  readonly audit: AuditRecord[];
  readonly watchers: Set<Watcher>;
}

export function newState(clock: Clock): State {
  return {
    clock,
    seq: 0,
    token: 0,
    change: 0,
    move: 0,
    queues: new Map(),
    leased: new Map(),
    moved: new Map(),
    sessions: new Map(),
    operations: new Map(),
    leader: null,
    requests: new Map(),
    claims: new Map(),
    recordings: new Map(),
    changes: [],
    audit: [],
    watchers: new Set(),
  };
}

export function newQueue(name: string, settings: QueueSettings, createdAt: number): QueueState {
  return {
    name,
    createdAt,
    settings,
    counts: { ...noCounts() },
    totals: { ...NO_TOTALS },
    jobs: new Map(),
    waiting: order((one, other) => by(one.record.priority, other.record.priority) || byRank(one, other)),
    due: order((one, other) => by(one.record.dueAt, other.record.dueAt) || bySeq(one, other)),
    expiring: order((one, other) => by(one.record.expiresAt, other.record.expiresAt) || bySeq(one, other)),
    minutes: new Map(),
    hours: new Map(),
  };
}

/** Null counts as 0: the orders that it could enter hold no such job. */
export function by(one: number | null, other: number | null): number {
  return (one ?? 0) - (other ?? 0);
}

function byRank(one: StoredJob, other: StoredJob): number {
  return by(one.record.rank, other.record.rank);
}

export function bySeq(one: StoredJob, other: StoredJob): number {
  return by(one.seq, other.seq);
}
