import { LimitExceededError } from '../errors.ts';
import { checkKey, isRecord, nameOf } from '../job/check.ts';
import { type Duration, durationMs } from '../job/duration.ts';
import { MAX_BATCH_BYTES, MAX_BATCH_JOBS, MAX_DELAY_MS } from '../job/limits.ts';
import { anything, checkAgainst, checkOptions, duration, type Rules } from '../job/option-rules.ts';
import { checkJobOptions, type JobOptions, mergeJobOptions, OWN_RULES } from '../job/options.ts';
import { encodeJson, JSON_TYPE } from '../job/payload.ts';
import { Problems } from '../job/problems.ts';
import type { QueuePatch } from '../job/queue-settings.ts';
import type { Headers, JobRecord } from '../job/record.ts';
import { applySchema, schemaFor } from '../job/schema.ts';
import type { AddOutcome, Effect, NewJob, StoreTx } from '../store/store.ts';
import type { Client } from './client.ts';
import { Job, type JobContext } from './job.ts';
import type { ResolvedQueueOptions } from './queue-options.ts';

/** Options of a job, and the caller's transaction to write it in. */
export interface AddOptions extends JobOptions {
  /** Commits or rolls back with the caller's own writes. What it may be is said by the store. */
  readonly tx?: StoreTx;
}

export interface AddBulkOptions {
  readonly tx?: StoreTx;
  /**
   * Spreads their starts evenly over this time: the first is due at once (or after its own delay), the last nearly so much
   * later. For jobs that would otherwise all call the same service at once. Milliseconds or text, at most 366 days.
   *
   * @default 0
   */
  readonly spreadMs?: Duration;
}

/** What the adding of one queue needs. */
export interface Intake {
  readonly queue: string;
  readonly client: Client;
  readonly options: ResolvedQueueOptions;
  /** Settings still to be written; they go along inside a caller's transaction. */
  readonly patch: QueuePatch | null;
  /** Trace headers of the caller; null when nobody traces. */
  readonly headers: Headers | null;
}

/** A job as callers write it. */
export interface Request {
  readonly name: string;
  readonly data: unknown;
  readonly opts?: JobOptions | undefined;
}

const ADD_RULES: Rules = { ...OWN_RULES, tx: anything };
const BULK_RULES: Rules = {
  name: checkKey,
  data: anything,
  opts: (problems, part, value) => checkJobOptions(problems, part, value),
};

export async function addOne(
  intake: Intake,
  name: string,
  data: unknown,
  options: AddOptions | undefined,
): Promise<Job> {
  const problems = new Problems();
  checkKey(problems, 'name', name);
  if (options !== undefined) checkJobOptions(problems, 'options', options, ADD_RULES);
  problems.throwIfAny(() => `job ${nameOf(name)} for queue "${intake.queue}"`);
  const job = prepare(intake, { name, data, opts: options }, null);
  const added = job instanceof Promise ? await job : job;
  const [outcome] = (await write(intake, [added], options?.tx)).jobs;
  return handOut(intake, added, outcome);
}

const MANY_RULES: Rules = { tx: anything, spreadMs: duration({ min: 0, max: MAX_DELAY_MS }) };

/** All of them or, when this throws, none. */
export async function addMany(
  intake: Intake,
  requests: readonly Request[],
  options: AddBulkOptions,
): Promise<Job[]> {
  checkOptions(`addBulk to queue "${intake.queue}"`, options, MANY_RULES);
  checkRequests(intake.queue, requests);
  if (requests.length === 0) return [];
  const prepared = requests.map((request, index) => prepare(intake, request, index));
  const jobs = spreadOver(await allOf(prepared), durationMs(options.spreadMs ?? 0) ?? 0);
  const bytes = jobs.reduce((sum, job) => sum + job.body.byteLength, 0);
  if (bytes > MAX_BATCH_BYTES) throw tooMany(`${bytes} bytes`, `${MAX_BATCH_BYTES} bytes`);
  const outcomes = (await write(intake, jobs, options.tx)).jobs;
  return allOf(jobs.map((job, index) => handOut(intake, job, outcomes[index])));
}

function spreadOver(jobs: readonly NewJob[], spreadMs: number): readonly NewJob[] {
  if (spreadMs === 0) return jobs;
  return jobs.map((job, index) => ({
    ...job,
    delayMs: job.delayMs + Math.floor((index * spreadMs) / jobs.length),
  }));
}

/** Promises cost more than what is done here for a job, so there are none where nothing is waited for. */
async function allOf<T>(values: readonly (T | Promise<T>)[]): Promise<T[]> {
  if (values.some((value) => value instanceof Promise)) return Promise.all(values);
  return values as T[];
}

function checkRequests(queue: string, requests: readonly Request[]): void {
  const problems = new Problems();
  if (!Array.isArray(requests))
    problems.invalid('jobs', `must be an array or a source to iterate over, is ${nameOf(requests)}`);
  else if (requests.length > MAX_BATCH_JOBS)
    throw tooMany(`${requests.length} jobs`, `${MAX_BATCH_JOBS} jobs`);
  else {
    problems.enter('jobs');
    requests.forEach((request, index) => {
      checkRequest(problems, request, index);
    });
    problems.leave();
  }
  problems.throwIfAny(`addBulk to queue "${queue}"`);
}

/** One of a source of jobs, number `index`, checked and made ready. */
export function prepareNext(intake: Intake, request: Request, index: number): NewJob | Promise<NewJob> {
  const problems = new Problems();
  problems.enter('jobs');
  checkRequest(problems, request, index);
  problems.throwIfAny(`addBulk to queue "${intake.queue}"`);
  return prepare(intake, request, index);
}

function checkRequest(problems: Problems, request: unknown, index: number): void {
  if (!isRecord(request)) {
    problems.invalid(index, `must be { name, data, opts }, is ${nameOf(request)}`);
    return;
  }
  problems.enter(index);
  checkAgainst(problems, request, BULK_RULES);
  if (Reflect.get(request, 'name') === undefined) problems.invalid('name', 'is missing');
  problems.leave();
}

function tooMany(given: string, allowed: string): LimitExceededError {
  return new LimitExceededError(
    `addBulk was given ${given}, more than the ${allowed} of one step. Nothing was added. Add them in slices, each of which is all or nothing, or pass what is no array (a generator), which is sliced for you.`,
  );
}

/** `index`: its place in a bulk. A promise only where a schema has to be asked. */
function prepare(
  intake: Intake,
  { name, data, opts }: Request,
  index: number | null,
): NewJob | Promise<NewJob> {
  const { options, queue } = intake;
  const schema = schemaFor(options.schemas, name, 'data');
  const path = index === null ? 'data' : `jobs[${index}].data`;
  const made = (value: unknown): NewJob => makeJob(intake, { name, data: value, opts }, path);
  if (schema === undefined) return made(data);
  return applySchema(schema, data, `data of job "${name}" for queue "${queue}"`, path).then(made);
}

function makeJob(intake: Intake, { name, data, opts }: Request, path: string): NewJob {
  const { options, queue, client } = intake;
  const resolved = opts === undefined ? options.jobDefaults : mergeJobOptions(opts, options.jobDefaults);
  return {
    queue,
    id: resolved.jobId ?? client.makeId(),
    name,
    body: encodeJson(data, path, { maxBytes: options.maxPayloadBytes }),
    contentType: JSON_TYPE,
    headers: intake.headers === null ? resolved.headers : { ...intake.headers, ...resolved.headers },
    policy: resolved.policy,
    priority: resolved.priority,
    lifo: resolved.lifo,
    delayMs: resolved.delayMs,
  };
}

export function write(
  intake: Intake,
  jobs: readonly NewJob[],
  tx: StoreTx | undefined,
): Promise<{ readonly jobs: readonly AddOutcome[] }> {
  const add = { op: 'add', jobs } as const;
  return tx === undefined ? intake.client.apply(add) : writeInside(intake, add, tx);
}

/** The settings go in the same transaction: a write beside it would wait for the caller, who waits for us. */
async function writeInside(
  { client, queue, patch }: Intake,
  add: Effect,
  tx: StoreTx,
): Promise<{ readonly jobs: readonly AddOutcome[] }> {
  const effects: Effect[] = patch === null ? [add] : [{ op: 'configure', queue, patch }, add];
  const answer = (await client.store.apply(effects, { tx })).at(-1);
  return answer?.op === 'add' ? answer : { jobs: [] };
}

/** A duplicate is handed out as the job that is there; nothing of the new one was stored. */
function handOut(intake: Intake, job: NewJob, outcome: AddOutcome | undefined): Job | Promise<Job> {
  const context = contextFor(intake.options, job.name);
  if (outcome?.outcome === 'created') {
    const nowMs = intake.client.clock.now();
    return new Job(intake.client, () => recordOf(job, nowMs), context);
  }
  return handOutStored(intake, job, { ...context, created: false });
}

async function handOutStored({ client }: Intake, job: NewJob, context: JobContext): Promise<Job> {
  const stored = await client.store.job({ queue: job.queue, id: job.id });
  return new Job(client, stored ?? recordOf(job, client.clock.now()), context);
}

/** What jobs of this queue need to know about it. */
export function contextFor(options: ResolvedQueueOptions, name: string): JobContext {
  return {
    maxPayloadBytes: options.maxPayloadBytes,
    dataSchema: schemaFor(options.schemas, name, 'data'),
  };
}

/**
 * The record as it was added, its instants by the clock of this process until `refresh()` reads the store's. Made when
 * somebody asks for it.
 */
function recordOf(job: NewJob, nowMs: number): JobRecord {
  const isDelayed = job.delayMs > 0;
  const dueAt = isDelayed ? nowMs + job.delayMs : null;
  const { ttlMs } = job.policy;
  return {
    queue: job.queue,
    id: job.id,
    name: job.name,
    state: isDelayed ? 'delayed' : 'waiting',
    body: job.body,
    contentType: job.contentType,
    headers: job.headers,
    policy: job.policy,
    priority: job.priority,
    rank: job.lifo ? -1 : 0,
    addedAt: nowMs,
    dueAt,
    readyAt: isDelayed ? null : nowMs,
    expiresAt: ttlMs === null ? null : (dueAt ?? nowMs) + ttlMs,
    firstClaimedAt: null,
    claimedAt: null,
    finishedAt: null,
    generation: 1,
    claims: 0,
    failures: 0,
    crashes: 0,
    token: 0,
    worker: null,
    progress: null,
    result: null,
    error: null,
    cause: null,
    cancelReason: null,
    origin: null,
  };
}
