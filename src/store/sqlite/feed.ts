import { CHANGES_KEPT, CHANGES_KEPT_MS } from '../../job/keep.ts';
import type { Bytes } from '../../job/record.ts';
import type { Change, ChangeKind, FeedPage, FeedRequest } from '../store.ts';
import type { Transaction } from './transaction.ts';

const READ_RECORDING = 'select until_at, floor from millrace_recording where queue = ?';
const WRITE_RECORDING = `
  insert into millrace_recording (queue, until_at, floor) values (?, ?, ?)
  on conflict do update set until_at = excluded.until_at, floor = excluded.floor`;
const RAISE_FLOOR = 'update millrace_recording set floor = max(floor, ?) where queue = ?';
const SINCE = 'select * from millrace_change where queue = ? and cursor > ? order by cursor limit ?';
const OLDEST = 'select cursor, queue, at from millrace_change where cursor > 0 order by cursor limit ?';
const DELETE_UP_TO = 'delete from millrace_change where cursor <= ?';
const RECORDED = 'select queue from millrace_recording';
/** Two selects: only a lone minimum or maximum is read off the end of an index. */
const SPAN = `
  select (select min(cursor) from millrace_change where queue = ?1) as low,
    (select max(cursor) from millrace_change where queue = ?1) as high`;
const BEYOND = 'select cursor from millrace_change where queue = ? order by cursor desc limit 1 offset ?';
const DELETE_BEYOND = 'delete from millrace_change where queue = ? and cursor <= ?';

/** Changes dropped by one pass of upkeep at most, for age. */
const DROP_SLICE = 10_000;

interface Recording {
  readonly until_at: number;
  readonly floor: number;
}

interface ChangeRow {
  readonly cursor: number;
  readonly at: number;
  readonly queue: string;
  readonly kind: ChangeKind;
  readonly id: string;
  readonly name: string;
  readonly data: Bytes | null;
}

/** Asking keeps the recording on; a queue that was not recorded until now is from here on. */
export function feed(tx: Transaction, request: FeedRequest): FeedPage {
  const names = [...new Set(request.queues)];
  const floors = names.map((name) => keepOn(tx, name, request.keepMs));
  const { after } = request;
  if (after === null) return { changes: [], cursor: tx.last('change'), complete: true };
  const complete = floors.every((floor) => after >= floor);
  const changes = names
    .flatMap((name) => tx.db.all<ChangeRow>(SINCE, name, after, request.limit))
    .sort((one, other) => one.cursor - other.cursor)
    .slice(0, request.limit)
    .map((row): Change => ({ ...row }));
  const isFull = changes.length === request.limit;
  return { changes, cursor: isFull ? (changes.at(-1)?.cursor ?? after) : tx.last('change'), complete };
}

/** Answers the floor of the queue's recording. */
function keepOn(tx: Transaction, name: string, keepMs: number): number {
  const recorded = tx.isRecorded(name);
  const floor = recorded ? (recordingOf(tx, name)?.floor ?? 0) : startRecording(tx, name);
  const untilAt = Math.max(recordingOf(tx, name)?.until_at ?? 0, tx.now + keepMs);
  tx.db.run(WRITE_RECORDING, name, untilAt, floor);
  tx.recordUntil(name, untilAt);
  return floor;
}

/** Uses up a number: who read only up to before it may have missed changes. */
export function startRecording(tx: Transaction, name: string): number {
  const floor = tx.next('change');
  tx.db.run(WRITE_RECORDING, name, recordingOf(tx, name)?.until_at ?? 0, floor);
  return floor;
}

function recordingOf(tx: Transaction, name: string): Recording | undefined {
  return tx.db.get<Recording>(READ_RECORDING, name);
}

/** Drops changes that are too old, and those beyond the newest of each queue. */
export function pruneChanges(tx: Transaction): void {
  dropOld(tx);
  for (const { queue } of tx.db.all<{ queue: string }>(RECORDED)) dropBeyond(tx, queue);
}

function dropOld(tx: Transaction): void {
  const floors = new Map<string, number>();
  let upTo = 0;
  for (const { cursor, queue, at } of tx.db.all<ChangeRow>(OLDEST, DROP_SLICE)) {
    if (tx.now - at < CHANGES_KEPT_MS) break;
    floors.set(queue, cursor);
    upTo = cursor;
  }
  if (upTo === 0) return;
  tx.db.run(DELETE_UP_TO, upTo);
  for (const [queue, floor] of floors) tx.db.run(RAISE_FLOOR, floor, queue);
}

function dropBeyond(tx: Transaction, queue: string): void {
  const span = tx.db.get<{ low: number | null; high: number | null }>(SPAN, queue);
  // Numbers of one queue have gaps but no doubles, so a short span cannot hold too many.
  if ((span?.high ?? 0) - (span?.low ?? 0) < CHANGES_KEPT) return;
  const beyond = tx.db.get<{ cursor: number }>(BEYOND, queue, CHANGES_KEPT);
  if (beyond === undefined) return;
  tx.db.run(DELETE_BEYOND, queue, beyond.cursor);
  tx.db.run(RAISE_FLOOR, beyond.cursor, queue);
}
