/** What is kept of a stored record: as it is read, or as it stands in a dump. */

import type { Counts, QueueSettings, Totals } from '../job/queue-settings.ts';
import type { AttemptOutcome, JobRecord, JobState } from '../job/record.ts';
import type { DumpRow } from '../store/store.ts';
import { digest } from './digest.ts';

export interface LoggedRecord {
  readonly queue: string;
  readonly id: string;
  readonly state: JobState;
  readonly body: string;
  readonly addedAt: number;
  readonly readyAt: number | null;
  readonly dueAt: number | null;
  readonly finishedAt: number | null;
  readonly generation: number;
  readonly claims: number;
  readonly failures: number;
  readonly crashes: number;
  readonly token: number;
  readonly cause: string | null;
  /** Queue that it came from. */
  readonly from: string | null;
  readonly hasError: boolean;
}

export type LoggedRow =
  | { readonly row: 'job'; readonly value: LoggedRecord }
  | {
      readonly row: 'attempt';
      readonly value: {
        readonly queue: string;
        readonly id: string;
        readonly number: number;
        readonly generation: number;
        readonly token: number;
        readonly worker: string;
        readonly startedAt: number;
        readonly endedAt: number;
        readonly outcome: AttemptOutcome;
        readonly retryAfterMs: number | null;
        readonly hasError: boolean;
      };
    }
  | {
      readonly row: 'queue';
      readonly value: {
        readonly queue: string;
        readonly counts: Counts;
        readonly totals: Totals;
        readonly settings: QueueSettings;
      };
    }
  | {
      readonly row: 'lease';
      readonly value: { readonly queue: string; readonly id: string; readonly token: number };
    }
  | { readonly row: 'log'; readonly value: { readonly queue: string; readonly id: string } };

export function reduceRecord(job: JobRecord): LoggedRecord {
  return { ...plainParts(job), body: digest(job.body) };
}

function plainParts(job: Omit<JobRecord, 'body'>): Omit<LoggedRecord, 'body'> {
  const { queue, id, state, addedAt, readyAt, dueAt, finishedAt } = job;
  const { generation, claims, failures, crashes, token, cause } = job;
  return {
    ...{ queue, id, state, addedAt, readyAt, dueAt, finishedAt },
    ...{ generation, claims, failures, crashes, token, cause },
    from: job.origin?.queue ?? null,
    hasError: job.error !== null,
  };
}

/** Null for rows that no check looks at (statistics, sessions, bulk actions). */
export function reduceRow({ key, value }: DumpRow): LoggedRow | null {
  const space = key.indexOf(' ');
  const row = key.slice(0, space);
  const path = (): string[] => JSON.parse(key.slice(space + 1)) as string[];
  switch (row) {
    case 'job':
      return { row, value: jobRow(JSON.parse(value)) };
    case 'attempt':
      return { row, value: attemptRow(path(), JSON.parse(value)) };
    case 'queue': {
      const { counts, totals, settings } = JSON.parse(value);
      return { row, value: { queue: path()[0] ?? '', counts, totals, settings } };
    }
    case 'lease': {
      const [queue = '', id = ''] = path();
      return { row, value: { queue, id, token: JSON.parse(value).token } };
    }
    case 'log': {
      const [queue = '', id = ''] = path();
      return { row, value: { queue, id } };
    }
    default:
      return null;
  }
}

function jobRow(stored: Omit<JobRecord, 'body'> & { readonly body: string }): LoggedRecord {
  return { ...plainParts(stored), body: digest(Buffer.from(stored.body, 'base64')) };
}

type AttemptValue = Extract<LoggedRow, { row: 'attempt' }>['value'];

function attemptRow(
  [queue = '', id = '']: readonly string[],
  stored: AttemptValue & { readonly error: unknown },
): AttemptValue {
  const { number, generation, token, worker, startedAt, endedAt, outcome, retryAfterMs, error } = stored;
  return {
    ...{ queue, id, number, generation, token, worker, startedAt, endedAt, outcome, retryAfterMs },
    hasError: error !== null,
  };
}
