/** Changing many jobs of a queue, or the queue itself. */

import {
  ActiveJobsError,
  DuplicateJobError,
  InvalidOptionError,
  JobNotFoundError,
  type MillraceError,
  WrongStateError,
} from '../errors.ts';
import type { JobFilter } from '../job/filter.ts';
import { MAX_REASON_BYTES } from '../job/limits.ts';
import { storableText } from '../job/storable-text.ts';
import type { StoreTx, Swept } from '../store/store.ts';
import type { Client } from './client.ts';
import { filterIn } from './inspect.ts';
import { type Operation, startOperation } from './operation.ts';
import { type Move, moveJob } from './write.ts';

/** Which jobs: one id, some ids, or all that match a filter (`parseSearch` makes one from text). */
export type Which = string | readonly string[] | JobFilter;

/** What became of jobs that were named by id. */
export interface BulkOutcome {
  readonly done: number;
  /** Left as they were, each with the reason. */
  readonly skipped: readonly { readonly id: string; readonly error: MillraceError }[];
}

/** One id: done, or an error. Ids: a report. A filter: an operation that upkeep carries out. */
export type Answer<W extends Which> = W extends string
  ? undefined
  : W extends readonly string[]
    ? BulkOutcome
    : Operation;

export interface CancelOptions {
  /** The jobs are cancelled when, and only if, this transaction commits. For jobs that are named by id. */
  readonly tx?: StoreTx;
}

export interface BulkAction {
  readonly kind: 'redrive' | 'discard' | 'cancel' | 'promote';
  readonly toQueue?: string | null;
  readonly ratePerSecond?: number | null;
  readonly reason?: string;
  /** The caller's own transaction; for jobs that are named. */
  readonly tx?: StoreTx | undefined;
}

export async function act<W extends Which>(
  client: Client,
  queue: string,
  which: W,
  action: BulkAction,
): Promise<Answer<W>> {
  const answer = await actOn(client, queue, which, action);
  return answer as Answer<W>;
}

async function actOn(
  client: Client,
  queue: string,
  which: Which,
  action: BulkAction,
): Promise<undefined | BulkOutcome | Operation> {
  const rated = (action.ratePerSecond ?? null) !== null;
  if (typeof which === 'string') {
    await moveJob(client, moveOf(queue, which, action), action.tx);
    return undefined;
  }
  if (action.tx !== undefined && !Array.isArray(which)) {
    const message = 'is for jobs that are named by id; a filter is carried out later, by upkeep';
    throw new InvalidOptionError(`${action.kind} in queue "${queue}"`, [{ path: 'tx', message }]);
  }
  if (!Array.isArray(which)) return operate(client, filterIn(queue, which as JobFilter), action);
  const ids: readonly string[] = which;
  if (rated) return operate(client, filterIn(queue, { ids }), action);
  return moveEach(client, queue, ids, action);
}

function operate(client: Client, filter: JobFilter, action: BulkAction): Promise<Operation> {
  return startOperation(client, {
    kind: action.kind,
    filter,
    toQueue: action.toQueue ?? null,
    ratePerSecond: action.ratePerSecond ?? null,
    reason: storableText(String(action.reason ?? ''), MAX_REASON_BYTES),
  });
}

async function moveEach(
  client: Client,
  queue: string,
  ids: readonly string[],
  action: BulkAction,
): Promise<BulkOutcome> {
  const skipped: { id: string; error: MillraceError }[] = [];
  const tries = ids.map(async (id) => {
    try {
      await moveJob(client, moveOf(queue, id, action), action.tx);
    } catch (error) {
      if (!isAboutTheJob(error)) throw error;
      skipped.push({ id, error });
    }
  });
  await Promise.all(tries);
  return { done: ids.length - skipped.length, skipped };
}

/** What is about the store instead meets all of them and is thrown. */
function isAboutTheJob(error: unknown): error is MillraceError {
  return [JobNotFoundError, WrongStateError, DuplicateJobError, InvalidOptionError].some(
    (kind) => error instanceof kind,
  );
}

function moveOf(queue: string, id: string, { kind, toQueue, reason }: BulkAction): Move {
  const job = { queue, id };
  switch (kind) {
    case 'cancel':
      return {
        op: kind,
        job,
        reason: storableText(String(reason ?? 'cancelled by request'), MAX_REASON_BYTES),
      };
    case 'redrive':
      return { op: kind, job, toQueue: toQueue ?? null };
    default:
      return { op: kind, job };
  }
}

/** Slice by slice until all that was there at the beginning is gone; answers how many. */
export async function drainQueue(client: Client, queue: string, delayed: boolean): Promise<number> {
  let before: number | null = null;
  for (let removed = 0; ; ) {
    const swept: Swept = await client.apply({ op: 'drain', queue, delayed, before });
    removed += swept.removed;
    if (!swept.more) return removed;
    ({ before } = swept);
  }
}

/**
 * @throws ActiveJobsError while jobs are active, unless `force`.
 */
export async function obliterateQueue(client: Client, queue: string, force: boolean): Promise<number> {
  for (let removed = 0; ; ) {
    const swept = await client.apply({ op: 'obliterate', queue, force });
    if (swept.outcome === 'active') throw new ActiveJobsError(queue);
    removed += swept.removed;
    if (!swept.more) return removed;
  }
}
