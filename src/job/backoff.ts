/** How long a job waits between a failed attempt and the next one. */

import { InvalidOptionError } from '../errors.ts';
import { MAX_DELAY_MS } from './limits.ts';
import type { Backoff } from './record.ts';

/** Where chance comes from: evenly from [0, 1). */
export interface Fractions {
  fraction(): number;
}

/**
 * A strategy of the worker's own for backoffs of a custom type: answers the wait in milliseconds, or -1 for "no
 * further attempt". `failures` counts the attempt that has just failed, `type` is the name the job asked for.
 */
export type BackoffStrategy<Job = unknown> = (
  failures: number,
  type: string,
  error: Error,
  job: Job,
) => number | Promise<number>;

/** Strategies by the type they serve, and one for every type that has none of its own. */
export interface BackoffStrategies<Job = unknown> {
  readonly named: Readonly<Record<string, BackoffStrategy<Job>>>;
  readonly general: BackoffStrategy<Job> | null;
}

export type CustomBackoff = Extract<Backoff, { readonly type: 'custom' }>;

/**
 * Milliseconds to wait after the attempt that made it `failures` failed ones (1 or more). Without a backoff there
 * is no wait. A custom backoff gives the delay that came with it: its strategy is asked by `customBackoffMs`.
 */
export function backoffMs(backoff: Backoff | null, failures: number, random: Fractions): number {
  if (backoff === null) return 0;
  if (backoff.type === 'custom') return backoff.delayMs;
  const fullMs = backoff.type === 'fixed' ? backoff.delayMs : grown(backoff, failures);
  // Drawn evenly from [full · (1 − jitter), full], so that jobs that failed together do not come back together.
  const drawnMs = backoff.jitter === 0 ? fullMs : fullMs * (1 - backoff.jitter * random.fraction());
  return Math.min(Math.round(drawnMs), MAX_DELAY_MS);
}

/** The power overflows to Infinity long before a million attempts; the cap brings it back. */
function grown(backoff: Extract<Backoff, { readonly type: 'exponential' }>, failures: number): number {
  if (backoff.delayMs === 0) return 0;
  return Math.min(backoff.delayMs * backoff.factor ** (failures - 1), backoff.maxMs);
}

/**
 * Asks the strategy that the backoff names. `give-up` when it wants no further attempt.
 *
 * @throws InvalidOptionError when the worker has no such strategy or its answer is no delay; whatever the strategy
 * throws.
 */
export async function customBackoffMs<Job>(
  strategies: BackoffStrategies<Job>,
  backoff: CustomBackoff,
  failure: { readonly failures: number; readonly error: Error; readonly job: Job },
): Promise<number | 'give-up'> {
  const named = Object.hasOwn(strategies.named, backoff.name) ? strategies.named[backoff.name] : undefined;
  const strategy = named ?? strategies.general;
  if (strategy === null) throw unknownStrategy(backoff.name, Object.keys(strategies.named));
  const ms = await strategy(failure.failures, backoff.name, failure.error, failure.job);
  if (ms === -1) return 'give-up';
  if (typeof ms === 'number' && ms >= 0) return Math.min(Math.ceil(ms), MAX_DELAY_MS);
  throw new InvalidOptionError(`the answer of backoff strategy "${backoff.name}"`, [
    { path: 'delay', message: `must be milliseconds, or -1 for no further attempt; is ${String(ms)}` },
  ]);
}

function unknownStrategy(name: string, known: readonly string[]): InvalidOptionError {
  const advice = known.length === 0 ? 'it has none' : `it has ${known.join(', ')}`;
  return new InvalidOptionError('backoff', [
    {
      path: 'backoff.type',
      message: `"${name}" is not a strategy of this worker (${advice}); give it in \`backoffStrategies\``,
    },
  ]);
}
