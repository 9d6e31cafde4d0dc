import type { JobRecord } from '../job/record.ts';
import { formatDuration } from '../job/wording.ts';
import type { Tint } from './style.ts';
import { type Cell, type Column, printTable } from './table.ts';
import type { Sink } from './terminal.ts';

const COLUMNS: readonly Column[] = [
  { title: 'Queue' },
  { title: 'Id' },
  { title: 'Name', flexible: true },
  { title: 'State' },
  { title: 'Failures', align: 'right' },
  { title: 'Age', align: 'right' },
  { title: 'Detail', flexible: true },
];

const TINTS: Partial<Record<JobRecord['state'], Tint>> = {
  active: 'strong',
  completed: 'good',
  failed: 'bad',
  cancelled: 'warn',
};

/** One line a job; `nowMs` is the time that ages are counted to. */
export function printJobs(sink: Sink, jobs: readonly JobRecord[], nowMs: number): void {
  printTable(
    sink,
    COLUMNS,
    jobs.map((job) => rowOf(job, nowMs)),
  );
}

function rowOf(job: JobRecord, nowMs: number): Cell[] {
  const tint = TINTS[job.state];
  return [
    job.queue,
    job.id,
    job.name,
    tint === undefined ? job.state : { text: job.state, tint },
    `${job.failures}/${job.policy.attempts}`,
    formatDuration(Math.max(0, nowMs - job.addedAt)),
    detailOf(job, nowMs),
  ];
}

/** What is worth knowing next, by state. */
export function detailOf(job: JobRecord, nowMs: number): string {
  const error = job.error === null ? '' : `${job.error.name}: ${job.error.message}`;
  const parts: string[] = [];
  if (job.state === 'delayed' && job.dueAt !== null) parts.push(dueText(job.dueAt - nowMs));
  if (job.state === 'active' && job.claimedAt !== null) {
    parts.push(`running for ${formatDuration(Math.max(0, nowMs - job.claimedAt))}`);
  }
  if (job.state === 'failed' && job.cause !== null) parts.push(job.cause);
  if (job.cancelReason !== null) parts.push(`cancelled: ${job.cancelReason}`);
  else if (job.state === 'cancelled' && job.cause !== null) parts.push(job.cause);
  if (job.origin !== null) parts.push(`from ${job.origin.queue} (${job.origin.cause})`);
  if (error !== '' && job.state !== 'completed') parts.push(error);
  return parts.join('; ');
}

function dueText(inMs: number): string {
  return inMs <= 0 ? 'due' : `due in ${formatDuration(inMs)}`;
}
