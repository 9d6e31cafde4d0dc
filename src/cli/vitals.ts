/** Reads the figures that the verdict is made from: a few calls a queue, whatever the number of jobs. */

import type { QueueVitals, RecentFigures, Verdict } from '../job/verdict.ts';
import type { Finding, QueueSummary, SessionRecord, StatsPoint } from '../store/store.ts';
import { requireQueues } from './apply.ts';
import type { Opened } from './open-store.ts';

export interface Vitals extends QueueVitals {
  readonly delayed: number;
  readonly donePerMinute: number;
}

export interface Survey {
  readonly queues: readonly Vitals[];
  /** Live worker processes. */
  readonly workers: readonly SessionRecord[];
  /** What troubles the store now. */
  readonly store: readonly Finding[];
}

/** Checks of the store that are about this moment; the others stay as they are until somebody changes them. */
const OF_NOW: ReadonlySet<string> = new Set(['disk-space', 'write-ahead-log', 'commits', 'write', 'damage']);

const MINUTE_MS = 60_000;
const RECENT_MS = 5 * MINUTE_MS;

export async function readVitals(opened: Opened, names: readonly string[]): Promise<Survey> {
  const { store, shared } = opened;
  const nowMs = shared.clock.now();
  const all = await store.queues();
  const wanted = names.length === 0 ? all : await requireQueues(opened, names);
  const targets = new Set(
    all.map(({ queue, settings }) => deadLetterTarget(queue, settings.deadLetterQueue)),
  );
  // Sessions of killed processes stay until upkeep forgets them; they are not live.
  const workers = (await store.sessions()).filter((session) => session.expiresAt > nowMs);
  const queues: Vitals[] = [];
  for (const summary of wanted) {
    const points = await store.stats({ queue: summary.queue, step: 'minute', withinMs: RECENT_MS });
    const recent = recentFigures(points, windowMsOf(summary, nowMs));
    queues.push(vitalsOf(summary, { workers, recent, keepsDeadLetters: targets.has(summary.queue) }));
  }
  const signs = (await store.doctor()).filter(({ check }) => OF_NOW.has(check));
  return { queues, workers, store: signs };
}

function deadLetterTarget(queue: string, target: string | null): string | null {
  return target === queue ? null : target;
}

/** Statistics come in whole minutes, so the window begins with the minute that the wanted time falls into. */
function windowMsOf(summary: QueueSummary, nowMs: number): number {
  const from = Math.floor((nowMs - RECENT_MS) / MINUTE_MS) * MINUTE_MS;
  return Math.max(1, nowMs - Math.max(from, summary.createdAt));
}

function recentFigures(points: readonly StatsPoint[], windowMs: number): RecentFigures {
  const sum = (name: 'added' | 'completed' | 'failed' | 'retried'): number =>
    points.reduce((total, point) => total + point[name], 0);
  return {
    windowMs,
    added: sum('added'),
    completed: sum('completed'),
    failed: sum('failed'),
    retried: sum('retried'),
  };
}

interface Surroundings {
  readonly workers: readonly SessionRecord[];
  readonly recent: RecentFigures;
  readonly keepsDeadLetters: boolean;
}

function vitalsOf(summary: QueueSummary, { workers, recent, keepsDeadLetters }: Surroundings): Vitals {
  const { queue, counts, settings, oldestReadyMs, nextDueInMs } = summary;
  const serving = workers.flatMap((session) => session.queues.filter((entry) => entry.queue === queue));
  return {
    queue,
    settings,
    waiting: counts.waiting,
    active: counts.active,
    delayed: counts.delayed,
    failed: counts.failed,
    oldestReadyMs,
    nextDueInMs,
    workers: serving.length,
    slots: serving.reduce((sum, entry) => sum + entry.slots, 0),
    busy: serving.reduce((sum, entry) => sum + entry.busy, 0),
    recent,
    keepsDeadLetters,
    donePerMinute: (recent.completed * MINUTE_MS) / Math.max(MINUTE_MS, recent.windowMs),
  };
}

/** The error behind most of the latest failures of a queue. */
export interface TopError {
  readonly queue: string;
  readonly fingerprint: string;
  readonly name: string;
  readonly message: string;
  readonly count: number;
  /** Errors looked at. */
  readonly of: number;
}

const ERRORS_LOOKED_AT = 200;

/** For each queue that fails: which error it is, mostly. */
export async function frequentErrors(opened: Opened, verdict: Verdict): Promise<TopError[]> {
  const failing = verdict.findings.filter((finding) => finding.rule === 'Failing');
  const top: TopError[] = [];
  for (const { queue } of failing) {
    if (queue !== null) top.push(...(await topErrorOf(opened, queue)));
  }
  return top;
}

async function topErrorOf(opened: Opened, queue: string): Promise<TopError[]> {
  const { jobs } = await opened.store.find(
    { queues: [queue], states: ['failed', 'delayed', 'waiting'], withinMs: 24 * 60 * MINUTE_MS },
    { cursor: null, limit: ERRORS_LOOKED_AT, scan: 10 * ERRORS_LOOKED_AT },
  );
  const errors = jobs.flatMap(({ error }) => (error === null ? [] : [error]));
  const counts = new Map<string, number>();
  for (const { fingerprint } of errors) counts.set(fingerprint, (counts.get(fingerprint) ?? 0) + 1);
  const [most] = [...counts].sort((a, b) => b[1] - a[1]);
  const sample = errors.find((error) => error.fingerprint === most?.[0]);
  if (most === undefined || sample === undefined) return [];
  const { fingerprint, name, message } = sample;
  return [{ queue, fingerprint, name, message, count: most[1], of: errors.length }];
}
