/** The seam, part three: what is read of a store, by people and by programs. */

import type { JobFilter } from '../job/filter.ts';
import type { Counts, QueueSettings, Totals } from '../job/queue-settings.ts';
import type { Bytes, JobRecord } from '../job/record.ts';

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

export { HISTOGRAM_BOUNDS_MS } from '../job/histogram.ts';

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

/**
 * News is a hint: losing one costs latency, never a job. `unknown`: something changed, look. Of jobs that are added some
 * stores tell those who claim beforehand: `coming`, a claim that is made now finds them; then `taken`, and not `ready`, if
 * such a claim has left none.
 */
export interface Hint {
  readonly queue: string;
  readonly news: 'ready' | 'coming' | 'taken' | 'ended' | 'cancel' | 'settings' | 'unknown';
}

export type Unwatch = () => void;
