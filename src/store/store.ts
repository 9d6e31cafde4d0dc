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
import type {
  AttemptRecord,
  Bytes,
  EndCause,
  JobRecord,
  JobRef,
  JobState,
  LeaseRef,
  LogLine,
  StoredError,
} from '../job/record.ts';
import type { Effect, EffectResult } from './effects.ts';
import type { Pulse } from './pulse.ts';
import type {
  AuditRecord,
  DumpRow,
  FeedPage,
  FeedRequest,
  Finding,
  Hint,
  JobPage,
  OperationRecord,
  PageRequest,
  QueueSummary,
  Session,
  SessionRecord,
  StatsPoint,
  StatsRequest,
  Unwatch,
} from './reads.ts';

export type * from './effects.ts';
export type * from './pulse.ts';
export * from './reads.ts';

export type StoreKind = 'memory' | 'sqlite' | 'postgres' | 'redis';

/** What a store can do beyond the contract. Named, so that callers ask for the ability, not for the store. */
export interface Capabilities {
  /** `apply` inside the caller's own transaction. */
  readonly transactions: boolean;
  /** Several processes may use the store at once. */
  readonly shared: boolean;
  /** `find` may look into JSON bodies. */
  readonly searchBodies: boolean;
  /** Calls of `apply` are carried out in the order in which they are made: the next may leave before the last is answered. */
  readonly ordered: boolean;
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

export interface ApplyOptions {
  /**
   * Repeating a call with the same id answers as the first did and changes nothing. Remembered for 10 minutes, of which a
   * store may forget all but the last 200,000 calls.
   */
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
  /**
   * This worker runs a job that is suspected of killing its process alone, and says so with the effect `isolate`
   * before it begins. Only a job that was marked so may become a dead letter because its lease ran out; the others
   * go back to waiting however many crashes they have. Without it every lease that runs out may be the last one.
   */
  readonly quarantine?: boolean;
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
  /** Leases bound to the session were asked for, and it is not alive: there are no jobs before it beats. */
  readonly sessionOver?: true;
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

/**
 * `kept`: the session was alive, and with it the leases bound to it. `begun`: it was not known, or it was over;
 * of leases that were bound to it before, some may be lost, which `renew` tells.
 */
export interface BeatResult {
  readonly outcome: 'begun' | 'kept';
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
  /**
   * Leases were suspected by this pass: the next look shall be so much later, by the caller's monotonic clock, so that
   * not even two jumps of the store's clock take a live lease. 0 when none was.
   */
  readonly suspicionMs: number;
  readonly expired: number;
  readonly pruned: number;
  /** Jobs moved by operations in this call. */
  readonly operated: number;
  /** Budget was used up: call again at once. */
  readonly more: boolean;
  /** Until something is known to be due; null when nothing is. */
  readonly nextDueInMs: number | null;
}

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
  /** 0 ends the leases, also those bound to a session (visible again at the next reclaim); at most 12 h. */
  renew(leases: readonly LeaseRef[], leaseMs: number): Promise<RenewResult[]>;

  /** Each session begins, or goes on for `ttlMs` from now. All of them in one step; no id twice. */
  beat(sessions: readonly Session[]): Promise<BeatResult[]>;
  /**
   * Keeps sessions alive from a thread of the store's own, for callers on the machine's clock. Left out, or null, where
   * there is none: then the caller beats by a timer of its own.
   */
  openPulse?(): Promise<Pulse | null>;
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
  /** Leases of this worker, by token. It may have some that it does not know of: answers get lost, calls are late. */
  leases(session: string): Promise<LeaseRef[]>;
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
