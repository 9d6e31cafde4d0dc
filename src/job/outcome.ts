/**
 * What an attempt becomes. All the rules are here, and nothing but rules: no store, no clock, no chance but the
 * one handed in. The store only does the move that is decided here.
 */

import {
  ProcessorCrashedError,
  ProcessorMemoryError,
  SchemaMismatchError,
  UnrecoverableError,
} from '../errors.ts';
import { backoffMs, type Fractions } from './backoff.ts';
import type { Control } from './control.ts';
import { classOf, toStoredError } from './fingerprint.ts';
import { MAX_REASON_BYTES } from './limits.ts';
import type { Bytes, EndCause, JobRecord, StoredError } from './record.ts';
import { storableText } from './storable-text.ts';

/**
 * How the processor's run ended. Once the attempt was told to stop (timeout, cancel, shutdown), that decides and
 * not what the processor did then: one that stops half-way by returning must not pass as completed.
 */
export type AttemptEnd =
  | { readonly how: 'returned'; readonly result: Bytes | null }
  | { readonly how: 'control'; readonly control: Control }
  | { readonly how: 'threw'; readonly error: unknown }
  /** Payload or result do not pass the checks of this side: running it again would end the same way. */
  | { readonly how: 'refused'; readonly error: unknown }
  | { readonly how: 'timed-out'; readonly error: Error }
  | { readonly how: 'cancelled'; readonly reason: string }
  | { readonly how: 'shutdown'; readonly why: string };

export interface EndedAttempt {
  /** The record as claimed: `failures` does not count this attempt. */
  readonly job: Pick<JobRecord, 'name' | 'policy' | 'failures'>;
  readonly end: AttemptEnd;
  /** From the first claim of this generation to the end of this attempt. */
  readonly elapsedMs: number;
  /** What the strategy of a custom backoff said; null when it was not asked. */
  readonly strategyMs: number | 'give-up' | null;
  readonly random: Fractions;
}

/** A part of the seam's `Next`. */
export type Decision =
  | { readonly to: 'completed'; readonly result: Bytes | null }
  | { readonly to: 'failed'; readonly error: StoredError; readonly cause: EndCause }
  | { readonly to: 'retry'; readonly afterMs: number; readonly error: StoredError }
  | { readonly to: 'released'; readonly afterMs: number; readonly why: string }
  | { readonly to: 'cancelled'; readonly reason: string; readonly cause: 'cancelled' | 'discarded' };

export function decideNext(ended: EndedAttempt): Decision {
  const { end } = ended;
  switch (end.how) {
    case 'returned':
      return { to: 'completed', result: end.result };
    case 'cancelled':
      return { to: 'cancelled', reason: reasonText(end.reason), cause: 'cancelled' };
    case 'shutdown':
      return { to: 'released', afterMs: 0, why: reasonText(end.why) };
    case 'control':
      return decideControl(ended, end.control);
    case 'refused':
    case 'threw':
    case 'timed-out':
      return decideFailure(ended, end.error, null);
    default:
      return end satisfies never;
  }
}

/**
 * Why this failure is the job's last, as far as that is known before the wait is; null when another attempt may
 * follow, and for ends that are no failure. A custom strategy is asked only when this is null.
 */
export function finalCause(ended: Omit<EndedAttempt, 'strategyMs' | 'random'>): EndCause | null {
  const { end, job } = ended;
  if (failureOf(end) === null) return null;
  if (end.how === 'refused') return 'invalid-payload';
  if (end.how === 'threw' && end.error instanceof SchemaMismatchError) return 'invalid-payload';
  if (end.how === 'threw' && isUnrecoverable(end.error)) return 'unrecoverable';
  if (job.failures + 1 >= job.policy.attempts) return isCrash(end) ? 'crashed' : 'attempts-spent';
  return isOver(ended, 0) ? 'retry-time-over' : null;
}

/** The error of an end that counts as a failed attempt, wrapped so that `undefined` can be thrown too. */
export function failureOf(end: AttemptEnd): { readonly error: unknown } | null {
  if (end.how === 'threw' || end.how === 'refused' || end.how === 'timed-out') return { error: end.error };
  return end.how === 'control' && end.control.to === 'retry' ? { error: end.control.error } : null;
}

function decideControl(ended: EndedAttempt, control: Control): Decision {
  switch (control.to) {
    case 'retry':
      return decideFailure(ended, control.error, control.afterMs);
    case 'discarded':
      return { to: 'cancelled', reason: control.reason, cause: 'discarded' };
    case 'released':
      return { to: 'released', afterMs: control.afterMs, why: control.why };
    default:
      return control satisfies never;
  }
}

function decideFailure(ended: EndedAttempt, thrown: unknown, askedMs: number | null): Decision {
  const error = toStoredError(thrown, ended.job.name);
  const cause = finalCause(ended);
  if (cause !== null) return { to: 'failed', error, cause };
  const afterMs = askedMs ?? waitMs(ended);
  if (afterMs === 'give-up') return { to: 'failed', error, cause: 'unrecoverable' };
  if (isOver(ended, afterMs)) return { to: 'failed', error, cause: 'retry-time-over' };
  return { to: 'retry', afterMs, error };
}

function waitMs({ job, strategyMs, random }: EndedAttempt): number | 'give-up' {
  return strategyMs ?? backoffMs(job.policy.backoff, job.failures + 1, random);
}

/** An attempt that would start after the time is up is not waited for: the job fails now, when it is known. */
function isOver({ job, elapsedMs }: Pick<EndedAttempt, 'job' | 'elapsedMs'>, afterMs: number): boolean {
  return job.policy.retryForMs !== null && elapsedMs + afterMs > job.policy.retryForMs;
}

/** The attempt did not end, the process or thread that it had for itself did. */
function isCrash(end: AttemptEnd): boolean {
  if (end.how !== 'threw') return false;
  return end.error instanceof ProcessorCrashedError || end.error instanceof ProcessorMemoryError;
}

/** Also by name: processors written for other queues, and other copies of this package, have their own class. */
function isUnrecoverable(error: unknown): boolean {
  return error instanceof UnrecoverableError || classOf(error) === 'UnrecoverableError';
}

function reasonText(reason: string): string {
  return storableText(reason, MAX_REASON_BYTES);
}
