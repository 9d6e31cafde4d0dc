import { errorData } from '../../job/change-data.ts';
import { deadLetterTarget } from '../../job/keep.ts';
import type { EndCause, StoredError } from '../../job/record.ts';
import { alter, type Changes, finish, writeError } from './jobs.ts';
import { type QueueState, tell } from './queue.ts';
import { type JobRow, policyOf, rowIn } from './row.ts';
import type { Transaction } from './transaction.ts';

export interface Death {
  readonly cause: EndCause;
  readonly error: StoredError;
  /** What the end of the attempt says besides. */
  readonly changes: Changes;
}

/** No attempts are left: the job stays as `failed`, or moves to the queue for its dead letters in this very step. */
export function deadLetter(tx: Transaction, row: JobRow, { cause, error, changes }: Death): void {
  const source = tx.queueById(row.queue);
  const target = targetOf(tx, row, source);
  writeError(tx, row, error);
  if (target === null) {
    const end = { ...changes, state: 'failed', cause, fingerprint: error.fingerprint } as const;
    finish(tx, row, end, () => errorData(error));
    return;
  }
  const told = { id: row.id, name: row.name };
  source.tally.add('total_failed', 1);
  tell(tx, source, { kind: 'failed', ...told }, () => errorData(error));
  moveTo(tx, row, { queue: target, cause, changes: { ...changes, fingerprint: error.fingerprint } });
  tell(tx, target, { kind: 'added', ...told });
}

/** null: it stays, because nothing else was said, or because that queue has a job with its id already. */
function targetOf(tx: Transaction, row: JobRow, source: QueueState): QueueState | null {
  const name = deadLetterTarget(policyOf(tx.db, row.seq), source.settings, source.name);
  if (name === null) return null;
  const target = tx.ensureQueue(name);
  return rowIn(tx.db, target, row.id) === null ? target : null;
}

/** Into another queue as a new generation, with all that hangs on the job. */
export function moveTo(
  tx: Transaction,
  row: JobRow,
  move: { queue: QueueState; cause: EndCause | 'redrive'; changes: Changes },
): void {
  const from = tx.queueById(row.queue);
  alter(tx, row, {
    ...move.changes,
    ...freshStart(row, tx.now),
    queue: move.queue.id,
    origin_queue: from.name,
    origin_cause: move.cause,
    origin_moved_at: tx.now,
    move_number: tx.next('move'),
  });
  from.tally.add('total_removed', 1);
  move.queue.tally.add('total_added', 1);
  tx.hint(from.name, 'ended');
}

/** What every new generation begins with. */
export function freshStart(row: JobRow, now: number): Changes {
  return {
    state: 'waiting',
    ready_at: now,
    due_at: null,
    expires_at: null,
    first_claimed_at: null,
    finished_at: null,
    prune_at: null,
    generation: row.generation + 1,
    failures: 0,
    crashes: 0,
    cause: null,
    cancel_reason: null,
  };
}
