import type { AttemptRecord, Bytes, JobRef } from '../../job/record.ts';
import type { Counted } from '../../job/statistics.ts';
import type { ChangeKind, Hint } from '../store.ts';
import type { Database } from './database.ts';
import { type JobKey, loadJobs, type Moving } from './moving.ts';
import { isRecorded, loadQueues, makeQueues, type QueueState } from './queue.ts';
import { hitOf, Sums } from './sums.ts';
import { type NewLine, type Told, writeMoves } from './write-moves.ts';

/**
 * What one call knows while it runs in one transaction of the database: jobs are read and locked when they are first
 * asked for, changed here, and written together by `flush`. Hints are kept until the commit.
 */
export class Transaction {
  readonly db: Database;
  /** The store's clock, read once. */
  readonly now: number;
  readonly sums: Sums = new Sums();
  readonly #queues = new Map<string, QueueState | null>();
  readonly #queuesById = new Map<number, QueueState>();
  readonly #jobs = new Map<string, Moving | null>();
  readonly #jobsBySeq = new Map<number, Moving>();
  readonly #changed = new Set<Moving>();
  /** Keys of jobs that were deleted or moved here, and were not looked up since. */
  readonly #left = new Set<string>();
  readonly #attempts: (AttemptRecord & { readonly seq: number })[] = [];
  readonly #lines: NewLine[] = [];
  readonly #told: Told[] = [];
  readonly #hints = new Map<string, Hint>();

  constructor(db: Database, now: number) {
    this.db = db;
    this.now = now;
  }

  /** null: there is no such queue. */
  async queue(name: string): Promise<QueueState | null> {
    await this.needQueues([name]);
    return this.#queues.get(name) ?? null;
  }

  async queueById(id: number): Promise<QueueState> {
    await this.needQueueIds([id]);
    return this.knownQueueById(id);
  }

  /** Reads those that are not known yet, all at once. */
  async needQueues(names: Iterable<string>): Promise<void> {
    const missing = [...new Set(names)].filter((name) => !this.#queues.has(name));
    const found = await loadQueues(this.db, 'name', missing);
    for (const name of missing) this.#queues.set(name, null);
    for (const queue of found) this.#remember(queue);
  }

  async needQueueIds(ids: Iterable<number>): Promise<void> {
    const missing = [...new Set(ids)].filter((id) => !this.#queuesById.has(id));
    for (const queue of await loadQueues(this.db, 'id', missing)) this.#remember(queue);
  }

  /** Makes those that are not there. */
  async ensureQueues(names: Iterable<string>): Promise<void> {
    const wanted = [...new Set(names)];
    await this.needQueues(wanted);
    const missing = wanted.filter((name) => this.knownQueue(name) === null);
    if (missing.length === 0) return;
    await makeQueues(this.db, missing, this.now);
    for (const queue of await loadQueues(this.db, 'name', missing)) this.#remember(queue);
  }

  async ensureQueue(name: string): Promise<QueueState> {
    await this.ensureQueues([name]);
    const queue = this.knownQueue(name);
    if (queue === null) throw new Error(`queue "${name}" could not be made`);
    return queue;
  }

  /** Of those that were asked for before. */
  knownQueue(name: string): QueueState | null {
    return this.#queues.get(name) ?? null;
  }

  knownQueueById(id: number): QueueState {
    const queue = this.#queuesById.get(id);
    if (queue === undefined)
      throw new Error(`queue number ${id} of a job is missing: run \`millrace doctor\``);
    return queue;
  }

  /** Read anew: somebody may have changed it since. */
  async freshQueue(name: string): Promise<QueueState> {
    const [queue] = await loadQueues(this.db, 'name', [name]);
    if (queue === undefined) throw new Error(`queue "${name}" was deleted meanwhile`);
    const known = this.#queues.get(name);
    if (!known) {
      this.#remember(queue);
      return queue;
    }
    known.settings = queue.settings;
    known.feedUntil = queue.feedUntil;
    return known;
  }

  forgetQueue(queue: QueueState): void {
    this.#queues.set(queue.name, null);
    this.#queuesById.delete(queue.id);
  }

  /** The job, locked until the end; null: there is none. */
  async job(ref: JobRef): Promise<Moving | null> {
    await this.needJobs([ref]);
    return this.#jobs.get(keyOf(ref)) ?? null;
  }

  /**
   * Also where the job moved on to, while no other job has its id in the old queue; the latest move counts. Of jobs that
   * were asked for with `needFollowed`.
   */
  async follow(ref: JobRef): Promise<Moving | null> {
    const found = await this.job(ref);
    if (found !== null) return found;
    // It hid another one that had moved on from there before.
    if (this.#left.delete(keyOf(ref))) {
      await this.flush();
      await this.needFollowed([ref]);
    }
    let latest: Moving | null = null;
    for (const row of this.#jobsBySeq.values()) {
      if (row.id !== ref.id || row.origin_queue !== ref.queue || row.isGone) continue;
      if ((row.move_number ?? 0) > (latest?.move_number ?? 0)) latest = row;
    }
    return latest;
  }

  /** Reads and locks jobs, and where they moved on to, by one call: two would be locked in two orders. */
  async needFollowed(refs: readonly JobKey[]): Promise<void> {
    await this.needQueues(refs.map(({ queue }) => queue));
    const keys = [...new Map(refs.map((ref) => [keyOf(ref), ref])).values()];
    for (const ref of keys) if (!this.#jobs.has(keyOf(ref))) this.#jobs.set(keyOf(ref), null);
    const rows = (await loadJobs(this.db, { keys, follow: true })).map(([, row]) => row);
    await this.needQueueIds(rows.map(({ queue }) => queue));
    for (const row of rows) this.#know(row);
  }

  /** Reads and locks those that are not known yet, all at once and in one order. */
  async needJobs(refs: Iterable<JobKey>): Promise<void> {
    const missing = new Map([...refs].map((ref) => [keyOf(ref), ref]));
    for (const key of missing.keys()) if (this.#jobs.has(key)) missing.delete(key);
    if (missing.size === 0) return;
    await this.needQueues([...missing.values()].map(({ queue }) => queue));
    for (const key of missing.keys()) this.#jobs.set(key, null);
    const keys = [...missing.values()].filter(({ queue }) => this.knownQueue(queue) !== null);
    for (const [, row] of await loadJobs(this.db, { keys, follow: false })) this.#know(row);
  }

  /** In the order of the numbers given; those that are not there any more (or, not `waits`, that others move) are left out. */
  async jobsBySeq(seqs: readonly number[], waits: boolean = true): Promise<Moving[]> {
    const missing = seqs.filter((seq) => !this.#jobsBySeq.has(seq));
    const loaded = (await loadJobs(this.db, { seqs: missing, waits })).map(([, row]) => row);
    await this.needQueueIds(loaded.map(({ queue }) => queue));
    for (const row of loaded) this.#know(row);
    return seqs.flatMap((seq) => {
      const row = this.#jobsBySeq.get(seq);
      return row === undefined || row.isGone ? [] : [row];
    });
  }

  /** What was read as missing may have been added since. */
  forgetMissing(): void {
    for (const [key, row] of this.#jobs) if (row === null) this.#jobs.delete(key);
    for (const [name, queue] of this.#queues) if (queue === null) this.#queues.delete(name);
  }

  /** The row was changed, and is written with the others. */
  change(row: Moving): void {
    this.#changed.add(row);
  }

  /** Before and after a change of its queue, and after its deletion. */
  rename(row: Moving, from: string, to: string | null): void {
    this.#jobs.set(keyOf({ queue: from, id: row.id }), null);
    this.#left.add(keyOf({ queue: from, id: row.id }));
    if (to !== null) this.#jobs.set(keyOf({ queue: to, id: row.id }), row);
  }

  /** Tells the change feed, if anybody wants to know. An empty `id` is the queue itself. */
  tell(
    queue: QueueState,
    { kind, id, name }: { kind: ChangeKind; id: string; name: string },
    data: () => Bytes | null = () => null,
  ): void {
    // Whoever began to listen meanwhile is told without the data, and asks the job.
    const bytes = isRecorded(queue, this.now) ? data() : null;
    const text = bytes === null ? null : Buffer.from(bytes).toString('base64');
    this.#told.push({ queue: queue.name, kind, id, name, data: text });
  }

  /** Counts an event of a job of this name, and how long it took. */
  count(queue: QueueState, name: string, { event, waitMs, runMs }: Counted): void {
    const sum = this.sums.of(queue.id, name);
    if (event !== undefined) sum.add(`stat_${event}`, 1);
    if (waitMs !== undefined) sum.waits.push(hitOf(waitMs));
    if (runMs !== undefined) sum.runs.push(hitOf(runMs));
  }

  attempt(seq: number, attempt: AttemptRecord): void {
    this.#attempts.push({ seq, ...attempt });
  }

  line(line: NewLine): void {
    this.#lines.push(line);
  }

  hint(queue: string, news: Hint['news']): void {
    this.#hints.set(`${news} ${queue}`, { queue, news });
  }

  hints(): Hint[] {
    return [...this.#hints.values()];
  }

  /** Writes what was gathered; before the commit, and before a statement that has to see it. */
  async flush(): Promise<void> {
    await writeMoves(this.db, this.now, {
      rows: [...this.#changed],
      attempts: this.#attempts.splice(0),
      lines: this.#lines.splice(0),
      told: this.#told.splice(0),
      deltas: this.sums.take(),
    });
    this.#changed.clear();
  }

  #remember(queue: QueueState): void {
    this.#queues.set(queue.name, queue);
    this.#queuesById.set(queue.id, queue);
  }

  /** The first object for a job is the one that everybody changes. */
  #know(row: Moving): Moving {
    const known = this.#jobsBySeq.get(row.seq);
    if (known !== undefined) return known;
    this.#jobsBySeq.set(row.seq, row);
    const queue = this.#queuesById.get(row.queue);
    if (queue !== undefined) this.#jobs.set(keyOf({ queue: queue.name, id: row.id }), row);
    return row;
  }
}

function keyOf({ queue, id }: JobKey): string {
  return `${queue} ${id}`;
}
