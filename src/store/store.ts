/**
 * THE SEAM between the rules of a job's life and the places where jobs are kept.
 *
 * One interface, four stores. It takes batches everywhere, durations instead of instants (the store's clock
 * decides), and a fencing token with every write of a worker. What a store does is spelled out by
 * `store/memory`, the executable specification, and checked by `testing/conformance`.
 *
 * Three outcomes of a call: applied (it resolves), refused (an outcome that says so, or a typed error thrown
 * before anything was written), unknown (StoreUnavailableError). After unknown, repeat the call with the same
 * request id or claim id: it neither doubles a job nor strands a lease.
 */

import type { JobFilter } from '../job/filter.ts';
import type { Counts, QueuePatch, QueueSettings, Totals } from '../job/queue-settings.ts';
import type {
  AttemptRecord,
  Bytes,
  EndCause,
  Headers,
  JobPolicy,
  JobRecord,
  JobRef,
  JobState,
  LeaseRef,
  LogLine,
  StoredError,
} from '../job/record.ts';

export type StoreKind = 'memory' | 'sqlite' | 'postgres' | 'redis';

/** What a store can do beyond the contract. Named, so that callers ask for the ability, not for the store. */
export interface Capabilities {
  /** `apply` inside the caller's own transaction. */
  readonly transactions: boolean;
  /** Several processes may use the store at once. */
  readonly shared: boolean;
  /** `find` may look into JSON bodies. */
  readonly searchBodies: boolean;
}

/** What an acknowledged write survives. `level` is computed from settings read back from the back end. */
export interface Durability {
  /** memory: nothing; os: a crash of the process; disk: a power cut; replicated: loss of one machine. */
  readonly level: 'memory' | 'os' | 'disk' | 'replicated';
  /** The settings behind the verdict, in a sentence. */
  readonly detail: string;
}

/** A caller's own transaction, opaque here. Each store documents what it takes. */
export type StoreTx = object;

// ---------------------------------------------------------------------------------------------- effects

export interface NewJob {
  readonly queue: string;
  /** Made by the client (UUIDv7 by default), so that a repeated call is recognised. */
  readonly id: string;
  readonly name: string;
  readonly body: Bytes;
  readonly contentType: string;
  readonly headers: Headers;
  readonly policy: JobPolicy;
  readonly priority: number;
  /** Goes before the jobs of its priority that wait already. */
  readonly lifo: boolean;
  /** 0 for at once. */
  readonly delayMs: number;
}

/** A write of the worker carries its lease and is fenced; a write of anybody else names the job alone. */
export type Target = JobRef | LeaseRef;

/** What happens to jobs without settling an attempt. A closed list; it grows by decision record. */
export type Effect =
  /** All of `jobs` or none. A job whose id the queue already has is left alone and answered `duplicate`. */
  | { readonly op: 'add'; readonly jobs: readonly NewJob[] }
  | { readonly op: 'progress'; readonly job: Target; readonly value: Bytes }
  | { readonly op: 'log'; readonly job: Target; readonly lines: readonly string[] }
  /** Replaces the body. */
  | { readonly op: 'data'; readonly job: Target; readonly body: Bytes; readonly contentType: string }
  /** Open jobs that are not active end at once; an active one is asked, by its next renewal. */
  | { readonly op: 'cancel'; readonly job: JobRef; readonly reason: string }
  /** failed, cancelled or completed → waiting, as a new generation; optionally in another queue. */
  | { readonly op: 'redrive'; readonly job: JobRef; readonly toQueue: string | null }
  /** Deletes the record; not of an active job. */
  | { readonly op: 'discard'; readonly job: JobRef }
  /** delayed → waiting. */
  | { readonly op: 'promote'; readonly job: JobRef }
  /** delayed or waiting → delayed by `delayMs` from now (0: waiting). */
  | { readonly op: 'reschedule'; readonly job: JobRef; readonly delayMs: number }
  /** Waiting or delayed jobs only; `lifo` moves it before the others of its priority, else it keeps its rank. */
  | { readonly op: 'prioritize'; readonly job: JobRef; readonly priority: number; readonly lifo: boolean }
  /** Makes the queue if need be, then changes its settings. An empty patch only makes it. */
  | { readonly op: 'configure'; readonly queue: string; readonly patch: QueuePatch }
  /** Removes waiting jobs (and delayed ones if asked) that were there at the first call; bounded, see `Swept`. */
  | {
      readonly op: 'drain';
      readonly queue: string;
      readonly delayed: boolean;
      readonly before: number | null;
    }
  /** Removes the queue and all it holds; refused with `active` while jobs are active unless `force`. Bounded. */
  | { readonly op: 'obliterate'; readonly queue: string; readonly force: boolean }
  | { readonly op: 'start-operation'; readonly operation: NewOperation }
  | { readonly op: 'abort-operation'; readonly id: string };

export type AddOutcome = { readonly id: string; readonly outcome: 'created' | 'duplicate' };

/**
 * ok: done. expired: the lease ran out, nobody took the job yet. superseded: the job is no longer this lease's
 * (claimed again, settled, reclaimed). gone: no such job. wrong-state: see `state`; nothing was changed.
 */
export type MoveOutcome =
  | { readonly outcome: 'ok' | 'expired' | 'superseded' | 'gone' }
  | { readonly outcome: 'wrong-state'; readonly state: JobState }
  /** Redrive to a queue that already has a job with this id. */
  | { readonly outcome: 'duplicate' };

/** `more`: call again, with `before` where the effect has it, until it is false. */
export interface Swept {
  readonly outcome: 'ok' | 'active';
  readonly removed: number;
  readonly more: boolean;
  /** Pass back as `before`. */
  readonly before: number;
}

export type EffectResult =
  | { readonly op: 'add'; readonly jobs: readonly AddOutcome[] }
  | ({ readonly op: MoveOp } & MoveOutcome)
  | { readonly op: 'configure'; readonly settings: QueueSettings }
  | ({ readonly op: 'drain' | 'obliterate' } & Swept)
  | { readonly op: 'start-operation' | 'abort-operation'; readonly outcome: 'ok' | 'gone' };

export type MoveOp =
  | 'progress'
  | 'log'
  | 'data'
  | 'cancel'
  | 'redrive'
  | 'discard'
  | 'promote'
  | 'reschedule'
  | 'prioritize';

export interface ApplyOptions {
  /** Repeating a call with the same id answers as the first did and changes nothing. Remembered for 10 minutes. */
  readonly requestId?: string;
  readonly tx?: StoreTx;
  /** Who did it, for the audit trail. Set for people; left out for programs. */
  readonly actor?: string;
}

// ------------------------------------------------------------------------------------- claim and settle

export interface ClaimRequest {
  /** Made by the client. Repeating a claim whose answer was lost gives the same leases that are still held. */
  readonly claimId: string;
  readonly queue: string;
  readonly limit: number;
  /** Session of the worker (`beat`). */
  readonly worker: string;
  /** `null`: the lease lives as long as the session; else it has a time of its own. */
  readonly leaseMs: number | null;
}

export interface Claimed {
  readonly lease: LeaseRef;
  /** The record after the claim. */
  readonly job: JobRecord;
  /** From ready to claimed. */
  readonly waitedMs: number;
  /** From the first claim of this generation to now, for `retryForMs`. */
  readonly elapsedMs: number;
  /** The queue delivers at most once: the job is already completed and there is nothing to settle. */
  readonly settled: boolean;
}

export interface ClaimAnswer {
  readonly claimId: string;
  readonly jobs: readonly Claimed[];
  /** Until the next delayed job of the queue is due; null when there is none. */
  readonly nextDueInMs: number | null;
  readonly paused: boolean;
}

/** What waits for what. `afterMs` wakes by time; edges and signals join with durable steps. */
export interface Wake {
  readonly afterMs: number | null;
}

/** What an attempt becomes, decided by `job/outcome.ts`. */
export type Next =
  | { readonly to: 'completed'; readonly result: Bytes | null }
  | { readonly to: 'failed'; readonly error: StoredError; readonly cause: EndCause }
  | { readonly to: 'retry'; readonly afterMs: number; readonly error: StoredError }
  /** Handed back without burning an attempt. */
  | { readonly to: 'released'; readonly afterMs: number; readonly why: string }
  /** `discarded`: the processor itself wanted no more of it. */
  | { readonly to: 'cancelled'; readonly reason: string; readonly cause: 'cancelled' | 'discarded' }
  | { readonly to: 'parked'; readonly wake: Wake };

export interface Settlement {
  readonly lease: LeaseRef;
  /** Applied in the same step, if and only if the settlement is. Their targets are checked like any other. */
  readonly effects?: readonly Effect[];
  readonly next: Next;
  /** strict refuses a lease that ran out (`expired`); lenient accepts it while nobody has taken the job. */
  readonly mode: 'strict' | 'lenient';
  readonly traceId?: string;
}

/** A repeated settlement with the same lease answers `ok` again and changes nothing. */
export interface SettleResult {
  readonly outcome: 'ok' | 'expired' | 'superseded' | 'gone';
  /** State after the step when `ok`: a cancel that arrived meanwhile turns retry and release into cancelled. */
  readonly state: JobState | null;
}

export interface CommitAnswer {
  readonly settled: readonly SettleResult[];
  readonly claimed: readonly ClaimAnswer[];
}

/**
 * A lease that ran out but was not taken yet is renewed all the same: the token still fences.
 * `timed-out`: the job's `timeoutMs` (and a grace of 5 s) is over, the lease is not prolonged any more.
 */
export interface RenewResult {
  readonly outcome: 'ok' | 'superseded' | 'gone' | 'timed-out';
  /** Set when somebody asked the job to stop. */
  readonly cancelReason: string | null;
}

// ------------------------------------------------------------------------------------------------ upkeep

export interface UpkeepBudget {
  /** Session that wants to lead. Only one holder at a time gets past the leader's lease. */
  readonly holder: string;
  readonly leaderLeaseMs: number;
  /** Records touched per chore at most. */
  readonly limit: number;
  /**
   * Look for leases that ran out. A lease is taken back only when two passes with this flag saw it past due,
   * so that one jump of the clock takes no live lease; the caller keeps the passes apart by a monotonic clock.
   */
  readonly reclaim: boolean;
}

export interface Reclaimed extends JobRef {
  readonly token: number;
  readonly worker: string;
  readonly crashes: number;
  /** State after: waiting, failed (or waiting in the dead-letter queue), cancelled. */
  readonly state: JobState;
}

export interface UpkeepReport {
  /** False when another holder leads; nothing was done. */
  readonly led: boolean;
  readonly promoted: number;
  readonly reclaimed: readonly Reclaimed[];
  readonly expired: number;
  readonly pruned: number;
  /** Jobs moved by operations in this call. */
  readonly operated: number;
  /** Budget was used up: call again at once. */
  readonly more: boolean;
  /** Until something is known to be due; null when nothing is. */
  readonly nextDueInMs: number | null;
}

// ------------------------------------------------------------------------------------ reads and registry

/** A worker process as it presents itself; refreshed by `beat`, forgotten when `ttlMs` is over. */
export interface Session {
  readonly id: string;
  readonly ttlMs: number;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  readonly queues: readonly { readonly queue: string; readonly slots: number; readonly busy: number }[];
  readonly lagMs: number;
}

export interface SessionRecord extends Omit<Session, 'ttlMs'> {
  readonly startedAt: number;
  readonly seenAt: number;
  readonly expiresAt: number;
}

export interface QueueSummary {
  readonly queue: string;
  readonly settings: QueueSettings;
  readonly counts: Counts;
  readonly totals: Totals;
  /** Age of the job that has been ready longest; null when none is. Delay and backoff are left out. */
  readonly oldestReadyMs: number | null;
  /** Age of the oldest running attempt. */
  readonly oldestActiveMs: number | null;
  readonly nextDueInMs: number | null;
  readonly createdAt: number;
}

export interface PageRequest {
  /** From the page before; null for the first. */
  readonly cursor: string | null;
  readonly limit: number;
  /** Records examined at most (default 10,000): a search says how far it got instead of taking for ever. */
  readonly scan?: number;
  /** Default `newest`: added last, first. */
  readonly order?: 'newest' | 'oldest';
}

export interface JobPage {
  readonly jobs: readonly JobRecord[];
  /** null: the end was reached. */
  readonly cursor: string | null;
  readonly scanned: number;
  /** False when the scan ended before the page was full and before the end. */
  readonly complete: boolean;
}

export const HISTOGRAM_BOUNDS_MS: readonly number[] = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 60_000, 300_000, 900_000,
  3_600_000,
];

/** One minute (or hour) of one job name in one queue. Histograms have one more bucket than bounds. */
export interface StatsPoint {
  readonly queue: string;
  readonly name: string;
  readonly from: number;
  readonly added: number;
  readonly completed: number;
  readonly failed: number;
  readonly retried: number;
  readonly wait: readonly number[];
  readonly run: readonly number[];
}

export interface StatsRequest {
  readonly queue: string;
  readonly step: 'minute' | 'hour';
  readonly withinMs: number;
}

export const CHANGE_KINDS = [
  'added',
  'duplicate',
  'waiting',
  'delayed',
  'active',
  'progress',
  'completed',
  'retried',
  'released',
  'failed',
  'cancelled',
  'reclaimed',
  'removed',
  'drained',
  'paused',
  'resumed',
] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];

export interface Change {
  /** Rises within the store; pass the last one seen as `after`. */
  readonly cursor: number;
  readonly at: number;
  readonly queue: string;
  readonly kind: ChangeKind;
  /** Empty for changes of the queue itself. */
  readonly id: string;
  readonly name: string;
  /** completed: the result; progress: its value; retried and failed: the error as JSON. At most 64 KiB. */
  readonly data: Bytes | null;
}

export interface FeedRequest {
  readonly queues: readonly string[];
  /** null: from now on. */
  readonly after: number | null;
  readonly limit: number;
  /** Keeps the recording on for this long after the call (queues with `feed: 'auto'`). */
  readonly keepMs: number;
}

export interface FeedPage {
  readonly changes: readonly Change[];
  /** Pass as `after` next time; also set when there were no changes. */
  readonly cursor: number;
  /** False when changes after the given cursor are no longer kept, or were not recorded. */
  readonly complete: boolean;
}

/** A bulk action over a filter: done by upkeep in slices, at a rate, resumable and abortable. */
export interface NewOperation {
  readonly id: string;
  readonly kind: 'redrive' | 'discard' | 'cancel' | 'promote';
  readonly filter: JobFilter;
  readonly toQueue: string | null;
  /** null: as fast as upkeep's budget allows. */
  readonly ratePerSecond: number | null;
  readonly reason: string;
}

export interface OperationRecord extends NewOperation {
  readonly state: 'running' | 'done' | 'aborted';
  /** Jobs moved. */
  readonly done: number;
  /** Jobs that matched but could not be moved (they changed meanwhile). */
  readonly skipped: number;
  readonly scanned: number;
  readonly startedAt: number;
  readonly finishedAt: number | null;
}

export interface AuditRecord {
  readonly at: number;
  readonly actor: string;
  readonly op: string;
  readonly queue: string;
  readonly id: string;
  readonly detail: string;
}

/** Something a person should know about the store, with what to do. */
export interface Finding {
  readonly severity: 'ok' | 'warning' | 'error';
  readonly check: string;
  readonly message: string;
  /** What to do; empty when nothing is. */
  readonly advice: string;
}

/** One line of the canonical form. Equal dumps mean equal stores; `key` sorts. */
export interface DumpRow {
  readonly key: string;
  readonly value: string;
}

/** News is a hint: losing one costs latency, never a job. `unknown`: something changed, look. */
export interface Hint {
  readonly queue: string;
  readonly news: 'ready' | 'ended' | 'cancel' | 'settings' | 'unknown';
}

export type Unwatch = () => void;

// -------------------------------------------------------------------------------------------------- Store

export interface Store {
  readonly kind: StoreKind;
  readonly can: Capabilities;

  durability(): Promise<Durability>;

  /** One atomic step: all effects or, when this throws, none. Answers stand in the order of the effects. */
  apply(effects: readonly Effect[], options?: ApplyOptions): Promise<EffectResult[]>;

  claim(requests: readonly ClaimRequest[]): Promise<ClaimAnswer[]>;
  /** Settles and claims in one step and one round trip. Each settlement stands or falls on its own. */
  commit(settlements: readonly Settlement[], claims?: readonly ClaimRequest[]): Promise<CommitAnswer>;
  /** 0 ends the leases (visible again at the next reclaim); at most 12 h. */
  renew(leases: readonly LeaseRef[], leaseMs: number): Promise<RenewResult[]>;

  beat(session: Session): Promise<void>;
  /** The session is over: its leases are handed back without burning an attempt. Answers how many. */
  endSession(id: string): Promise<number>;

  upkeep(budget: UpkeepBudget): Promise<UpkeepReport>;

  /** Also finds a job that moved on to another queue as a dead letter. */
  job(ref: JobRef): Promise<JobRecord | null>;
  attempts(ref: JobRef): Promise<AttemptRecord[]>;
  logs(ref: JobRef, after: number, limit: number): Promise<LogLine[]>;
  find(filter: JobFilter, page: PageRequest): Promise<JobPage>;
  queues(names?: readonly string[]): Promise<QueueSummary[]>;
  stats(request: StatsRequest): Promise<StatsPoint[]>;
  sessions(): Promise<SessionRecord[]>;
  feed(request: FeedRequest): Promise<FeedPage>;
  operations(): Promise<OperationRecord[]>;
  audit(limit: number): Promise<AuditRecord[]>;

  /** Empty `queues`: all of them. */
  watch(queues: readonly string[], onNews: (hint: Hint) => void): Promise<Unwatch>;

  /** Recounts and looks for orphans; empty when all is well. */
  verify(): Promise<Finding[]>;
  doctor(): Promise<Finding[]>;
  dump(): AsyncIterable<DumpRow>;
  /** Safe to call twice. Calls that are under way finish first. */
  close(): Promise<void>;
}
