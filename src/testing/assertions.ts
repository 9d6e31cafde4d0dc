import { AssertionError } from 'node:assert';
import { inspect } from 'node:util';
import type { JobRef, JobState } from '../job/record.ts';
import type { Store } from '../store/store.ts';
import { readJobs, type TestJob, toTestJob } from './read-jobs.ts';

/** Jobs that a message names at most. */
const SHOWN = 10;

export interface ExpectedJob {
  readonly queue: string;
  readonly name: string;
  /** Part of the data that the job must have; undefined asks for none. */
  readonly data?: unknown;
}

/**
 * Answers the oldest job of that queue and name whose data holds the expected part: objects may have more
 * properties than expected, arrays must have the same length.
 *
 * @throws AssertionError naming the jobs that are there instead.
 */
export async function expectAdded(store: Store, expected: ExpectedJob): Promise<TestJob> {
  const { queue, name, data } = expected;
  const jobs = await readJobs(store, queue);
  const found = jobs.find((job) => job.name === name && (data === undefined || holds(job.data, data)));
  if (found !== undefined) return found;
  const wanted = data === undefined ? `"${name}"` : `"${name}" with ${show(data)}`;
  throw new AssertionError({
    message: `expected queue "${queue}" to have a job ${wanted}; ${whatIsThere(jobs)}`,
    actual: jobs.map((job) => ({ name: job.name, data: job.data })),
    expected: data === undefined ? { name } : { name, data },
    operator: 'expectAdded',
  });
}

/**
 * Answers the job, which must be in that state.
 *
 * @throws AssertionError with the job's error when it has one.
 */
export async function expectState(store: Store, ref: JobRef, state: JobState): Promise<TestJob> {
  const { queue, id } = ref;
  const record = await store.job(ref);
  if (record?.state === state) return toTestJob(record);
  const isThere = record === null ? 'there is no such job' : `it is ${record.state}${reasonOf(record)}`;
  throw new AssertionError({
    message: `expected job "${id}" of queue "${queue}" to be ${state}; ${isThere}`,
    actual: record?.state ?? null,
    expected: state,
    operator: 'expectState',
  });
}

function reasonOf({ error, cause, cancelReason }: Pick<TestJob, 'error' | 'cause' | 'cancelReason'>): string {
  const why = [
    cause === null ? '' : ` (${cause})`,
    cancelReason === null ? '' : `, asked to stop: ${cancelReason}`,
    error === null ? '' : `, last error ${error.name}: ${error.message}`,
  ];
  return why.join('');
}

function whatIsThere(jobs: readonly TestJob[]): string {
  if (jobs.length === 0) return 'it has no jobs';
  const lines = jobs.slice(0, SHOWN).map((job) => `  ${job.name} ${show(job.data)} (${job.state})`);
  const rest = jobs.length > SHOWN ? [`  and ${jobs.length - SHOWN} more`] : [];
  return ['it has:', ...lines, ...rest].join('\n');
}

function show(value: unknown): string {
  return inspect(value, { depth: 4, breakLength: Number.POSITIVE_INFINITY, maxStringLength: 200 });
}

/** Whether `actual` has all of `part`. */
function holds(actual: unknown, part: unknown): boolean {
  if (typeof part !== 'object' || part === null) return Object.is(actual, part);
  if (typeof actual !== 'object' || actual === null || Array.isArray(actual) !== Array.isArray(part))
    return false;
  if (Array.isArray(actual) && Array.isArray(part) && actual.length !== part.length) return false;
  const there: Readonly<Record<string, unknown>> = { ...actual };
  return Object.entries(part).every(
    ([key, value]) => value === undefined || (Object.hasOwn(there, key) && holds(there[key], value)),
  );
}
