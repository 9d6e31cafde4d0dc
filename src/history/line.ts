/**
 * The format of a history: JSON lines, one file a process, in the order in which that process saw things happen.
 * What a line says is reduced to what the checks need: names, ids, tokens, states, times and digests of payloads.
 */

import type { QueuePatch } from '../job/queue-settings.ts';
import type { JobState } from '../job/record.ts';
import type { EffectResult, Next, RenewResult, SettleResult } from '../store/store.ts';

/** Raised when older readers would misunderstand newer lines. */
export const HISTORY_VERSION = 1;

/**
 * invoke: a call was begun. Its end is one of: ok (answered), fail (refused, surely nothing was written), info (the
 * outcome is unknown). A call without an end is unknown, too: its process died. event: something happened.
 */
export const LINE_KINDS = ['head', 'invoke', 'ok', 'fail', 'info', 'event'] as const;
export type LineKind = (typeof LINE_KINDS)[number];

export interface HistoryLine {
  /** 1, 2, … within one process. */
  readonly seq: number;
  /** Milliseconds of a clock that never goes back; all processes of one `boot` share it. */
  readonly mono: number;
  /** Epoch milliseconds of the process's own clock, which may be wrong. */
  readonly wall: number;
  /** One life of one process; unique over all files. */
  readonly process: string;
  readonly kind: LineKind;
  /** The verb of the store, or the name of the event. */
  readonly op: string;
  /** Of the end of a call: `seq` of its `invoke` line. */
  readonly call?: number;
  readonly args?: unknown;
  readonly answer?: unknown;
}

/** `args` of the first line of a process. */
export interface Head {
  readonly version: number;
  readonly host: string;
  /** Machine and start of the machine: processes that share it share a monotonic clock. Null when it is not known. */
  readonly boot: string | null;
  readonly pid: number;
  readonly store: string;
}

export interface JobName {
  readonly queue: string;
  readonly id: string;
}

/** What is left out is 0, false or null. */
export interface LoggedAdd extends JobName {
  readonly body: string;
  readonly attempts: number;
  readonly delayMs?: number;
  readonly priority?: number;
  readonly lifo?: boolean;
  readonly ttlMs?: number;
  readonly keepCompletedMs?: number;
  readonly keepFailedMs?: number;
}

export type LoggedEffect =
  | { readonly op: 'add'; readonly jobs: readonly LoggedAdd[] }
  | ({ readonly op: 'data'; readonly token?: number; readonly body: string } & JobName)
  | ({ readonly op: 'progress' | 'log' | 'isolate'; readonly token?: number } & JobName)
  | ({ readonly op: 'cancel' | 'discard' | 'promote' | 'prioritize' } & JobName)
  | ({ readonly op: 'redrive'; readonly toQueue: string | null } & JobName)
  | ({ readonly op: 'reschedule'; readonly delayMs: number } & JobName)
  | { readonly op: 'configure'; readonly queue: string; readonly patch: QueuePatch }
  | { readonly op: 'drain' | 'obliterate'; readonly queue: string }
  | { readonly op: 'start-operation'; readonly id: string; readonly does: string }
  | { readonly op: 'abort-operation'; readonly id: string };

export interface ApplyArgs {
  readonly requestId?: string;
  /** Part of the caller's own transaction: what it answers counts only if that commits. */
  readonly tx?: true;
  readonly effects: readonly LoggedEffect[];
}

/** As the store answers, without the settings that `configure` gives back. */
export type LoggedResult =
  | Exclude<EffectResult, { readonly op: 'configure' }>
  | { readonly op: 'configure'; readonly paused: boolean };

export interface LoggedClaim {
  readonly claimId: string;
  readonly queue: string;
  readonly limit: number;
  readonly worker: string;
  readonly leaseMs: number | null;
  /** The worker runs suspects alone, so that crashes beside others are not held against a job. */
  readonly quarantine?: true;
}

/** A job that was claimed. Instants are the store's. What is left out is 0, false or null. */
export interface LoggedGrant extends JobName {
  readonly token: number;
  readonly body: string;
  readonly addedAt: number;
  readonly claimedAt: number;
  readonly readyAt: number | null;
  readonly rank: number;
  readonly generation: number;
  readonly claims: number;
  readonly attempts: number;
  readonly failures?: number;
  readonly crashes?: number;
  readonly priority?: number;
  readonly timeoutMs?: number;
  readonly cancelReason?: true;
  /** Queue that it came from, as a dead letter or by redrive. */
  readonly from?: string;
  /** At most once: it is completed already. */
  readonly settled?: true;
}

export interface LoggedClaimAnswer {
  readonly claimId: string;
  readonly jobs: readonly LoggedGrant[];
  readonly paused?: true;
}

export interface LoggedSettlement extends JobName {
  readonly token: number;
  readonly to: Next['to'];
  readonly afterMs?: number;
  readonly mode: 'strict' | 'lenient';
  readonly effects?: readonly LoggedEffect[];
}

export interface CommitArgs {
  readonly settle: readonly LoggedSettlement[];
  readonly claim: readonly LoggedClaim[];
}

export interface LoggedCommit {
  readonly settled: readonly SettleResult[];
  readonly claimed: readonly LoggedClaimAnswer[];
}

export interface RenewArgs {
  readonly leases: readonly (JobName & { readonly token: number })[];
  readonly leaseMs: number;
}

export type LoggedRenewal = Pick<RenewResult, 'outcome'> & { readonly cancel?: true };

export interface LoggedReclaim extends JobName {
  readonly token: number;
  readonly worker: string;
  readonly crashes: number;
  readonly state: JobState;
}

export interface LoggedUpkeep {
  readonly led: boolean;
  readonly promoted: number;
  readonly reclaimed: readonly LoggedReclaim[];
  readonly expired: number;
  readonly pruned: number;
  readonly operated: number;
}

/** `args` of the event `run-start`. */
export interface LoggedRun extends JobName {
  readonly token: number;
  readonly worker: string;
  /** Digest of what the processor was given, where whoever records it can tell. */
  readonly body?: string;
}

/** `args` of the event `fault`: something was done to a process, or to all (`*`), from now or until `fault-end`. */
export interface LoggedFault {
  readonly id: string;
  readonly fault: FaultKind;
  /** Name of the process's history, or its process id, or `*`. */
  readonly target: string | number;
  /** A clock fault: whose clock. The store's decides, so checks by it are eased. */
  readonly clock?: 'store' | 'process';
  /** The store's server ended as if its machine had: claims that it answered shortly before may never have been. */
  readonly forgets?: 'claims';
  /** Free text, for people. */
  readonly note?: string;
}

export const FAULT_KINDS = [
  'kill',
  'exit',
  'pause',
  'block',
  'clock',
  'request-lost',
  'answer-lost',
  'late-packet',
  'store',
  'disk',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** `args` of the event `scope`: what whoever recorded this vouches for. */
export interface Scope {
  /** Every call that was ever made to this store stands in these histories. */
  readonly complete?: boolean;
  /** Every fault has its line, so that whatever else goes wrong is unexplained. */
  readonly faultsKnown?: boolean;
  /** All was given time to come to rest before the last dump. */
  readonly rested?: boolean;
  /** Longest time from the loss of a worker to the next claim of its job. */
  readonly recoveryMs?: number;
  /** Longest time that a job may wait for its first claim. */
  readonly waitMs?: number;
  /** Hints were withheld from the workers. */
  readonly deaf?: boolean;
}

export type { LoggedRow } from './reduce-row.ts';
