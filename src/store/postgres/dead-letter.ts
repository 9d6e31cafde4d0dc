import { errorData } from '../../job/change-data.ts';
import { deadLetterTarget } from '../../job/keep.ts';
import { DEFAULTS } from '../../job/options.ts';
import { policyOfText } from '../../job/policy-text.ts';
import type { EndCause, StoredError } from '../../job/record.ts';
import { alter, type Changes, errorOf, finish } from './jobs.ts';
import type { Moving } from './moving.ts';
import type { QueueState } from './queue.ts';
import type { Transaction } from './transaction.ts';

export interface Death {
  readonly cause: EndCause;
  readonly error: StoredError;
  /** What the end of the attempt says besides. */
  readonly changes: Changes;
}

/** No attempts are left: the job stays as `failed`, or moves to the queue for its dead letters in this very step. */
export async function deadLetter(
  tx: Transaction,
  row: Moving,
  { cause, error, changes }: Death,
): Promise<void> {
  const source = await tx.queueById(row.queue);
  const target = await targetOf(tx, row, source);
  if (target === null) {
    const end = { ...changes, ...errorOf(error), state: 'failed', cause } as const;
    finish(tx, row, end, () => errorData(error));
    return;
  }
  const told = { id: row.id, name: row.name };
  tx.sums.of(source.id).add('total_failed', 1);
  tx.tell(source, { kind: 'failed', ...told }, () => errorData(error));
  await moveTo(tx, row, { queue: target, cause, changes: { ...changes, ...errorOf(error) } });
  tx.tell(target, { kind: 'added', ...told });
}

/** Where the job would go; null: nowhere. */
export function deadLetterQueueOf(row: Moving, source: QueueState): string | null {
  return deadLetterTarget(policyOfText(row.policy) ?? DEFAULTS.policy, source.settings, source.name);
}

/** null: it stays, because nothing else was said, or because that queue has a job with its id already. */
async function targetOf(tx: Transaction, row: Moving, source: QueueState): Promise<QueueState | null> {
  const name = deadLetterQueueOf(row, source);
  if (name === null) return null;
  const target = await tx.ensureQueue(name);
  return (await tx.job({ queue: name, id: row.id })) === null ? target : null;
}

const NEXT_MOVE = "select nextval('{s}.move')::bigint as number";

/** Into another queue as a new generation, with all that hangs on the job. */
export async function moveTo(
  tx: Transaction,
  row: Moving,
  move: { queue: QueueState; cause: EndCause | 'redrive'; changes: Changes },
): Promise<void> {
  const from = await tx.queueById(row.queue);
  const { number = 0 } = (await tx.db.get<{ number: number }>(NEXT_MOVE)) ?? {};
  alter(tx, row, {
    ...move.changes,
    ...freshStart(row, tx.now),
    queue: move.queue.id,
    origin_queue: from.name,
    origin_cause: move.cause,
    origin_moved_at: tx.now,
    move_number: number,
  });
  tx.rename(row, from.name, move.queue.name);
  tx.sums.of(from.id).add('total_removed', 1);
  tx.sums.of(move.queue.id).add('total_added', 1);
  tx.hint(from.name, 'ended');
}

/** What every new generation begins with. */
export function freshStart(row: Moving, now: number): Changes {
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
