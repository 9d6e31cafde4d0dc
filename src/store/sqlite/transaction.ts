import { countIn, emptyHistogram, MINUTE_MS, startOf } from '../../job/histogram.ts';
import { addSums, type Counted, type Sums } from '../../job/statistics.ts';
import type { Hint } from '../store.ts';
import type { Database } from './database.ts';
import { isRecorded, loadQueue, makeQueue, type QueueState } from './queue.ts';
import { ADD_TALLY } from './tally.ts';

/** Numbers that only rise, over the whole store. */
export type CounterName = 'seq' | 'token' | 'change' | 'move' | 'audit';

interface StatSum {
  readonly queue: number;
  readonly name: string;
  readonly from: number;
  readonly numbers: { added: number; completed: number; failed: number; retried: number };
  readonly wait: number[];
  readonly run: number[];
}

interface StatRow {
  readonly added: number;
  readonly completed: number;
  readonly failed: number;
  readonly retried: number;
  readonly wait: string;
  readonly run: string;
}

const READ_COUNTER = 'select value from millrace_counter where name = ?';
const WRITE_COUNTER =
  'insert into millrace_counter (name, value) values (?, ?) on conflict do update set value = excluded.value';
const RECORDED_UNTIL = 'select until_at from millrace_recording where queue = ?';
const READ_STAT = `
  select added, completed, failed, retried, wait, run from millrace_stat
  where queue = ? and step = ? and start = ? and name = ?`;
const WRITE_STAT = `
  insert into millrace_stat (queue, step, start, name, added, completed, failed, retried, wait, run)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  on conflict do update set added = excluded.added, completed = excluded.completed, failed = excluded.failed,
    retried = excluded.retried, wait = excluded.wait, run = excluded.run`;

/**
 * What a group of calls shares while it runs in one database transaction. Numbers that many jobs would touch
 * (counters, totals, statistics) are summed here and written once by `flush`; hints are kept until the commit.
 */
export class Transaction {
  readonly db: Database;
  /** The store's clock for the call that runs now. */
  now = 0;
  readonly #queues = new Map<string, QueueState | null>();
  readonly #queuesById = new Map<number, QueueState>();
  readonly #counters = new Map<CounterName, number>();
  readonly #risen = new Set<CounterName>();
  readonly #stats = new Map<string, StatSum>();
  /** Jobs that follow each other mostly have one name. */
  #lastStat: StatSum | null = null;
  readonly #hints = new Map<string, Hint>();

  constructor(db: Database) {
    this.db = db;
  }

  /** null: there is no such queue. */
  queue(name: string): QueueState | null {
    const known = this.#queues.get(name);
    if (known !== undefined) return known;
    const queue = loadQueue(this.db, 'name', name);
    this.#remember(name, queue);
    return queue;
  }

  queueById(id: number): QueueState {
    const queue = this.#queuesById.get(id) ?? loadQueue(this.db, 'id', id);
    if (queue === null) throw new Error(`queue number ${id} of a job is missing: run \`millrace doctor\``);
    if (!this.#queuesById.has(id)) this.#remember(queue.name, queue);
    return queue;
  }

  /** Makes the queue if need be. */
  ensureQueue(name: string): QueueState {
    const found = this.queue(name);
    if (found !== null) return found;
    const made = makeQueue(this.db, name, this.now);
    this.#remember(name, made);
    return made;
  }

  /** The queue was deleted: its sums go with it. */
  forgetQueue(queue: QueueState): void {
    this.#queues.set(queue.name, null);
    this.#queuesById.delete(queue.id);
    for (const [key, sum] of this.#stats) if (sum.queue === queue.id) this.#stats.delete(key);
    this.#lastStat = null;
  }

  /** Whether the changes of a queue, which need not exist, are written down now. */
  isRecorded(name: string): boolean {
    const queue = this.queue(name);
    if (queue !== null) return isRecorded(queue, this.now);
    return (this.db.get<{ until_at: number }>(RECORDED_UNTIL, name)?.until_at ?? 0) > this.now;
  }

  /** Somebody listens to the queue until then. */
  recordUntil(name: string, untilAt: number): void {
    const queue = this.queue(name);
    if (queue !== null) queue.feedUntil = untilAt;
  }

  /** The highest number given so far; 0 before the first. */
  last(counter: CounterName): number {
    let value = this.#counters.get(counter);
    if (value === undefined) {
      value = this.db.get<{ value: number }>(READ_COUNTER, counter)?.value ?? 0;
      this.#counters.set(counter, value);
    }
    return value;
  }

  next(counter: CounterName): number {
    const value = this.last(counter) + 1;
    this.#counters.set(counter, value);
    this.#risen.add(counter);
    return value;
  }

  /** The next numbers are given to so many at once. */
  skip(counter: CounterName, many: number): void {
    this.#counters.set(counter, this.last(counter) + many);
    this.#risen.add(counter);
  }

  hint(queue: string, news: Hint['news']): void {
    this.#hints.set(`${news} ${queue}`, { queue, news });
  }

  /** Nobody needs to be told of this any more. Answers whether somebody was to be. */
  unhint(queue: string, news: Hint['news']): boolean {
    return this.#hints.delete(`${news} ${queue}`);
  }

  hints(): Hint[] {
    return [...this.#hints.values()];
  }

  /** Counts an event of a job of this name, and how long it took, in the minute it falls into. */
  count(queue: QueueState, name: string, { event, waitMs, runMs }: Counted): void {
    const sum = this.#statOf(queue.id, name);
    if (event !== undefined) sum.numbers[event] += 1;
    if (waitMs !== undefined) countIn(sum.wait, waitMs);
    if (runMs !== undefined) countIn(sum.run, runMs);
  }

  #statOf(queue: number, name: string): StatSum {
    const from = startOf(this.now, MINUTE_MS);
    const last = this.#lastStat;
    if (last !== null && last.queue === queue && last.from === from && last.name === name) return last;
    const key = `${queue} ${from} ${name}`;
    let sum = this.#stats.get(key);
    if (sum === undefined) {
      const numbers = { added: 0, completed: 0, failed: 0, retried: 0 };
      sum = { queue, name, from, numbers, wait: emptyHistogram(), run: emptyHistogram() };
      this.#stats.set(key, sum);
    }
    this.#lastStat = sum;
    return sum;
  }

  /** Writes the sums. Before the commit, and before a read that needs them. */
  flush(): void {
    for (const counter of this.#risen) this.db.run(WRITE_COUNTER, counter, this.last(counter));
    this.#risen.clear();
    for (const queue of this.#queuesById.values()) {
      const differences = queue.tally.take();
      if (differences !== null) this.db.run(ADD_TALLY, ...differences, queue.id);
    }
    for (const sum of this.#stats.values()) writeStat(this.db, sum);
    this.#stats.clear();
    this.#lastStat = null;
  }

  #remember(name: string, queue: QueueState | null): void {
    this.#queues.set(name, queue);
    if (queue !== null) this.#queuesById.set(queue.id, queue);
  }
}

function writeStat(db: Database, sum: StatSum): void {
  addStat(db, { ...sum, ...sum.numbers, step: 'minute' });
}

export interface StatPart extends Sums {
  readonly queue: number;
  readonly step: 'minute' | 'hour';
  readonly from: number;
  readonly name: string;
}

/** Adds to the row of that minute or hour. Read and written in two statements: histograms are JSON. */
export function addStat(db: Database, part: StatPart): void {
  const { queue, step, from, name } = part;
  const before = db.get<StatRow>(READ_STAT, queue, step, from, name);
  const sums = before === undefined ? part : addSums(part, fromRow(before));
  const { added, completed, failed, retried, wait, run } = sums;
  const numbers = [added, completed, failed, retried];
  db.run(WRITE_STAT, queue, step, from, name, ...numbers, JSON.stringify(wait), JSON.stringify(run));
}

function fromRow(row: StatRow): Sums {
  return { ...row, wait: JSON.parse(row.wait) as number[], run: JSON.parse(row.run) as number[] };
}
