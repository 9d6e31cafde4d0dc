import type { JobRecord } from '../../job/record.ts';
import type { AddOutcome, NewJob } from '../store.ts';
import { enter, queueOf } from './jobs.ts';
import { own } from './own.ts';
import { count } from './stats.ts';
import { hint, type Step, tell } from './step.ts';

export function add(step: Step, jobs: readonly NewJob[]): AddOutcome[] {
  return jobs.map((job) => addOne(step, job));
}

function addOne(step: Step, job: NewJob): AddOutcome {
  const queue = queueOf(step, job.queue);
  const known = queue.jobs.get(job.id);
  if (known !== undefined) {
    queue.totals.duplicates += 1;
    tell(step, 'duplicate', known);
    return { id: job.id, outcome: 'duplicate' };
  }
  step.state.seq += 1;
  const seq = step.state.seq;
  const record = newRecord(own(job), seq, step.nowMs);
  const made = {
    seq,
    record,
    lease: null,
    settledToken: 0,
    attempts: [],
    logs: [],
    logged: 0,
    moveNumber: 0,
  };
  enter(step, made);
  queue.totals.added += 1;
  tell(step, 'added', made);
  count(step, made, { event: 'added' });
  hint(step, job.queue, 'ready');
  return { id: job.id, outcome: 'created' };
}

function newRecord(job: NewJob, seq: number, nowMs: number): JobRecord {
  const { lifo, delayMs, ...given } = job;
  const dueAt = delayMs > 0 ? nowMs + delayMs : null;
  const { ttlMs } = job.policy;
  return Object.freeze({
    ...given,
    state: dueAt === null ? 'waiting' : 'delayed',
    rank: lifo ? -seq : seq,
    addedAt: nowMs,
    dueAt,
    readyAt: dueAt === null ? nowMs : null,
    expiresAt: ttlMs === null ? null : (dueAt ?? nowMs) + ttlMs,
    ...UNTOUCHED,
  });
}

const UNTOUCHED = {
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
} as const;
