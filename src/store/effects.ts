/** The seam, part two: what happens to jobs without settling an attempt, and what each effect answers. */

import type { QueuePatch, QueueSettings } from '../job/queue-settings.ts';
import type { Bytes, Headers, JobPolicy, JobRef, JobState, LeaseRef } from '../job/record.ts';
import type { NewOperation } from './reads.ts';

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
  /**
   * `alone`: nothing else runs in the job's process from here on, so if its lease runs out no neighbour can have been
   * the reason; its timeout counts from here, as it may have waited for that. `false`: it has company again.
   */
  | { readonly op: 'isolate'; readonly job: LeaseRef; readonly alone: boolean }
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
  | 'isolate'
  | 'cancel'
  | 'redrive'
  | 'discard'
  | 'promote'
  | 'reschedule'
  | 'prioritize';
