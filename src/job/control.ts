/**
 * The values a processor returns to end its attempt in another way than by success or error. Values and not
 * exceptions, so that no `catch` on the way swallows them.
 */

import { InvalidOptionError, RetryRequestedError } from '../errors.ts';
import { MAX_DELAY_MS, MAX_REASON_BYTES } from './limits.ts';
import { storableText } from './storable-text.ts';

/** From the registry of symbols, so that two copies of this package know each other's values. */
const CONTROL: unique symbol = Symbol.for('millrace.control') as never;

export type Control =
  | { readonly [CONTROL]: true; readonly to: 'retry'; readonly afterMs: number; readonly error: Error }
  | { readonly [CONTROL]: true; readonly to: 'discarded'; readonly reason: string }
  | { readonly [CONTROL]: true; readonly to: 'released'; readonly afterMs: number; readonly why: string };

/**
 * `return retryIn(ms)`: this attempt failed, run the job again after `ms` milliseconds, whatever its backoff says.
 * Counts as a failed attempt: without one left, the job becomes a dead letter. The reason is kept as the attempt's error.
 *
 * @throws InvalidOptionError when `ms` is not a number from 0 to 366 days.
 */
export function retryIn(ms: number, reason?: Error | string): Control {
  const afterMs = checkMs('retryIn', ms);
  return Object.freeze({
    [CONTROL]: true as const,
    to: 'retry' as const,
    afterMs,
    error: asReason(afterMs, reason),
  });
}

function asReason(afterMs: number, reason: Error | string | undefined): Error {
  if (reason instanceof Error) return reason;
  const error = new RetryRequestedError(reason ?? `the processor asked to be run again in ${afterMs} ms`);
  // The frame of interest is the one that called retryIn: failures are grouped by it.
  Error.captureStackTrace(error, retryIn);
  return error;
}

/** `return discard(reason)`: nobody needs this job any more. It ends as `cancelled`, cause `discarded`. */
export function discard(reason = 'discarded by its processor'): Control {
  const kept = storableText(String(reason), MAX_REASON_BYTES);
  return Object.freeze({ [CONTROL]: true as const, to: 'discarded' as const, reason: kept });
}

/**
 * `return release()`: hand the job back without burning an attempt, to run again at once or after `afterMs`
 * milliseconds, here or elsewhere. `why` is kept with the attempt. Nothing bounds how often a job is released.
 *
 * @throws InvalidOptionError when `afterMs` is not a number from 0 to 366 days.
 */
export function release(options: { readonly afterMs?: number; readonly why?: string } = {}): Control {
  const why = storableText(String(options.why ?? 'released by its processor'), MAX_REASON_BYTES);
  const afterMs = checkMs('release', options.afterMs ?? 0);
  return Object.freeze({ [CONTROL]: true as const, to: 'released' as const, afterMs, why });
}

/** Whether a processor's answer is one of the above rather than its result. */
export function isControl(value: unknown): value is Control {
  return typeof value === 'object' && value !== null && (value as Partial<Control>)[CONTROL] === true;
}

/** Stores take whole milliseconds; rounding up keeps the promise of "not before". */
function checkMs(verb: string, ms: number): number {
  if (typeof ms === 'number' && ms >= 0 && ms <= MAX_DELAY_MS) return Math.ceil(ms);
  throw new InvalidOptionError(verb, [
    {
      path: verb === 'retryIn' ? 'ms' : 'afterMs',
      message: `must be from 0 to ${MAX_DELAY_MS} ms, is ${ms}`,
    },
  ]);
}
