import type { AttemptRecord, JobRecord, JobRef, LogLine } from '../../job/record.ts';
import type { AuditRecord, QueueSummary } from '../store.ts';
import { untilDue } from './claim.ts';
import { follow } from './jobs.ts';
import { give } from './own.ts';
import type { QueueState, State } from './state.ts';

export function job(state: State, ref: JobRef): JobRecord | null {
  const found = follow(state, ref);
  return found === undefined ? null : give(found.record);
}

export function attempts(state: State, ref: JobRef): AttemptRecord[] {
  return [...(follow(state, ref)?.attempts ?? [])];
}

export function logs(state: State, ref: JobRef, after: number, limit: number): LogLine[] {
  const lines = follow(state, ref)?.logs ?? [];
  return lines.filter(({ number }) => number > after).slice(0, limit);
}

export function queues(state: State, names: readonly string[] | undefined, nowMs: number): QueueSummary[] {
  return [...state.queues.values()]
    .filter(({ name }) => names === undefined || names.includes(name))
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .map((queue) => summary(queue, nowMs));
}

function summary(queue: QueueState, nowMs: number): QueueSummary {
  const jobs = [...queue.jobs.values()].map(({ record }) => record);
  const ready = jobs.filter(({ state }) => state === 'waiting').map(({ readyAt }) => readyAt);
  const active = jobs.filter(({ state }) => state === 'active').map(({ claimedAt }) => claimedAt);
  return {
    queue: queue.name,
    settings: queue.settings,
    counts: { ...queue.counts },
    totals: { ...queue.totals },
    oldestReadyMs: ageOfOldest(ready, nowMs),
    oldestActiveMs: ageOfOldest(active, nowMs),
    nextDueInMs: untilDue(queue, nowMs),
    createdAt: queue.createdAt,
  };
}

function ageOfOldest(instants: readonly (number | null)[], nowMs: number): number | null {
  const oldest = instants.reduce(
    (one, other) => ((other ?? nowMs) < (one ?? nowMs) ? other : one),
    instants[0] ?? null,
  );
  return oldest === null ? null : Math.max(0, nowMs - oldest);
}

/** The newest first. */
export function audit(state: State, limit: number): AuditRecord[] {
  return state.audit.slice(-limit).toReversed();
}
