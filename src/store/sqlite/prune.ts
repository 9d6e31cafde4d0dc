import type { FinishedState } from '../../job/keep.ts';
import { deleteAll } from './jobs.ts';
import { discardAll } from './move.ts';
import type { ChoreResult } from './promote.ts';
import { isRecorded } from './queue.ts';
import { rowsOf } from './row.ts';
import type { Transaction } from './transaction.ts';

interface Ended {
  readonly seq: number;
  readonly finished_at: number;
}

/** `queue`, `state`: of a job that the queue's rule ends; null where it is its own. */
interface Over extends Ended {
  readonly queue: number | null;
  readonly state: FinishedState | null;
}

const FINISHED: readonly FinishedState[] = ['completed', 'failed', 'cancelled'];

const QUEUES = `
  select id, ruled_completed, ruled_failed, ruled_cancelled from millrace_queue
  where ruled_completed + ruled_failed + ruled_cancelled > 0`;
const OLDEST = `
  select seq, finished_at from millrace_job indexed by millrace_job_finished
  where queue = ? and state = ? and finished_at is not null and prune_at is null
  order by finished_at, seq limit ?`;
/** Those whose own time is over, in the order in which they ended; a long backlog is taken in slices. */
const OWN = `
  select seq, finished_at from (
    select seq, finished_at from millrace_job indexed by millrace_job_prune
    where prune_at <= ? and prune_at is not null order by prune_at, seq limit 10000
  ) order by finished_at, seq limit ?`;

type RuledRow = { readonly id: number } & Readonly<Record<`ruled_${FinishedState}`, number>>;

/** Deletes finished jobs that were kept for long enough, the oldest first. */
export function prune(tx: Transaction, limit: number): ChoreResult {
  tx.flush();
  const ruled = tx.db
    .all<RuledRow>(QUEUES)
    .flatMap((row) => FINISHED.flatMap((state) => beyond(tx, row, { state, limit })));
  const own = tx.db
    .all<Ended>(OWN, tx.now, limit + 1)
    .map((ended) => ({ ...ended, queue: null, state: null }));
  const over: Over[] = [...ruled, ...own].sort(
    (one, other) => one.finished_at - other.finished_at || one.seq - other.seq,
  );
  discard(tx, over.slice(0, limit));
  return { touched: Math.min(over.length, limit), more: over.length > limit };
}

/** Of jobs that nobody is told of, and that all alike are counted less, the numbers suffice. */
function discard(tx: Transaction, over: readonly Over[]): void {
  const alike = new Map<string, Over[]>();
  const others: number[] = [];
  for (const one of over) {
    if (one.queue === null || isRecorded(tx.queueById(one.queue), tx.now)) others.push(one.seq);
    else {
      const key = `${one.queue} ${one.state}`;
      const known = alike.get(key);
      if (known === undefined) alike.set(key, [one]);
      else known.push(one);
    }
  }
  for (const jobs of alike.values()) discardAlike(tx, jobs);
  if (others.length > 0) discardAll(tx, rowsOf(tx.db, others));
}

function discardAlike(tx: Transaction, jobs: readonly Over[]): void {
  const [first] = jobs;
  if (first === undefined || first.queue === null || first.state === null) return;
  deleteAll(
    tx,
    jobs.map(({ seq }) => seq),
  );
  const { tally } = tx.queueById(first.queue);
  tally.add(`count_${first.state}`, -jobs.length);
  tally.add(`ruled_${first.state}`, -jobs.length);
  tally.add('total_removed', jobs.length);
}

/**
 * Jobs beyond the queue's rule. Both bounds, age and count, cut off the old end of one order, so what is over is
 * a run from that end.
 */
function beyond(
  tx: Transaction,
  row: RuledRow,
  { state, limit }: { state: FinishedState; limit: number },
): Over[] {
  const jobs = row[`ruled_${state}`];
  if (jobs === 0) return [];
  const { ageMs, count } = tx.queueById(row.id).settings.retention[state];
  const tooMany = count === null ? 0 : Math.max(0, jobs - count);
  const isOver = (ended: Ended): boolean => ageMs !== null && ended.finished_at + ageMs <= tx.now;
  const [oldest] = tx.db.all<Ended>(OLDEST, row.id, state, 1);
  if (oldest === undefined || (tooMany === 0 && !isOver(oldest))) return [];
  return tx.db
    .all<Ended>(OLDEST, row.id, state, limit + 1)
    .filter((ended, index) => index < tooMany || isOver(ended))
    .map(({ seq, finished_at }) => ({ seq, finished_at, queue: row.id, state }));
}
