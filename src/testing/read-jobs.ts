import { MAX_PAGE } from '../job/limits.ts';
import { decodeJson, isJsonType } from '../job/payload.ts';
import type { Bytes, JobRecord } from '../job/record.ts';
import type { Store } from '../store/store.ts';

/** A job as a test looks at it: its record, and what its bytes say. */
export interface TestJob extends JobRecord {
  /** The decoded body; its bytes where it is not JSON. */
  readonly data: unknown;
  /** The decoded result; null before there is one. */
  readonly returnvalue: unknown;
}

/** All jobs that the store has, of one queue or of all, in the order in which they were added. */
export async function readJobs(store: Store, queue?: string): Promise<TestJob[]> {
  const filter = queue === undefined ? {} : { queues: [queue] };
  const jobs: TestJob[] = [];
  let cursor: string | null = null;
  do {
    const page = await store.find(filter, { cursor, limit: MAX_PAGE, order: 'oldest' });
    jobs.push(...page.jobs.map(toTestJob));
    cursor = page.cursor;
  } while (cursor !== null);
  return jobs;
}

export function toTestJob(record: JobRecord): TestJob {
  const data = isJsonType(record.contentType) ? decode(record.body) : record.body;
  return { ...record, data, returnvalue: record.result === null ? null : decode(record.result) };
}

/** A test must be able to look at any job, so bytes that cannot be read stay bytes. */
function decode(bytes: Bytes): unknown {
  try {
    return decodeJson(bytes);
  } catch {
    return bytes;
  }
}
