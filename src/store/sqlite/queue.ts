import { DEFAULT_QUEUE_SETTINGS, type QueueSettings } from '../../job/queue-settings.ts';
import type { Bytes } from '../../job/record.ts';
import type { ChangeKind } from '../store.ts';
import type { Database } from './database.ts';
import { Tally } from './tally.ts';
import type { Transaction } from './transaction.ts';

/** A queue as one transaction knows it. */
export interface QueueState {
  readonly id: number;
  readonly name: string;
  settings: QueueSettings;
  readonly createdAt: number;
  /** Changes are recorded until then, because somebody listens. */
  feedUntil: number;
  /** Earliest time that a job of the queue waits for; undefined until somebody looks, and after it may have changed. */
  nextDueAt: number | null | undefined;
  readonly tally: Tally;
}

interface QueueRow {
  readonly id: number;
  readonly name: string;
  readonly settings: string;
  readonly created_at: number;
  readonly until_at: number | null;
}

/** Every queue lies in a namespace; there is one so far. */
export const NAMESPACE = 'default';

const SELECT = `
  select q.id, q.name, q.settings, q.created_at, r.until_at
  from millrace_queue q left join millrace_recording r on r.queue = q.name`;
const BY_NAME = `${SELECT} where q.namespace = ? and q.name = ?`;
const BY_ID = `${SELECT} where q.id = ?`;
const INSERT =
  'insert into millrace_queue (namespace, name, settings, paused, created_at) values (?, ?, ?, ?, ?)';
const SAVE = 'update millrace_queue set settings = ?, paused = ? where id = ?';
const INSERT_CHANGE = `
  insert into millrace_change (cursor, queue, at, kind, id, name, data) values (?, ?, ?, ?, ?, ?, ?)`;

export function loadQueue(db: Database, by: 'name' | 'id', key: string | number): QueueState | null {
  const row = by === 'name' ? db.get<QueueRow>(BY_NAME, NAMESPACE, key) : db.get<QueueRow>(BY_ID, key);
  return row === undefined ? null : toState(row);
}

export function makeQueue(db: Database, name: string, now: number): QueueState {
  db.run(INSERT, NAMESPACE, name, JSON.stringify(DEFAULT_QUEUE_SETTINGS), 0, now);
  const made = loadQueue(db, 'name', name);
  if (made === null) throw new Error(`queue "${name}" could not be made`);
  return made;
}

/** Writes the settings; the numbers go by way of the tally. */
export function saveSettings(db: Database, queue: QueueState): void {
  const { settings } = queue;
  db.run(SAVE, JSON.stringify(settings), settings.paused ? 1 : 0, queue.id);
}

export function isRecorded(queue: QueueState, now: number): boolean {
  return queue.settings.feed === 'on' || now < queue.feedUntil;
}

/** Tells the change feed, if anybody wants to know. An empty `id` is the queue itself. */
export function tell(
  tx: Transaction,
  queue: QueueState,
  change: { kind: ChangeKind; id: string; name: string },
  data: () => Bytes | null = () => null,
): void {
  if (!isRecorded(queue, tx.now)) return;
  const { kind, id, name } = change;
  tx.db.run(INSERT_CHANGE, tx.next('change'), queue.name, tx.now, kind, id, name, data());
}

function toState(row: QueueRow): QueueState {
  return {
    id: row.id,
    name: row.name,
    settings: { ...DEFAULT_QUEUE_SETTINGS, ...(JSON.parse(row.settings) as Partial<QueueSettings>) },
    createdAt: row.created_at,
    feedUntil: row.until_at ?? 0,
    nextDueAt: undefined,
    tally: new Tally(),
  };
}
