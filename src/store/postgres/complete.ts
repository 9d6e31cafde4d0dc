/** The end of most attempts, for many at once: the job is completed, and nothing else follows from it. */

import type { Bytes } from '../../job/record.ts';
import type { ClaimRequest, CommitAnswer, Settlement, SettleResult } from '../store.ts';
import { endToEnd } from './add.ts';
import { numberArray, textArray } from './array-text.ts';
import { type AnswerRow, answersOf, askFor, lookAgain, type Memory, textOf } from './claim.ts';
import type { Database } from './database.ts';

type Completion = Settlement & { readonly next: { readonly to: 'completed'; readonly result: Bytes | null } };

const COMMIT = 'select answer, bytes from {s}.commit_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)';
const COMPLETED: SettleResult = Object.freeze({ outcome: 'ok', state: 'completed' });

function isPlain({ next, effects = [], lease }: Settlement): boolean {
  return next.to === 'completed' && effects.length === 0 && lease.token > 0;
}

/** Whether one statement may do all of it. */
export function arePlain(settlements: readonly Settlement[]): settlements is readonly Completion[] {
  if (settlements.length === 0 || !settlements.every(isPlain)) return false;
  return new Set(settlements.map(({ lease }) => lease.token)).size === settlements.length;
}

export interface Commit {
  readonly settlements: readonly Completion[];
  readonly claims: readonly ClaimRequest[];
}

/** null: one of the leases is not held any more, or something else is to be said about its job. Nothing was done. */
export async function completeAtOnce(
  db: Database,
  { settlements, claims }: Commit,
  { memory, now }: { readonly memory: Memory; readonly now: number | null },
): Promise<CommitAnswer | null> {
  const asked = askFor(claims, memory);
  const rows = await db.all<AnswerRow>(
    COMMIT,
    ...[now, ...valuesOf(settlements, memory), claims.length === 0 ? null : textOf(asked)],
  );
  if (rows.length === 0) return null;
  memory.held.forget(settlements.map(({ lease }) => lease));
  const settled = settlements.map(() => COMPLETED);
  if (claims.length === 0) return { settled, claimed: [] };
  const answers = answersOf(rows.slice(1), asked, memory);
  return { settled, claimed: await lookAgain(db, { asked, answers }, { memory, now, isAlone: true }) };
}

function valuesOf(settlements: readonly Completion[], { held }: Memory): Parameters<Database['all']>[1][] {
  const isInOrder = settlements.every(({ lease }, index) => {
    const before = settlements[index - 1];
    return before === undefined || before.lease.token < lease.token;
  });
  const sorted = isInOrder
    ? settlements
    : settlements.toSorted(({ lease: one }, { lease: other }) => one.token - other.token);
  const isKnown = sorted.every(({ lease }) => held.knows(lease));
  const results = sorted.map(({ next }) => next.result);
  const isBare =
    results.every((result) => result === null) && sorted.every(({ traceId }) => traceId === undefined);
  return [
    numberArray(sorted.map(({ lease }) => lease.token)),
    isKnown ? null : textArray(sorted.map(({ lease }) => lease.queue)),
    isKnown ? null : textArray(sorted.map(({ lease }) => lease.id)),
    ...(isBare ? [null, null, null, null] : bytesOf(sorted, results)),
    sorted.some(({ mode }) => mode === 'strict'),
    isInOrder,
  ];
}

function bytesOf(
  sorted: readonly Completion[],
  results: readonly (Bytes | null)[],
): Parameters<Database['all']>[1][] {
  let end = 1;
  const at = results.map((result) => {
    end += result?.byteLength ?? 0;
    return end - (result?.byteLength ?? 0);
  });
  const isTraced = sorted.some(({ traceId }) => traceId !== undefined);
  return [
    numberArray(at),
    results.map((result) => result?.byteLength ?? null),
    endToEnd(results.flatMap((result) => result ?? [])),
    isTraced ? sorted.map(({ traceId }) => traceId ?? null) : null,
  ];
}
