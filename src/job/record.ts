/**
 * The stored shape of a job, as every store gives it back. Instants (`…At`) are epoch milliseconds of the
 * store's clock, durations (`…Ms`) are milliseconds. Bodies, results and progress are opaque bytes here:
 * JSON belongs to the library above the seam.
 */

/** Opaque bytes. No store looks inside, except by an explicit search. */
export type Bytes = Uint8Array;

export const JOB_STATES = [
  'waiting',
  'delayed',
  'blocked',
  'active',
  'parked',
  'completed',
  'failed',
  'cancelled',
] as const;
export type JobState = (typeof JOB_STATES)[number];

/** Where a job is: its queue and its id. A user's own id is unique within its queue only. */
export interface JobRef {
  readonly queue: string;
  readonly id: string;
}

/**
 * The right of one worker to one job. `token` is the fencing number: it rises on every claim, for ever, also
 * after redrive and restart (Kleppmann 2016, "How to do distributed locking").
 */
export interface LeaseRef extends JobRef {
  readonly token: number;
}

export type HeaderValue = string | number | boolean;
export type Headers = Readonly<Record<string, HeaderValue>>;

/** How long to wait before the next attempt. `custom` names a strategy that the worker was given. */
export type Backoff =
  | { readonly type: 'fixed'; readonly delayMs: number; readonly jitter: number }
  | {
      readonly type: 'exponential';
      readonly delayMs: number;
      readonly factor: number;
      /** Cap of the computed delay, before jitter. */
      readonly maxMs: number;
      /** 0 keeps the computed delay d; 1 draws evenly from [0, d]; j draws from [d·(1−j), d]. */
      readonly jitter: number;
    }
  | { readonly type: 'custom'; readonly name: string; readonly delayMs: number };

/** What the job's owner decided about its life. Stored as given; `null` means "the queue's rule" or "none". */
export interface JobPolicy {
  /** Attempts that may fail before the job becomes a dead letter; at least 1. Crashes are counted apart. */
  readonly attempts: number;
  readonly backoff: Backoff | null;
  /** No retry starts later than this after the first claim. */
  readonly retryForMs: number | null;
  /** Longest run of one attempt. */
  readonly timeoutMs: number | null;
  /** If not claimed for the first time within this after becoming due, the job is cancelled, cause `expired`. */
  readonly ttlMs: number | null;
  /** Queue to which the job moves, in the same step, when it would become a dead letter. */
  readonly deadLetterQueue: string | null;
  /** How long to keep the job after it completed; 0 removes it at once. */
  readonly keepCompletedMs: number | null;
  readonly keepFailedMs: number | null;
}

/** An error as kept: enough to understand it years later and to group it with its like. */
export interface StoredError {
  /** Name of the error's class, for example `TypeError`. */
  readonly name: string;
  readonly message: string;
  readonly stack: string | null;
  /** The error's own `code`, where it has one (`ECONNRESET`). */
  readonly code: string | null;
  /** Same for failures that are alike: class, normalised message, top own frame, job name. */
  readonly fingerprint: string;
}

/** Why a job is in `failed` or `cancelled`. */
export const END_CAUSES = [
  'attempts-spent',
  'unrecoverable',
  'invalid-payload',
  'retry-time-over',
  'crashed',
  'discarded',
  'cancelled',
  'expired',
] as const;
export type EndCause = (typeof END_CAUSES)[number];

/** Where a job was when it moved to another queue as a dead letter or by redrive. */
export interface Origin {
  readonly queue: string;
  readonly cause: EndCause | 'redrive';
  readonly movedAt: number;
}

export interface JobRecord {
  readonly queue: string;
  readonly id: string;
  readonly name: string;
  readonly state: JobState;

  readonly body: Bytes;
  readonly contentType: string;
  readonly headers: Headers;
  readonly policy: JobPolicy;

  /** Lower runs first; 0 is the default and the first. */
  readonly priority: number;
  /** Place in the order of its priority: lower first. Kept on every requeue. Negative for `lifo` jobs. */
  readonly rank: number;

  readonly addedAt: number;
  /** When a delayed job is due; null unless delayed. */
  readonly dueAt: number | null;
  /** When it last became ready to be claimed; the age of a backlog counts from here. Null before that. */
  readonly readyAt: number | null;
  /** When the waiting job expires unclaimed (`ttlMs`); null once it was claimed or when there is no limit. */
  readonly expiresAt: number | null;
  /** First claim of this generation. */
  readonly firstClaimedAt: number | null;
  /** Latest claim. */
  readonly claimedAt: number | null;
  readonly finishedAt: number | null;

  /** Raised by redrive: each generation has its own attempts and crashes. */
  readonly generation: number;
  /** Claims ever made. */
  readonly claims: number;
  /** Attempts of this generation that failed. */
  readonly failures: number;
  /** Leases of this generation that ran out. */
  readonly crashes: number;
  /** Token of the latest claim; 0 before the first. */
  readonly token: number;
  /** Session of the worker of the latest claim. */
  readonly worker: string | null;

  readonly progress: Bytes | null;
  readonly result: Bytes | null;
  readonly error: StoredError | null;
  readonly cause: EndCause | null;
  /** Set when somebody asked an active job to stop, or gave a reason for cancelling it. */
  readonly cancelReason: string | null;
  readonly origin: Origin | null;
}

export const ATTEMPT_OUTCOMES = [
  'completed',
  'retried',
  'failed',
  'released',
  'crashed',
  'cancelled',
  'parked',
] as const;
export type AttemptOutcome = (typeof ATTEMPT_OUTCOMES)[number];

/** One run of the processor, kept as a record of its own. */
export interface AttemptRecord {
  /** 1 for the job's first claim; counts on across generations. */
  readonly number: number;
  readonly generation: number;
  readonly token: number;
  readonly worker: string;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly outcome: AttemptOutcome;
  readonly error: StoredError | null;
  /** Wait before the next attempt, when there is one. */
  readonly retryAfterMs: number | null;
  /** W3C trace id of the attempt, when tracing is on. */
  readonly traceId: string | null;
}

export interface LogLine {
  /** 1 for the first line ever logged; lines that were dropped keep their numbers. */
  readonly number: number;
  readonly at: number;
  readonly text: string;
}
