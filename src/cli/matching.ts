/** How many jobs a search means, before something is done to them. */

import type { JobFilter } from '../job/filter.ts';
import { MAX_PAGE, MAX_SCAN } from '../job/limits.ts';
import { JOB_STATES, type JobRecord } from '../job/record.ts';
import { formatCount } from '../job/wording.ts';
import type { Speaker } from './cli.ts';
import { printJobs } from './job-table.ts';
import type { Opened } from './open-store.ts';

export interface Matching {
  readonly count: number;
  /** False when there are at least `count`: counting on would take too long. */
  readonly exact: boolean;
  /** Some of them, the newest. */
  readonly sample: readonly JobRecord[];
}

/** Jobs that are looked at one by one to be counted. */
const COUNTED = 10_000;
const SAMPLE = 5;

export type Keep = (job: JobRecord) => boolean;

/** Queues and states alone are counted exactly by the store; other conditions by looking, up to a bound. */
export async function countMatching(opened: Opened, filter: JobFilter, keep?: Keep): Promise<Matching> {
  if (keep !== undefined || Object.keys(filter).some((key) => key !== 'queues' && key !== 'states')) {
    return countByLooking(opened, filter, keep ?? (() => true));
  }
  const states = filter.states ?? JOB_STATES;
  const queues = await opened.store.queues(filter.queues);
  const count = queues.reduce(
    (sum, { counts }) => sum + states.reduce((inner, state) => inner + counts[state], 0),
    0,
  );
  const { jobs } = await opened.store.find(filter, { cursor: null, limit: SAMPLE, scan: MAX_SCAN });
  return { count, exact: true, sample: jobs };
}

async function countByLooking({ store }: Opened, filter: JobFilter, keep: Keep): Promise<Matching> {
  const sample: JobRecord[] = [];
  let count = 0;
  let cursor: string | null = null;
  do {
    const page = await store.find(filter, { cursor, limit: MAX_PAGE, scan: MAX_SCAN });
    const kept = page.jobs.filter(keep);
    count += kept.length;
    sample.push(...kept.slice(0, SAMPLE - sample.length));
    cursor = page.cursor;
  } while (cursor !== null && count < COUNTED);
  return { count, exact: cursor === null, sample };
}

export function matchingText({ count, exact }: Matching): string {
  const number = `${exact ? '' : 'at least '}${formatCount(count)}`;
  return `${number} job${count === 1 && exact ? '' : 's'}`;
}

/** Shows the sample on standard error, beside the question it is for. */
export function showSample({ cli, options }: Speaker, matching: Matching, nowMs: number): void {
  if (options.json === true || matching.sample.length === 0) return;
  printJobs(cli.terminal.err, matching.sample, nowMs);
  const more = matching.count - matching.sample.length;
  if (more > 0) cli.terminal.err.write(`… and ${formatCount(more)} more\n`);
}
