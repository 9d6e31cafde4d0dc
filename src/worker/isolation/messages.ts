/** What a worker and its child say to each other. Everything here survives the structured clone. */

import type { Bytes, JobRecord } from '../../job/record.ts';
import type { Carried } from './carry-error.ts';

/** Methods of the job that are done by the parent, which holds the lease. */
export type Method =
  | 'assertLease'
  | 'refresh'
  | 'getState'
  | 'getLogs'
  | 'attempts'
  | 'updateProgress'
  | 'updateData'
  | 'log'
  | 'cancel'
  | 'redrive'
  | 'promote'
  | 'changeDelay'
  | 'changePriority'
  | 'remove';

/** What the context of the processor is made of. */
export interface CarriedContext {
  readonly attempt: number;
  readonly lastAttempt: boolean;
  readonly workerId: string;
  readonly deadlineMs: number | null;
}

export interface Run {
  readonly kind: 'run';
  /** Counts up, so that what a run says after its end is not taken for a word of the next. */
  readonly run: number;
  readonly record: JobRecord;
  readonly context: CarriedContext;
  readonly maxPayloadBytes: number;
}

export type Answer =
  | {
      readonly kind: 'answer';
      readonly id: number;
      readonly value: unknown;
      readonly record: JobRecord;
    }
  | { readonly kind: 'answer'; readonly id: number; readonly error: Carried };

export type ToChild =
  | Run
  | { readonly kind: 'abort'; readonly run: number; readonly reason: Carried }
  | Answer
  | { readonly kind: 'end' };

export interface Call {
  readonly kind: 'call';
  readonly id: number;
  readonly run: number;
  readonly method: Method;
  readonly args: readonly unknown[];
}

export type CarriedControl =
  | { readonly to: 'retry'; readonly afterMs: number; readonly error: Carried }
  | { readonly to: 'discarded'; readonly reason: string }
  | { readonly to: 'released'; readonly afterMs: number; readonly why: string };

export type Outcome =
  /** Null for `undefined`. */
  | { readonly how: 'returned'; readonly result: Bytes | null }
  | { readonly how: 'control'; readonly control: CarriedControl }
  | { readonly how: 'threw'; readonly error: Carried }
  /** What it returned is no result that can be kept. */
  | { readonly how: 'refused'; readonly error: Carried };

export type FromChild =
  | { readonly kind: 'ready' }
  | { readonly kind: 'unloadable'; readonly why: string; readonly error: Carried | null }
  | Call
  | {
      readonly kind: 'ended';
      readonly run: number;
      readonly outcome: Outcome;
      /** Of the process, or of the thread's own heap. */
      readonly usedMb: number;
    };

/** What a child is started with. */
export interface ChildStart {
  readonly file: string;
  readonly maxMemoryMb: number | null;
}

/** What a child writes before it ends, by a pipe of its own that needs no turn of the event loop. */
export type LastWords =
  | { readonly kind: 'memory'; readonly usedMb: number }
  | { readonly kind: 'uncaught'; readonly error: Carried };
