import type { Counts, QueueSettings, Totals } from './queue-settings.ts';
import type { AttemptRecord, JobRecord, JobRef, LogLine } from './record.ts';

/**
 * The canonical form of what a store holds, line by line: a key that says what it is, and its value as JSON with
 * sorted keys, bytes as base64. Two stores that hold the same give the same lines, whatever their layout.
 */
export interface DumpLine {
  readonly key: string;
  readonly value: string;
}

export function dumpQueue(
  queue: string,
  value: {
    readonly settings: QueueSettings;
    readonly counts: Counts;
    readonly totals: Totals;
    readonly createdAt: number;
  },
): DumpLine {
  return line('queue', [queue], value);
}

/** `settledToken`: 0 before the first settlement. */
export function dumpJob(record: JobRecord, inner: { seq: number; settledToken: number }): DumpLine {
  const { seq, settledToken } = inner;
  return line('job', [record.queue, record.id], { ...record, seq, settledToken });
}

export function dumpAttempt(job: JobRef, attempt: AttemptRecord): DumpLine {
  return line('attempt', [job.queue, job.id, padded(attempt.number)], attempt);
}

export function dumpLog(job: JobRef, log: LogLine): DumpLine {
  return line('log', [job.queue, job.id, padded(log.number)], log);
}

export function dumpLease(
  job: JobRef,
  value: {
    readonly token: number;
    readonly expiresAt: number | null;
    readonly deadlineAt: number | null;
    /** Seen past due by a reclaim pass. */
    readonly suspect: boolean;
    /** Claimed by a worker that runs suspects alone, and not run alone. */
    readonly spared: boolean;
  },
): DumpLine {
  return line('lease', [job.queue, job.id], value);
}

export function dumpSession(id: string, session: object): DumpLine {
  return line('session', [id], session);
}

export function dumpOperation(id: string, operation: object): DumpLine {
  return line('operation', [id], operation);
}

export function dumpStats(
  step: 'minute' | 'hour',
  point: { readonly queue: string; readonly name: string; readonly from: number },
): DumpLine {
  return line(`stats-${step}`, [point.queue, point.name, padded(point.from)], point);
}

function line(kind: string, path: readonly string[], value: object): DumpLine {
  return { key: `${kind} ${JSON.stringify(path)}`, value: canonicalJson(value) };
}

function padded(number: number): string {
  return String(number).padStart(16, '0');
}

/** JSON with the keys of every object sorted, undefined properties left out, and bytes as base64. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(canonical(value));
}

function canonical(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  const sorted = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, member]): [string, unknown] => [key, canonical(member)]);
  // Object.fromEntries defines properties, so that a key `__proto__` is data like any other.
  return Object.fromEntries(sorted);
}
