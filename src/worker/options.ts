import type { Connection } from '../connect.ts';
import type { BackoffStrategies, BackoffStrategy } from '../job/backoff.ts';
import { checkQueue, isRecord } from '../job/check.ts';
import { type Duration, durationMs } from '../job/duration.ts';
import {
  DEFAULT_MAX_PAYLOAD_BYTES,
  HARD_MAX_PAYLOAD_BYTES,
  MAX_BATCH_JOBS,
  MAX_DURATION_MS,
  MAX_LEASE_MS,
} from '../job/limits.ts';
import {
  anything,
  callable,
  checkAgainst,
  choice,
  duration,
  flag,
  key,
  type Rule,
  type Rules,
  shape,
  whole,
} from '../job/option-rules.ts';
import { Problems } from '../job/problems.ts';
import type { Schemas } from '../job/schema.ts';
import { checkSchemas } from '../queue/queue-options.ts';
import type { JobOf, SchemasOf, UntypedJobs } from '../queue/types.ts';
import type { TelemetryHooks } from '../telemetry/hooks.ts';
import {
  checkIsolation,
  checkProcessor,
  ISOLATION_RULES,
  type IsolationOptions,
  type ResolvedIsolation,
  resolveIsolation,
} from './isolation/options.ts';

/** Durations are milliseconds, or text with a unit such as `"500ms"`, `"30s"`, `"1h30m"`. */
export interface WorkerOptions<Jobs = UntypedJobs> {
  /** URL or open store. @default the environment's `MILLRACE_URL`, else `sqlite:./.millrace/millrace.db` */
  readonly connection?: Connection | undefined;
  /** Jobs that run here at once. @default 1 */
  readonly concurrency?: number;
  /**
   * Jobs that are claimed ahead at most, a moment before there is a slot for them, so that many share a round trip.
   * Only while jobs end within milliseconds, and no more than will begin within about 10 ms; what could not begin
   * within 100 ms is handed back without burning an attempt. 0: a job is claimed when its slot is free. @default 1_000
   */
  readonly prefetch?: number;
  /** This worker claims at most `max` jobs in any `duration`. Each worker counts for itself. @default no limit */
  readonly limiter?: { readonly max: number; readonly duration: Duration };
  /**
   * How long a job stays claimed without a sign of life from this worker, which gives one a dozen times in that
   * time. Soon after it another worker may take the job. @default 30_000
   */
  readonly leaseMs?: number;
  /**
   * How long a processor may block the event loop before this worker passes for hung and gives no more signs of life.
   * In a SQLite file those come from a thread of the store's, so that blocking for longer than `leaseMs` loses no job;
   * in memory they come from the event loop itself, and this has no effect. @default '60s'
   */
  readonly maxBlockMs?: Duration;
  /** Name of `leaseMs` in BullMQ. */
  readonly lockDuration?: Duration;
  /** How long `close()` waits for running jobs before it aborts them and hands them back. @default 30_000 */
  readonly closeTimeout?: Duration;
  /** Start at once; with `false` it waits for `run()`. @default true */
  readonly autorun?: boolean;
  /** Strategies for backoffs of a type of your own, by the name of the type. */
  readonly backoffStrategies?: Readonly<Record<string, BackoffStrategy<JobOf<Jobs>>>>;
  /** As in BullMQ: one strategy for all types that have none of their own. */
  readonly settings?: { readonly backoffStrategy?: BackoffStrategy<JobOf<Jobs>> };
  /** Shown with the worker's id in the registry and in attempts. @default the name of the host */
  readonly name?: string;
  /** Standard Schemas by job name: payloads are checked before the processor, results after it. */
  readonly schemas?: Jobs | SchemasOf<Jobs>;
  /** Largest result and progress value. @default 1 MiB; 64 MiB at most */
  readonly maxPayloadBytes?: number;
  /**
   * What becomes of a result that comes after the lease ran out while nobody has taken the job: `lenient` keeps it,
   * `strict` refuses it, and the job runs again. One that comes after another worker has the job is refused either
   * way. @default 'lenient'
   */
  readonly mode?: 'strict' | 'lenient';
  /** Told what the worker does, for logs, metrics and traces. */
  readonly telemetry?: TelemetryHooks;
}

export interface ResolvedWorkerOptions<Jobs = UntypedJobs> {
  readonly concurrency: number;
  readonly prefetch: number;
  readonly limiter: { readonly max: number; readonly durationMs: number } | null;
  readonly leaseMs: number;
  readonly maxBlockMs: number;
  readonly closeTimeoutMs: number;
  readonly autorun: boolean;
  readonly strategies: BackoffStrategies<JobOf<Jobs>>;
  readonly label: string | null;
  readonly schemas: Schemas | undefined;
  readonly maxPayloadBytes: number;
  readonly mode: 'strict' | 'lenient';
  readonly telemetry: TelemetryHooks;
  /** Null: the processor is a function of this process. */
  readonly isolation: ResolvedIsolation | null;
}

const DEFAULTS = Object.freeze({
  concurrency: 1,
  prefetch: 1_000,
  leaseMs: 30_000,
  maxBlockMs: 60_000,
  closeTimeoutMs: 30_000,
  mode: 'lenient',
});

/** One worker fills its slots by one claim, which gives a thousand jobs at most. */
const MAX_CONCURRENCY = 10_000;
/** A shorter lease would be lost to a pause of the garbage collector. */
const LEASE = { min: 100, max: MAX_LEASE_MS };
/** The beacon by which a blocked loop is known comes four times in the shortest. */
const MAX_BLOCK = { min: 1_000, max: MAX_LEASE_MS };
/** Leaves room for the rest of the worker's id, which is bounded. */
const MAX_LABEL = 50;

const checkStrategies: Rule = (problems, part, value) => {
  const rules = isRecord(value) ? Object.fromEntries(Object.keys(value).map((name) => [name, callable])) : {};
  shape(rules)(problems, part, value);
};

const checkLimiter: Rule = (problems, part, value) => {
  const rules = {
    max: whole({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    duration: duration({ min: 1, max: MAX_DURATION_MS }),
  };
  shape(rules)(problems, part, value);
  for (const name of Object.keys(rules)) {
    if (isRecord(value) && Reflect.get(value, name) === undefined)
      problems.invalid(`${part}.${name}`, 'is missing');
  }
};

const checkLabel: Rule = (problems, part, value) => {
  key(problems, part, value);
  if (typeof value === 'string' && value.length > MAX_LABEL) {
    problems.invalid(part, `must have at most ${MAX_LABEL} characters`);
  }
};

const checkConcurrency: Rule = whole({ min: 1, max: MAX_CONCURRENCY });

const RULES: Rules = {
  connection: anything,
  concurrency: checkConcurrency,
  prefetch: whole({ min: 0, max: MAX_BATCH_JOBS }),
  limiter: checkLimiter,
  leaseMs: whole(LEASE),
  lockDuration: duration(LEASE),
  maxBlockMs: duration(MAX_BLOCK),
  closeTimeout: duration(),
  autorun: flag,
  backoffStrategies: checkStrategies,
  settings: shape({ backoffStrategy: callable }),
  name: checkLabel,
  schemas: checkSchemas,
  maxPayloadBytes: whole({ min: 1, max: HARD_MAX_PAYLOAD_BYTES }),
  mode: choice(['strict', 'lenient']),
  telemetry: shape({
    ...{ onClaim: callable, onAttemptStart: callable, onAttemptEnd: callable },
    ...{
      onSettle: callable,
      onBlocked: callable,
      onUpkeep: callable,
      onUnheardError: callable,
    },
    aroundAttempt: callable,
  }),
  ...ISOLATION_RULES,
};

/**
 * @throws InvalidOptionError with everything that is wrong with what the constructor was given.
 */
export function resolveWorkerOptions<Jobs>(
  name: unknown,
  processor: unknown,
  options: WorkerOptions<Jobs> & IsolationOptions,
): ResolvedWorkerOptions<Jobs> {
  const problems = new Problems();
  checkQueue(problems, 'name', name);
  checkProcessor(problems, processor);
  problems.enter('options');
  if (isRecord(options)) checkAll(problems, options, processor);
  else problems.invalid(null, 'must be an object');
  problems.leave();
  problems.throwIfAny(`new Worker(${JSON.stringify(name)})`);
  return { ...resolved(options), isolation: resolveIsolation(processor, options) };
}

function checkAll(problems: Problems, options: object, processor: unknown): void {
  checkAgainst(problems, options, RULES);
  checkIsolation(problems, processor, options);
  const { leaseMs, lockDuration } = options as WorkerOptions;
  if (leaseMs !== undefined && lockDuration !== undefined) {
    problems.invalid('lockDuration', 'is another name of leaseMs: give one of them');
  }
}

function resolved<Jobs>(options: WorkerOptions<Jobs>): Omit<ResolvedWorkerOptions<Jobs>, 'isolation'> {
  const { limiter, settings, lockDuration } = options;
  return {
    concurrency: options.concurrency ?? DEFAULTS.concurrency,
    prefetch: options.prefetch ?? DEFAULTS.prefetch,
    limiter:
      limiter === undefined ? null : { max: limiter.max, durationMs: durationMs(limiter.duration) ?? 0 },
    leaseMs: options.leaseMs ?? durationMs(lockDuration) ?? DEFAULTS.leaseMs,
    maxBlockMs: durationMs(options.maxBlockMs) ?? DEFAULTS.maxBlockMs,
    closeTimeoutMs: durationMs(options.closeTimeout) ?? DEFAULTS.closeTimeoutMs,
    autorun: options.autorun ?? true,
    strategies: { named: options.backoffStrategies ?? {}, general: settings?.backoffStrategy ?? null },
    label: options.name ?? null,
    schemas: options.schemas as Schemas | undefined,
    maxPayloadBytes: options.maxPayloadBytes ?? DEFAULT_MAX_PAYLOAD_BYTES,
    mode: options.mode ?? DEFAULTS.mode,
    telemetry: options.telemetry ?? {},
  };
}

/** @throws InvalidOptionError */
export function checkedConcurrency(value: number): number {
  const problems = new Problems();
  checkConcurrency(problems, 'concurrency', value);
  problems.throwIfAny('the concurrency of the worker');
  return value;
}
