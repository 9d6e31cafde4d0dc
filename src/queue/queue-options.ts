import type { Connection } from '../connect.ts';
import { checkQueue } from '../job/check.ts';
import { type Duration, type DurationText, durationMs } from '../job/duration.ts';
import { DEFAULT_MAX_PAYLOAD_BYTES, HARD_MAX_PAYLOAD_BYTES, MAX_DURATION_MS } from '../job/limits.ts';
import {
  anything,
  choice,
  duration,
  flag,
  methods,
  orNull,
  queueName,
  type Rule,
  type Rules,
  shape,
  whole,
} from '../job/option-rules.ts';
import {
  ageMs,
  checkDefaultJobOptions,
  DEFAULTS as JOB_DEFAULTS,
  type JobOptions,
  mergeJobOptions,
  type ResolvedJobOptions,
} from '../job/options.ts';
import { Problems } from '../job/problems.ts';
import type { QueuePatch, Retention } from '../job/queue-settings.ts';
import type { Headers } from '../job/record.ts';
import { isStandardSchema, type Schemas } from '../job/schema.ts';
import type { SchemasOf, UntypedJobs } from './types.ts';

/** How long finished jobs of one state are kept. Both bounds hold at once; `null` takes a bound away. */
export interface RetentionOptions {
  /** Seconds, as in BullMQ, or text such as `"7d"`; 0 keeps none. */
  readonly age?: number | DurationText | null;
  /** Newest jobs kept; 0 keeps none. */
  readonly count?: number | null;
}

/**
 * What holds for the queue in every process, kept in the store. What is left out stays as it is there; the
 * defaults named here are those of a new queue.
 */
export interface QueueConfig {
  /** `at-most-once`: a job counts as completed when a worker takes it. @default "at-least-once" */
  readonly delivery?: 'at-least-once' | 'at-most-once';
  /** @default completed and cancelled: 1 day, 10,000 jobs; failed: 30 days */
  readonly retention?: {
    readonly completed?: RetentionOptions;
    readonly failed?: RetentionOptions;
    readonly cancelled?: RetentionOptions;
  };
  /** Crashes of workers that a job survives. @default 3 */
  readonly maxCrashes?: number;
  /** Queue to which dead letters move; `null` keeps them here, as `failed`. @default null */
  readonly deadLetterQueue?: string | null;
  /** The oldest ready job should be younger; status and alerts judge by it. @default "60s" */
  readonly objective?: Duration;
  /** Whether changes are recorded while somebody listens, or always. @default "auto" */
  readonly feed?: 'auto' | 'on';
}

/** Puts the caller's trace context into the headers of each job, for example as `traceparent`. */
export interface Propagation {
  inject(): Headers;
}

export interface QueueOptions<Jobs = UntypedJobs> extends QueueConfig {
  /** URL or open store. @default the environment's `MILLRACE_URL`, else `sqlite:./.millrace/millrace.db` */
  readonly connection?: Connection | undefined;
  /** Hold for every job added here unless it says otherwise. */
  readonly defaultJobOptions?: Omit<JobOptions, 'jobId'>;
  /** Standard Schemas by job name. What a schema makes of the data is what is stored. */
  readonly schemas?: Jobs | SchemasOf<Jobs>;
  /** Largest payload. @default 1 MiB; 64 MiB at most */
  readonly maxPayloadBytes?: number;
  readonly propagation?: Propagation;
  /** A matter of workers. Accepted and not used here, so that both can be given the same options. */
  readonly limiter?: { readonly max: number; readonly duration: number };
}

export interface ResolvedQueueOptions {
  readonly jobDefaults: ResolvedJobOptions;
  readonly schemas: Schemas | undefined;
  readonly maxPayloadBytes: number;
  readonly propagation: Propagation | null;
  /** Null when the options say nothing about the queue itself. */
  readonly patch: QueuePatch | null;
}

const COUNT = whole({ min: 0, max: Number.MAX_SAFE_INTEGER });

const checkAge: Rule = (problems, part, value) => {
  if (ageMs(value) === null) problems.invalid(part, 'must be seconds as a number, or text such as "7d"');
};

const RETENTION = shape({ age: orNull(checkAge), count: orNull(COUNT) });

const CONFIG_RULES: Rules = {
  delivery: choice(['at-least-once', 'at-most-once']),
  retention: shape({ completed: RETENTION, failed: RETENTION, cancelled: RETENTION }),
  maxCrashes: COUNT,
  deadLetterQueue: orNull(queueName),
  objective: duration({ min: 1, max: MAX_DURATION_MS }),
  feed: choice(['auto', 'on']),
};

const checkSchema: Rule = (problems, part, value) => {
  if (!isStandardSchema(value)) problems.invalid(part, 'must be a Standard Schema (zod, valibot, arktype …)');
};

/** A rule for `schemas`, the same for queues and workers. */
export const checkSchemas: Rule = (problems, part, value) => {
  const names = Object.keys(Object(value)).map((name) => [
    name,
    shape({ data: checkSchema, result: checkSchema }),
  ]);
  shape(Object.fromEntries(names))(problems, part, value);
};

const QUEUE_RULES: Rules = {
  connection: anything,
  defaultJobOptions: checkDefaultJobOptions,
  schemas: checkSchemas,
  maxPayloadBytes: whole({ min: 1, max: HARD_MAX_PAYLOAD_BYTES }),
  propagation: methods('inject'),
  limiter: anything,
  ...CONFIG_RULES,
};

/**
 * @throws InvalidOptionError with everything that is wrong with the name and the options.
 */
export function resolveQueueOptions(name: unknown, options: QueueOptions<object>): ResolvedQueueOptions {
  const problems = new Problems();
  checkQueue(problems, 'name', name);
  shape(QUEUE_RULES)(problems, 'options', options);
  problems.throwIfAny(`new Queue(${JSON.stringify(name)})`);
  const patch = patchOf(options);
  return {
    jobDefaults: mergeJobOptions(options.defaultJobOptions ?? {}, JOB_DEFAULTS),
    schemas: options.schemas as Schemas | undefined,
    maxPayloadBytes: options.maxPayloadBytes ?? DEFAULT_MAX_PAYLOAD_BYTES,
    propagation: options.propagation ?? null,
    patch: Object.keys(patch).length === 0 ? null : patch,
  };
}

/**
 * @throws InvalidOptionError with everything that is wrong.
 */
export function resolveConfig(name: string, config: QueueConfig & { readonly paused?: boolean }): QueuePatch {
  const problems = new Problems();
  shape({ ...CONFIG_RULES, paused: flag })(problems, 'config', config);
  problems.throwIfAny(`the configuration of queue "${name}"`);
  return { ...patchOf(config), ...(config.paused !== undefined && { paused: config.paused }) };
}

function patchOf(config: QueueConfig): QueuePatch {
  const { delivery, retention, maxCrashes, deadLetterQueue, objective, feed } = config;
  return {
    ...(delivery !== undefined && { delivery }),
    ...(retention !== undefined && { retention: retentionOf(retention) }),
    ...(maxCrashes !== undefined && { maxCrashes }),
    ...(deadLetterQueue !== undefined && { deadLetterQueue }),
    ...(objective !== undefined && { objectiveMs: durationMs(objective) ?? 0 }),
    ...(feed !== undefined && { feed }),
  };
}

function retentionOf(retention: NonNullable<QueueConfig['retention']>): NonNullable<QueuePatch['retention']> {
  const given = Object.entries(retention).filter(([, bounds]) => bounds !== undefined);
  return Object.fromEntries(given.map(([state, bounds]) => [state, boundsOf(bounds)]));
}

function boundsOf({ age, count }: RetentionOptions): Partial<Retention> {
  return {
    ...(age !== undefined && { ageMs: age === null ? null : ageMs(age) }),
    ...(count !== undefined && { count }),
  };
}
