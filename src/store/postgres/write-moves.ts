import type { AttemptRecord } from '../../job/record.ts';
import type { ChangeKind } from '../store.ts';
import type { Database } from './database.ts';
import { type Moving, type Place, placeOf } from './moving.ts';
import { stateNumber } from './row.ts';

const WRITE = 'select {s}.write_v1($1, $2, $3, $4, $5, $6, $7, $8, $9)';

export interface Told {
  readonly queue: string;
  readonly kind: ChangeKind;
  readonly id: string;
  readonly name: string;
  readonly data: string | null;
}

export interface NewLine {
  readonly seq: number;
  readonly number: number;
  readonly text: string;
}

export interface Moves {
  readonly rows: readonly Moving[];
  readonly attempts: readonly (AttemptRecord & { readonly seq: number })[];
  readonly lines: readonly NewLine[];
  readonly told: readonly Told[];
  readonly deltas: readonly object[];
}

/** All of it by one statement. */
export async function writeMoves(db: Database, now: number, moves: Moves): Promise<void> {
  const { rows, attempts, lines, told, deltas } = moves;
  if ([rows, attempts, lines, told, deltas].every(({ length }) => length === 0)) return;
  const left = rows.filter((row) => (row.isMoved || row.isGone) && row.was !== null);
  const kept = rows.filter(({ isGone }) => !isGone);
  const gone = rows.filter(({ isGone }) => isGone).map(({ seq }) => seq);
  const ofGone = new Set(gone);
  await db.run(
    WRITE,
    now,
    kindsOf(left.flatMap(({ was }) => (was === null ? [] : leavingOf(was)))),
    textOf(kept.map(rowOf)),
    kindsOf(kept.filter(({ isMoved }) => isMoved).flatMap(enteringOf)),
    gone.length === 0 ? null : gone,
    textOf(attempts.filter(({ seq }) => !ofGone.has(seq)).map(attemptOf)),
    textOf(lines.filter(({ seq }) => !ofGone.has(seq))),
    textOf(told),
    textOf(deltas),
  );
  for (const row of rows) settleDown(row);
}

function settleDown(row: Moving): void {
  row.was = row.isGone ? null : placeOf(row);
  row.isMoved = false;
  delete row.newBody;
  delete row.newResult;
  delete row.newProgress;
}

function textOf(rows: readonly unknown[]): string | null {
  return rows.length === 0 ? null : JSON.stringify(rows);
}

/** A kind of place, and what the statement needs to know of a job that leaves or enters it. */
type Passage = readonly [kind: string, what: unknown];

function kindsOf(passages: readonly Passage[]): string | null {
  const kinds: Record<string, unknown[]> = {};
  for (const [kind, what] of passages) {
    kinds[kind] ??= [];
    kinds[kind].push(what);
  }
  return passages.length === 0 ? null : JSON.stringify(kinds);
}

function leavingOf({ seq, queue, state, priority, rank, due, expires, token, first }: Place): Passage[] {
  const isOpen = state === 'waiting' || state === 'delayed';
  const passages: Passage[] = [];
  if (state === 'waiting') passages.push(['waiting', { seq, queue, priority, rank }]);
  if ((state === 'delayed' || state === 'parked') && due !== null)
    passages.push(['due', { seq, queue, due }]);
  if (isOpen && expires !== null) passages.push(['expiring', { seq, queue, expires }]);
  if (state === 'completed') passages.push(['completed', { seq, queue }]);
  if (state === 'active') passages.push(first === null ? ['lease', { token }] : ['batch', { seq, first }]);
  return passages;
}

function enteringOf(row: Moving): Passage[] {
  const { seq, queue, state, token, claimed_at, worker } = row;
  const isOpen = state === 'waiting' || state === 'delayed';
  const passages: Passage[] = [];
  if (state === 'waiting') passages.push(['waiting', seq]);
  if ((state === 'delayed' || state === 'parked') && row.due_at !== null) passages.push(['due', seq]);
  if (isOpen && row.expires_at !== null) passages.push(['expiring', seq]);
  if (state === 'completed') {
    const { finished_at, prune_at, trace_id, newResult } = row;
    const result = base64(newResult);
    passages.push([
      'completed',
      { seq, queue, token, claimed_at, finished_at, prune_at, worker, trace_id, result },
    ]);
  }
  if (state === 'active') {
    const { lease_expires_at: expires_at, deadline_at, suspect_at, spared } = row;
    const terms = { expires_at, deadline_at, suspect_at, spared };
    passages.push(['lease', { seq, queue, token, claimed_at, worker, ...terms }]);
  }
  return passages;
}

function base64(bytes: Uint8Array | null | undefined): string | null {
  return bytes === null || bytes === undefined ? null : Buffer.from(bytes).toString('base64');
}

/** The columns of its own row. */
function rowOf(row: Moving): object {
  const { id, name, policy, added_at, timeout_ms, keep_completed_ms, keep_failed_ms, ...changing } = row;
  const { was, isMoved, isGone, session, newBody, newResult, newProgress, trace_id, ...rest } = changing;
  const { held, first_token, lease_expires_at, deadline_at, suspect_at, spared, ...columns } = rest;
  return {
    ...columns,
    state: stateNumber(row.state),
    body: base64(newBody),
    progress: base64(newProgress),
    sets_progress: newProgress !== undefined,
  };
}

function attemptOf(attempt: AttemptRecord & { readonly seq: number }): object {
  const { seq, number, generation, token, worker, startedAt, endedAt, outcome, error } = attempt;
  return {
    ...{ seq, number, generation, token, worker, outcome },
    ...{ started_at: startedAt, ended_at: endedAt },
    error: error === null ? null : JSON.stringify(error),
    retry_after_ms: attempt.retryAfterMs,
    trace_id: attempt.traceId,
  };
}
