import { HOUR_MS, MINUTE_MS, startOf } from '../../job/histogram.ts';
import { HOURS_KEPT_MS, MINUTES_KEPT_MS } from '../../job/keep.ts';
import { addSums } from '../../job/statistics.ts';
import type { StatsPoint, StatsRequest } from '../store.ts';
import type { QueueState } from './queue.ts';
import { addStat, type Transaction } from './transaction.ts';

interface StatRow {
  readonly queue: number;
  readonly start: number;
  readonly name: string;
  readonly added: number;
  readonly completed: number;
  readonly failed: number;
  readonly retried: number;
  readonly wait: string;
  readonly run: string;
}

const OF_QUEUE = 'select * from millrace_stat where queue = ? and step = ? and start > ?';
const OLD =
  'select * from millrace_stat indexed by millrace_stat_start where step = ? and start <= ? limit ?';
const DELETE = 'delete from millrace_stat where queue = ? and step = ? and start = ? and name = ?';
const DELETE_OLD = 'delete from millrace_stat indexed by millrace_stat_start where step = ? and start <= ?';

/** Rows folded by one pass of upkeep at most. */
const FOLD_SLICE = 2_000;

export function stats(tx: Transaction, { queue: name, step, withinMs }: StatsRequest): StatsPoint[] {
  tx.flush();
  const queue = tx.queue(name);
  if (queue === null) return [];
  const after = tx.now - withinMs;
  const points =
    step === 'minute' ? read(tx, queue, { step, after: after - MINUTE_MS }) : hours(tx, queue, after);
  return points.sort((one, other) => one.from - other.from || (one.name < other.name ? -1 : 1));
}

/** All of one step, for the dump. */
export function allStats(tx: Transaction, queue: QueueState, step: 'minute' | 'hour'): StatsPoint[] {
  return read(tx, queue, { step, after: -1 });
}

function read(
  tx: Transaction,
  queue: QueueState,
  { step, after }: { step: 'minute' | 'hour'; after: number },
): StatsPoint[] {
  return tx.db.all<StatRow>(OF_QUEUE, queue.id, step, after).map((row) => toPoint(row, queue.name));
}

function toPoint(row: StatRow, queue: string): StatsPoint {
  const { name, start, added, completed, failed, retried } = row;
  const wait = JSON.parse(row.wait) as number[];
  const run = JSON.parse(row.run) as number[];
  return { queue, name, from: start, added, completed, failed, retried, wait, run };
}

/** The hours, those included whose minutes are not folded yet. */
function hours(tx: Transaction, queue: QueueState, after: number): StatsPoint[] {
  const minutes = read(tx, queue, { step: 'minute', after: startOf(after, HOUR_MS) - 1 });
  const sums = new Map<string, StatsPoint>();
  const folded = read(tx, queue, { step: 'hour', after: after - HOUR_MS });
  for (const point of [
    ...folded,
    ...minutes.map((minute) => ({ ...minute, from: startOf(minute.from, HOUR_MS) })),
  ]) {
    const key = `${point.from} ${point.name}`;
    const known = sums.get(key);
    sums.set(key, known === undefined ? point : { ...known, ...addSums(known, point) });
  }
  return [...sums.values()].filter(({ from }) => from > after - HOUR_MS);
}

/** Folds old minutes into hours, and drops old hours. */
export function foldStats(tx: Transaction): void {
  const old = tx.db.all<StatRow>(OLD, 'minute', tx.now - MINUTES_KEPT_MS - MINUTE_MS, FOLD_SLICE);
  for (const row of old) {
    tx.db.run(DELETE, row.queue, 'minute', row.start, row.name);
    const { wait, run } = toPoint(row, '');
    addStat(tx.db, { ...row, step: 'hour', from: startOf(row.start, HOUR_MS), wait, run });
  }
  tx.db.run(DELETE_OLD, 'hour', tx.now - HOURS_KEPT_MS - HOUR_MS);
}
