import { keptForNoTime } from '../../job/keep.ts';
import { DEFAULT_QUEUE_SETTINGS, type QueueSettings } from '../../job/queue-settings.ts';
import type { Database } from './database.ts';

/** A queue as one transaction knows it. */
export interface QueueState {
  readonly id: number;
  readonly name: string;
  settings: QueueSettings;
  readonly createdAt: number;
  /** Changes are recorded until then, because somebody listens. */
  feedUntil: number;
}

interface QueueRow {
  readonly id: number;
  readonly name: string;
  readonly settings: string;
  readonly created_at: number;
  readonly until_at: number | null;
}

const SELECT = `
  select q.id, q.name, q.settings, q.created_at, r.until_at
  from {s}.queue q left join {s}.recording r on r.queue = q.name`;
const BY_NAMES = `${SELECT} where q.name = any($1)`;
const BY_IDS = `${SELECT} where q.id = any($1)`;
const MAKE = 'select {s}.make_queues_v1($1, $2)';
const SAVE = `
  update {s}.queue set settings = $2, paused = $3, at_most_once = $4, drops_completed = $5, drops_cancelled = $6,
    feed_on = $7, completed_age = $8, completed_count = $9, failed_age = $10, failed_count = $11, cancelled_age = $12,
    cancelled_count = $13 where id = $1`;

export async function loadQueues(
  db: Database,
  by: 'name' | 'id',
  keys: readonly (string | number)[],
): Promise<QueueState[]> {
  if (keys.length === 0) return [];
  return (await db.all<QueueRow>(by === 'name' ? BY_NAMES : BY_IDS, keys)).map(toState);
}

export async function makeQueues(db: Database, names: readonly string[], now: number): Promise<void> {
  if (names.length === 0) return;
  await db.run(MAKE, names, now);
}

const OF_THE_QUEUE = { keepCompletedMs: null, keepFailedMs: null };

export async function saveSettings(db: Database, { id, settings }: QueueState): Promise<void> {
  await db.run(
    SAVE,
    id,
    JSON.stringify(settings),
    settings.paused,
    settings.delivery === 'at-most-once',
    keptForNoTime(OF_THE_QUEUE, settings, 'completed'),
    keptForNoTime(OF_THE_QUEUE, settings, 'cancelled'),
    settings.feed === 'on',
    ...(['completed', 'failed', 'cancelled'] as const).flatMap((state) => {
      const { ageMs, count } = settings.retention[state];
      return [ageMs, count];
    }),
  );
}

export function isRecorded(queue: QueueState, now: number): boolean {
  return queue.settings.feed === 'on' || now < queue.feedUntil;
}

function toState(row: QueueRow): QueueState {
  return {
    id: row.id,
    name: row.name,
    settings: { ...DEFAULT_QUEUE_SETTINGS, ...(JSON.parse(row.settings) as Partial<QueueSettings>) },
    createdAt: row.created_at,
    feedUntil: row.until_at ?? 0,
  };
}
