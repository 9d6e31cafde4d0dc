/** Options of a job as people give them, and what they mean: the parts of a `NewJob` that are decided by them. */

import { isRecord, nameOf } from './check.ts';
import { checkHeaders } from './check-policy.ts';
import { type Duration, type DurationText, durationMs } from './duration.ts';
import { MAX_ATTEMPTS, MAX_DELAY_MS, MAX_DURATION_MS, MAX_PRIORITY } from './limits.ts';
import {
  between,
  checkAgainst,
  duration,
  flag,
  key,
  queueName,
  type Rule,
  type Rules,
  whole,
} from './option-rules.ts';
import { KEEP_FOR_EVER_MS } from './options-of.ts';
import { Problems } from './problems.ts';
import type { Backoff, Headers, JobPolicy } from './record.ts';
import { suggest } from './suggest.ts';

/** Wait before the next attempt. `type` may name a strategy that the worker was given. */
export interface BackoffOptions {
  /** `fixed`, `exponential`, or the name of one of the worker's `backoffStrategies`. */
  readonly type: 'fixed' | 'exponential' | (string & {});
  /** The wait, or with `exponential` the first one. Milliseconds or text such as `"2s"`. @default 0 */
  readonly delay?: Duration;
  /** `exponential` only: each wait is this many times the one before. @default 2 */
  readonly factor?: number;
  /** `exponential` only: no wait is computed longer than this. @default 1 hour, or `delay` if that is longer */
  readonly max?: Duration;
  /** 0 waits exactly, 1 anything between nothing and the full wait. @default 0.5 for `exponential`, else 0 */
  readonly jitter?: number;
}

/** How long to keep a finished job: `age` in seconds, as in BullMQ, or text such as `"7d"`. */
export interface KeepOptions {
  readonly age: number | DurationText;
}

/** Durations are milliseconds, or text with a unit such as `"500ms"`, `"30s"`, `"1h30m"`. */
export interface JobOptions {
  /** Own id, unique within the queue: adding it again makes no second job. @default a UUIDv7 */
  readonly jobId?: string;
  /** Time before the job may run. @default 0 */
  readonly delay?: Duration;
  /** 0 to 2,097,151; lower runs first. @default 0 */
  readonly priority?: number;
  /** Go before the jobs of the same priority that wait already. @default false */
  readonly lifo?: boolean;
  /** Attempts, the first included, before the job becomes a dead letter. @default 1 */
  readonly attempts?: number;
  /** Wait before the next attempt; a number means `fixed`, 0 at once. @default exponential from 1 s, with jitter */
  readonly backoff?: number | BackoffOptions;
  /** No retry starts later than this after the first attempt began. @default no limit */
  readonly retryFor?: Duration;
  /** Longest run of one attempt; after it the processor's signal aborts and the attempt has failed. @default no limit */
  readonly timeout?: Duration;
  /** A job not started within this after it became due is cancelled, cause `expired`. @default no limit */
  readonly ttl?: Duration;
  /** Queue to which the job moves when it would become a dead letter. @default the queue's own rule */
  readonly deadLetterQueue?: string;
  /** `true`: not kept; `{ age }`: kept for so long; `false`: kept until discarded. @default the queue's retention */
  readonly removeOnComplete?: boolean | KeepOptions;
  /** The same for a dead letter. @default the queue's retention */
  readonly removeOnFail?: boolean | KeepOptions;
  /** At most 20 short values that ride along, for example a `traceparent`. @default {} */
  readonly headers?: Headers;
}

/** What the options come to. */
export interface ResolvedJobOptions {
  readonly jobId: string | null;
  readonly delayMs: number;
  readonly priority: number;
  readonly lifo: boolean;
  readonly headers: Headers;
  readonly policy: JobPolicy;
}

/** What a job without any options has. */
export const DEFAULTS: ResolvedJobOptions = Object.freeze({
  jobId: null,
  delayMs: 0,
  priority: 0,
  lifo: false,
  headers: Object.freeze({}),
  policy: Object.freeze({
    attempts: 1,
    backoff: null,
    retryForMs: null,
    timeoutMs: null,
    ttlMs: null,
    deadLetterQueue: null,
    keepCompletedMs: null,
    keepFailedMs: null,
  }),
});

const DEFAULT_BACKOFF: { readonly factor: number; readonly maxMs: number; readonly jitter: number } =
  Object.freeze({ factor: 2, maxMs: 3_600_000, jitter: 0.5 });

const DELAY = { min: 0, max: MAX_DELAY_MS };
const BACKOFF_TYPES = ['fixed', 'exponential'];
const MAX_FACTOR = 1_000;

const BACKOFF_RULES: Rules = {
  type: key,
  delay: duration(DELAY),
  factor: between({ min: 1, max: MAX_FACTOR }),
  max: duration(DELAY),
  jitter: between({ min: 0, max: 1 }),
};

const checkBackoff: Rule = (problems, part, value) => {
  if (!isRecord(value)) {
    if (typeof value === 'number') duration(DELAY)(problems, part, value);
    else problems.invalid(part, `must be milliseconds, or { type, delay }; is ${nameOf(value)}`);
    return;
  }
  problems.enter(part);
  checkAgainst(problems, value, BACKOFF_RULES);
  const { type, delay, max } = value as Partial<BackoffOptions>;
  if (type === undefined) problems.invalid('type', 'is missing: "fixed", "exponential" or a strategy');
  else if (typeof type === 'string') checkBackoffType(problems, type);
  if (type !== 'exponential') checkExponentialOnly(problems, value as Partial<BackoffOptions>);
  checkCap(problems, durationMs(delay ?? 0), max === undefined ? null : durationMs(max));
  problems.leave();
};

/** Any name may be a strategy of the worker; one that is nearly a built-in type is a slip. */
function checkBackoffType(problems: Problems, type: string): void {
  if (BACKOFF_TYPES.includes(type)) return;
  const meant = suggest(type, BACKOFF_TYPES);
  if (meant !== null) problems.invalid('type', `is "${type}". Did you mean "${meant}"?`);
}

function checkExponentialOnly(problems: Problems, backoff: Partial<BackoffOptions>): void {
  for (const name of ['factor', 'max'] as const) {
    if (backoff[name] !== undefined) problems.invalid(name, 'has a meaning with type "exponential" only');
  }
}

function checkCap(problems: Problems, delayMs: number | null, maxMs: number | null): void {
  if (delayMs === null || maxMs === null || maxMs >= delayMs) return;
  problems.invalid('max', `must not be shorter than the first wait, delay (${delayMs} ms)`);
}

const checkKeep: Rule = (problems, part, value) => {
  if (typeof value === 'boolean') return;
  if (typeof value === 'number' || (isRecord(value) && 'count' in value)) {
    problems.invalid(part, COUNT_ADVICE);
    return;
  }
  const age: unknown = isRecord(value) ? Reflect.get(value, 'age') : undefined;
  if (!isRecord(value) || ageMs(age) === null) {
    problems.invalid(part, `must be true, false or { age: seconds or "7d" }; is ${nameOf(value)}`);
    return;
  }
  problems.enter(part);
  checkAgainst(problems, value, { age: () => {} });
  problems.leave();
};

const COUNT_ADVICE =
  'a count is a matter of the whole queue, not of one job. Set it there: ' +
  'new Queue(name, { retention: { completed: { count } } }), and give the job true, false or { age }';

/** Seconds as a number, or text with its unit; null when it is neither. */
export function ageMs(age: unknown): number | null {
  const ms = typeof age === 'number' ? durationMs(age * 1_000) : durationMs(age);
  return ms === null || ms > MAX_DURATION_MS ? null : ms;
}

const SHARED_RULES: Rules = {
  delay: duration(DELAY),
  priority: whole({ min: 0, max: MAX_PRIORITY }),
  lifo: flag,
  attempts: whole({ min: 1, max: MAX_ATTEMPTS }),
  backoff: checkBackoff,
  retryFor: duration(),
  timeout: duration({ min: 1, max: MAX_DURATION_MS }),
  ttl: duration({ min: 1, max: MAX_DURATION_MS }),
  deadLetterQueue: queueName,
  removeOnComplete: checkKeep,
  removeOnFail: checkKeep,
  headers: (problems, part, value) => checkHeaders(problems, part, value as Headers),
};

export const OWN_RULES: Rules = { jobId: key, ...SHARED_RULES };

/** A rule for options that hold for every job of a queue: all but the job's own id. */
export const checkDefaultJobOptions: Rule = (problems, part, value) => {
  checkJobOptions(problems, part, value, SHARED_RULES);
};

/** Tells `problems` all that is wrong with one job's options. */
export function checkJobOptions(
  problems: Problems,
  part: string,
  options: unknown,
  rules: Rules = OWN_RULES,
): void {
  if (!isRecord(options)) {
    problems.invalid(part, `must be an object, is ${nameOf(options)}`);
    return;
  }
  problems.enter(part);
  checkAgainst(problems, options, rules);
  problems.leave();
}

/**
 * The options resolved against those of the queue, which they override one by one; headers are joined.
 *
 * @throws InvalidOptionError with every problem of the options.
 */
export function resolveJobOptions(
  subject: string,
  options: JobOptions | undefined,
  defaults: ResolvedJobOptions = DEFAULTS,
): ResolvedJobOptions {
  if (options === undefined) return defaults;
  const problems = new Problems();
  checkJobOptions(problems, 'options', options);
  problems.throwIfAny(subject);
  return mergeJobOptions(options, defaults);
}

/** For options that were checked. */
export function mergeJobOptions(options: JobOptions, defaults: ResolvedJobOptions): ResolvedJobOptions {
  const { policy } = defaults;
  const attempts = options.attempts ?? policy.attempts;
  return {
    jobId: options.jobId ?? null,
    delayMs: ms(options.delay) ?? defaults.delayMs,
    priority: options.priority ?? defaults.priority,
    lifo: options.lifo ?? defaults.lifo,
    headers: options.headers === undefined ? defaults.headers : { ...defaults.headers, ...options.headers },
    policy: {
      attempts,
      backoff:
        options.backoff === undefined
          ? (policy.backoff ?? unasked(attempts))
          : resolveBackoff(options.backoff),
      retryForMs: ms(options.retryFor) ?? policy.retryForMs,
      timeoutMs: ms(options.timeout) ?? policy.timeoutMs,
      ttlMs: ms(options.ttl) ?? policy.ttlMs,
      deadLetterQueue: options.deadLetterQueue ?? policy.deadLetterQueue,
      keepCompletedMs: keepMs(options.removeOnComplete) ?? policy.keepCompletedMs,
      keepFailedMs: keepMs(options.removeOnFail) ?? policy.keepFailedMs,
    },
  };
}

function ms(value: Duration | undefined): number | null {
  return value === undefined ? null : durationMs(value);
}

function keepMs(keep: boolean | KeepOptions | undefined): number | null {
  if (keep === undefined) return null;
  if (typeof keep === 'boolean') return keep ? 0 : KEEP_FOR_EVER_MS;
  return ageMs(keep.age);
}

/** Retries wait also when nobody said how long: at once would be a hot loop against whatever is failing. */
function unasked(attempts: number): Backoff | null {
  return attempts > 1 ? resolveBackoff({ type: 'exponential', delay: 1_000 }) : null;
}

function resolveBackoff(backoff: number | BackoffOptions): Backoff {
  if (typeof backoff === 'number') return { type: 'fixed', delayMs: Math.round(backoff), jitter: 0 };
  const delayMs = ms(backoff.delay) ?? 0;
  if (backoff.type === 'fixed') return { type: 'fixed', delayMs, jitter: backoff.jitter ?? 0 };
  if (backoff.type !== 'exponential') return { type: 'custom', name: backoff.type, delayMs };
  return {
    type: 'exponential',
    delayMs,
    factor: backoff.factor ?? DEFAULT_BACKOFF.factor,
    maxMs: ms(backoff.max) ?? Math.max(DEFAULT_BACKOFF.maxMs, delayMs),
    jitter: backoff.jitter ?? DEFAULT_BACKOFF.jitter,
  };
}
