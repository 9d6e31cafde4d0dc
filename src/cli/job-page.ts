/** The whole history of a job on one page, for people. */

import type { AttemptRecord, Backoff, Bytes, JobRecord, LogLine, StoredError } from '../job/record.ts';
import { formatDuration } from '../job/wording.ts';
import { indentJson, jsonTextOf } from './json-text.ts';
import { safeLines, safeText } from './safe-text.ts';
import { type Paint, paintFor } from './style.ts';
import type { Sink } from './terminal.ts';

/** A job with its history. */
export interface JobHistory {
  readonly job: JobRecord;
  readonly attempts: readonly AttemptRecord[];
  readonly logs: readonly LogLine[];
}

export function printJob(sink: Sink, history: JobHistory, nowMs: number): void {
  const paint = paintFor(sink);
  const { job, attempts, logs } = history;
  const lines = [
    ...headLines(job, paint, nowMs),
    ...bytesLines('Data', job.body, paint),
    ...bytesLines('Result', job.result, paint),
    ...bytesLines('Progress', job.progress, paint),
    ...attemptLines(attempts, paint),
    ...errorOutside(job, attempts, paint),
    ...logLines(logs, paint),
  ];
  sink.write(lines.map((line) => `${line}\n`).join(''));
}

function headLines(job: JobRecord, paint: Paint, nowMs: number): string[] {
  const cause = job.cause === null ? '' : ` (${job.cause})`;
  const title = `${safeText(job.queue)}/${safeText(job.id)}  ${safeText(job.name)}`;
  const facts = factsOf(job, nowMs).filter(([, text]) => text !== '');
  return [
    `${paint('strong', title)}  ${job.state}${cause}`,
    ...facts.map(([name, text]) => `  ${paint('dim', name.padEnd(12))}${safeText(text)}`),
  ];
}

function factsOf(job: JobRecord, nowMs: number): (readonly [string, string])[] {
  const { origin, policy } = job;
  return [
    ['added', instant(job.addedAt, nowMs)],
    ['due', instant(job.dueAt, nowMs)],
    ['ready', instant(job.readyAt, nowMs)],
    ['expires', instant(job.expiresAt, nowMs)],
    ['claimed', instant(job.claimedAt, nowMs)],
    ['finished', instant(job.finishedAt, nowMs)],
    [
      'failures',
      `${job.failures} of ${policy.attempts} attempts${job.crashes > 0 ? `, ${job.crashes} crashes` : ''}`,
    ],
    ['claims', job.claims === 0 ? '' : `${job.claims}, generation ${job.generation}, token ${job.token}`],
    ['priority', job.priority === 0 ? '' : String(job.priority)],
    ['backoff', policy.backoff === null ? '' : backoffText(policy.backoff)],
    ['limits', limitsText(job)],
    ['worker', job.worker ?? ''],
    ['cancelled', job.cancelReason ?? ''],
    [
      'came from',
      origin === null ? '' : `${origin.queue} (${origin.cause}), ${instant(origin.movedAt, nowMs)}`,
    ],
    ['content', job.contentType === 'application/json' ? '' : job.contentType],
    [
      'headers',
      Object.entries(job.headers)
        .map(([name, value]) => `${name}=${value}`)
        .join(', '),
    ],
  ];
}

function backoffText(backoff: Backoff): string {
  const first = formatDuration(backoff.delayMs);
  if (backoff.type === 'fixed') return `fixed ${first}`;
  if (backoff.type === 'custom') return `${backoff.name} ${first}`;
  return `exponential from ${first}, × ${backoff.factor}, at most ${formatDuration(backoff.maxMs)}`;
}

function limitsText({ policy }: JobRecord): string {
  const limits = [
    ['timeout', policy.timeoutMs],
    ['ttl', policy.ttlMs],
    ['retried for', policy.retryForMs],
  ] as const;
  return limits.flatMap(([name, ms]) => (ms === null ? [] : [`${name} ${formatDuration(ms)}`])).join(', ');
}

/** `2026-03-01T09:30:00.000Z (3m12s ago)`. */
function instant(atMs: number | null, nowMs: number): string {
  if (atMs === null) return '';
  const distance = formatDuration(Math.abs(nowMs - atMs));
  return `${new Date(atMs).toISOString()} (${atMs > nowMs ? `in ${distance}` : `${distance} ago`})`;
}

function heading(title: string, paint: Paint): string[] {
  return ['', paint('strong', title)];
}

function bytesLines(title: string, bytes: Bytes | null, paint: Paint): string[] {
  if (bytes === null) return [];
  const json = jsonTextOf(bytes);
  const text = json === null ? `${bytes.byteLength} bytes that are not JSON` : indentJson(json);
  return [...heading(title, paint), ...safeLines(text).map((line) => `  ${line}`)];
}

function attemptLines(attempts: readonly AttemptRecord[], paint: Paint): string[] {
  if (attempts.length === 0) return [];
  return [
    ...heading('Attempts', paint),
    ...attempts.flatMap((attempt) => [
      `  ${attemptText(attempt)}`,
      ...(attempt.error === null ? [] : errorLines(attempt.error, paint)),
    ]),
  ];
}

function attemptText(attempt: AttemptRecord): string {
  const parts = [
    `#${attempt.number} ${attempt.outcome}`,
    new Date(attempt.startedAt).toISOString(),
    `took ${formatDuration(Math.max(0, attempt.endedAt - attempt.startedAt))}`,
    `worker ${attempt.worker}`,
  ];
  if (attempt.generation > 1) parts.push(`generation ${attempt.generation}`);
  if (attempt.retryAfterMs !== null) parts.push(`next after ${formatDuration(attempt.retryAfterMs)}`);
  if (attempt.traceId !== null) parts.push(`trace ${attempt.traceId}`);
  return safeText(parts.join(', '));
}

/** A stack begins with the name and the message; without one these two are shown. */
function errorLines(error: StoredError, paint: Paint): string[] {
  const code = error.code === null ? '' : ` [${error.code}]`;
  const [first = '', ...rest] = safeLines(`${error.name}: ${error.message}`);
  const stack = safeLines(error.stack ?? '').filter((line) => /^\s+at /.test(line));
  return [
    `     ${paint('bad', first)}${safeText(code)}`,
    ...rest.map((line) => `     ${line}`),
    ...stack.map((line) => paint('dim', `     ${line}`)),
    paint('dim', `     fingerprint ${safeText(error.fingerprint)}`),
  ];
}

/** The error of a job whose attempts are not kept any more, or that ended without one. */
function errorOutside(job: JobRecord, attempts: readonly AttemptRecord[], paint: Paint): string[] {
  const { error } = job;
  if (error === null || attempts.some((attempt) => attempt.error?.fingerprint === error.fingerprint))
    return [];
  return [...heading('Error', paint), ...errorLines(error, paint)];
}

function logLines(logs: readonly LogLine[], paint: Paint): string[] {
  if (logs.length === 0) return [];
  return [
    ...heading('Log', paint),
    ...logs.map((line) => `  ${paint('dim', new Date(line.at).toISOString())} ${safeText(line.text)}`),
  ];
}
