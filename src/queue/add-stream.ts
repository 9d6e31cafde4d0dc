import { BulkStoppedError } from '../errors.ts';
import { MAX_BATCH_JOBS } from '../job/limits.ts';
import { anything, callable, checkOptions, type Rule, type Rules, whole } from '../job/option-rules.ts';
import type { NewJob, StoreTx } from '../store/store.ts';
import { type Intake, prepareNext, type Request, write } from './add.ts';

/** How far an `addBulk` from a source has come. */
export interface BulkProgress {
  readonly added: number;
  /** Were there already, by their `jobId`; nothing of them was stored. */
  readonly duplicates: number;
}

/** Options of an `addBulk` that takes its jobs from a source. */
export interface AddStreamOptions {
  /** Commits or rolls back with the caller's own writes. What it may be is said by the store. */
  readonly tx?: StoreTx;
  /**
   * Jobs of one step, which is all or nothing. From 1 to 1,000; a step ends earlier when it has 4 MiB of payloads.
   *
   * @default 500
   */
  readonly sliceSize?: number;
  /** Told after each step that was acknowledged. */
  readonly onProgress?: (progress: BulkProgress) => void;
  /** Looked at before each job: once it has fired nothing more is read, and what was read last is not added. */
  readonly signal?: AbortSignal;
}

export type JobSource<T> = AsyncIterable<T> | Iterable<T>;

const SLICE_JOBS = 500;
const SLICE_BYTES = 4 * 1024 * 1024;

const notForSources: Rule = (problems, part) =>
  problems.invalid(
    part,
    'is for an array: of a source nobody knows how many jobs it has. Give each its own delay',
  );
const RULES: Rules = {
  tx: anything,
  sliceSize: whole({ min: 1, max: MAX_BATCH_JOBS }),
  onProgress: callable,
  signal: anything,
  spreadMs: notForSources,
};

/** An array is no source: it is added in one step. */
export function isSource(jobs: unknown): jobs is JobSource<Request> {
  if (typeof jobs !== 'object' || jobs === null || Array.isArray(jobs)) return false;
  return Symbol.asyncIterator in jobs || Symbol.iterator in jobs;
}

/**
 * Adds what a source gives, in its order, a slice a step. While one slice is written the next is read, and no further: two
 * are in memory at most, however much there is.
 */
export async function addStream(
  intake: Intake,
  source: JobSource<Request>,
  options: AddStreamOptions,
): Promise<BulkProgress> {
  checkOptions(`addBulk to queue "${intake.queue}"`, options, RULES);
  const writer = new SliceWriter(intake, options);
  try {
    for await (const slice of slicesOf(intake, source, options)) await writer.write(slice);
    await writer.written();
  } catch (cause) {
    await writer.written().catch(() => {});
    throw new BulkStoppedError(intake.queue, writer.progress, cause);
  }
  return writer.progress;
}

async function* slicesOf(
  intake: Intake,
  source: JobSource<Request>,
  { sliceSize = SLICE_JOBS, signal }: AddStreamOptions,
): AsyncGenerator<readonly NewJob[]> {
  let slice: NewJob[] = [];
  let bytes = 0;
  let index = 0;
  signal?.throwIfAborted();
  for await (const request of source) {
    signal?.throwIfAborted();
    const job = await prepareNext(intake, request, index++);
    const size = job.body.byteLength;
    if (slice.length === sliceSize || (slice.length > 0 && bytes + size > SLICE_BYTES)) {
      yield slice;
      [slice, bytes] = [[], 0];
    }
    slice.push(job);
    bytes += size;
  }
  if (slice.length > 0) yield slice;
}

/** One slice is on its way at most. */
class SliceWriter {
  readonly #options: AddStreamOptions;
  #intake: Intake;
  #writing: Promise<void> = Promise.resolve();
  progress: BulkProgress = { added: 0, duplicates: 0 };

  constructor(intake: Intake, options: AddStreamOptions) {
    this.#intake = intake;
    this.#options = options;
  }

  async write(jobs: readonly NewJob[]): Promise<void> {
    await this.#writing;
    this.#options.signal?.throwIfAborted();
    this.#writing = this.#send(jobs);
    // Whoever waits for it next is told.
    this.#writing.catch(() => {});
  }

  written(): Promise<void> {
    return this.#writing;
  }

  async #send(jobs: readonly NewJob[]): Promise<void> {
    const outcomes = (await write(this.#intake, jobs, this.#options.tx)).jobs;
    // The settings of the queue went with the first.
    this.#intake = { ...this.#intake, patch: null };
    const created = outcomes.filter(({ outcome }) => outcome === 'created').length;
    const { added, duplicates } = this.progress;
    this.progress = { added: added + created, duplicates: duplicates + jobs.length - created };
    this.#options.onProgress?.(this.progress);
  }
}
