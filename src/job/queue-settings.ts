import type { JobState } from './record.ts';

/** How long finished jobs are kept. Both bounds hold at once; null is no bound. */
export interface Retention {
  readonly ageMs: number | null;
  /** Newest jobs kept in this state, per queue. */
  readonly count: number | null;
}

/** What is set per queue, in the store, for every process. */
export interface QueueSettings {
  readonly paused: boolean;
  /** `at-most-once` settles a job as completed at its claim: it may be lost, it is never run twice. */
  readonly delivery: 'at-least-once' | 'at-most-once';
  /** Crashes (leases run out) that a job survives; one more makes it a dead letter. */
  readonly maxCrashes: number;
  /** Where dead letters of this queue move, unless the job says otherwise; null keeps them here as `failed`. */
  readonly deadLetterQueue: string | null;
  readonly retention: {
    readonly completed: Retention;
    readonly failed: Retention;
    readonly cancelled: Retention;
  };
  /** The oldest ready job should be younger than this; status and alerts judge by it. */
  readonly objectiveMs: number;
  /** `auto` records the change feed while somebody listens; `on` always. */
  readonly feed: 'auto' | 'on';
}

export type QueuePatch = {
  readonly [K in keyof Omit<QueueSettings, 'retention'>]?: QueueSettings[K];
} & {
  readonly retention?: { readonly [S in keyof QueueSettings['retention']]?: Partial<Retention> };
};

const DAY_MS = 86_400_000;

export const DEFAULT_QUEUE_SETTINGS: QueueSettings = Object.freeze({
  paused: false,
  delivery: 'at-least-once',
  maxCrashes: 3,
  deadLetterQueue: null,
  retention: {
    completed: { ageMs: DAY_MS, count: 10_000 },
    failed: { ageMs: 30 * DAY_MS, count: null },
    cancelled: { ageMs: DAY_MS, count: 10_000 },
  },
  objectiveMs: 60_000,
  feed: 'auto',
});

/** The settings after a patch; what the patch leaves out stays. */
export function patchSettings(settings: QueueSettings, patch: QueuePatch): QueueSettings {
  const { retention, ...rest } = patch;
  const merged = { ...settings.retention };
  for (const state of ['completed', 'failed', 'cancelled'] as const) {
    merged[state] = { ...merged[state], ...retention?.[state] };
  }
  return { ...settings, ...rest, retention: merged };
}

export type Counts = Readonly<Record<JobState, number>>;

/** Monotonic totals of a queue since it was made. */
export interface Totals {
  readonly added: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly attemptsFailed: number;
  readonly released: number;
  readonly reclaimed: number;
  readonly duplicates: number;
  /** Records deleted: pruned, discarded, drained, or kept for no time at all. */
  readonly removed: number;
}
