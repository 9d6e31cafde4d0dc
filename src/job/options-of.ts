/** The way back from a record to options. Apart from their checks, which a child that runs jobs has no use for. */

import { MAX_DURATION_MS } from './limits.ts';
import type { BackoffOptions, JobOptions, KeepOptions } from './options.ts';
import type { Backoff, JobRecord } from './record.ts';

/** `removeOnComplete: false`: for longer than anything lasts. */
export const KEEP_FOR_EVER_MS: number = MAX_DURATION_MS;

/** The options that a stored job was given, read back from its record. */
export function optionsOf(record: JobRecord): JobOptions {
  const { policy } = record;
  const { retryForMs, timeoutMs, ttlMs, deadLetterQueue, keepCompletedMs, keepFailedMs } = policy;
  return {
    jobId: record.id,
    attempts: policy.attempts,
    priority: record.priority,
    delay: record.dueAt === null ? 0 : Math.max(0, record.dueAt - record.addedAt),
    lifo: record.rank < 0,
    headers: record.headers,
    ...(policy.backoff !== null && { backoff: backoffOptions(policy.backoff) }),
    ...(retryForMs !== null && { retryFor: retryForMs }),
    ...(timeoutMs !== null && { timeout: timeoutMs }),
    ...(ttlMs !== null && { ttl: ttlMs }),
    ...(deadLetterQueue !== null && { deadLetterQueue }),
    ...(keepCompletedMs !== null && { removeOnComplete: keepOptions(keepCompletedMs) }),
    ...(keepFailedMs !== null && { removeOnFail: keepOptions(keepFailedMs) }),
  };
}

function backoffOptions(backoff: Backoff): BackoffOptions {
  const { delayMs: delay } = backoff;
  if (backoff.type === 'custom') return { type: backoff.name, delay };
  if (backoff.type === 'fixed') return { type: 'fixed', delay, jitter: backoff.jitter };
  return { type: 'exponential', delay, factor: backoff.factor, max: backoff.maxMs, jitter: backoff.jitter };
}

function keepOptions(keepMs: number): boolean | KeepOptions {
  if (keepMs === 0) return true;
  return keepMs >= KEEP_FOR_EVER_MS ? false : { age: keepMs / 1_000 };
}
