import { OPERATIONS_KEPT_MS } from '../../job/keep.ts';
import { DEFAULT_SCAN } from '../../job/limits.ts';
import { matchesFilter } from '../../job/match.ts';
import { allowanceOf, operationFilter } from '../../job/operation.ts';
import type { MoveOutcome, NewOperation, OperationRecord } from '../store.ts';
import { candidates } from './find.ts';
import { cancel, discard, promote, redrive } from './move.ts';
import { own } from './own.ts';
import { by, bySeq, type State, type StoredJob, type StoredOperation } from './state.ts';
import type { Chore, Step } from './step.ts';

export function startOperation({ state, nowMs }: Step, operation: NewOperation): { outcome: 'ok' } {
  if (state.operations.has(operation.id)) return { outcome: 'ok' };
  const begun = {
    state: 'running',
    done: 0,
    skipped: 0,
    scanned: 0,
    startedAt: nowMs,
    finishedAt: null,
  } as const;
  const record = { ...own(operation), ...begun };
  state.operations.set(operation.id, { record, afterSeq: 0, untilSeq: state.seq });
  return { outcome: 'ok' };
}

export function abortOperation({ state, nowMs }: Step, id: string): { outcome: 'ok' | 'gone' } {
  const operation = state.operations.get(id);
  if (operation === undefined) return { outcome: 'gone' };
  if (operation.record.state === 'running') {
    operation.record = { ...operation.record, state: 'aborted', finishedAt: nowMs };
  }
  return { outcome: 'ok' };
}

export function operations(state: State): OperationRecord[] {
  return inOrder(state).map(({ record }) => record);
}

function inOrder(state: State): StoredOperation[] {
  return [...state.operations.values()].sort(
    ({ record: one }, { record: other }) =>
      by(one.startedAt, other.startedAt) || (one.id < other.id ? -1 : 1),
  );
}

/** Each running operation goes on a bit; together they touch no more jobs than `limit`. */
export function operate(step: Step, limit: number): Chore & { readonly done: number } {
  let touched = 0;
  let done = 0;
  let more = false;
  for (const operation of inOrder(step.state)) {
    if (operation.record.state !== 'running') continue;
    const slice = goOn(step, operation, limit - touched);
    touched += slice.touched;
    done += slice.done;
    more ||= slice.more;
  }
  return { touched, done, more };
}

function goOn(step: Step, operation: StoredOperation, budget: number): Chore & { readonly done: number } {
  const { kind, filter, ratePerSecond, startedAt, done, skipped } = operation.record;
  const meant = operationFilter(kind, filter);
  const allowed = allowanceOf(ratePerSecond, step.nowMs - startedAt, done + skipped);
  const slice = { touched: 0, done: 0, scanned: 0 };
  for (const job of ahead(step.state, operation)) {
    const isMeant = matchesFilter(meant, job.record, step.nowMs);
    const isFull = isMeant && slice.touched >= Math.min(budget, allowed);
    if (isFull || slice.scanned === DEFAULT_SCAN) {
      advance(operation, slice);
      return { ...slice, more: slice.touched < allowed };
    }
    slice.scanned += 1;
    operation.afterSeq = job.seq;
    if (!isMeant) continue;
    slice.touched += 1;
    if (act(step, job, operation.record).outcome === 'ok') slice.done += 1;
  }
  advance(operation, slice);
  operation.record = { ...operation.record, state: 'done', finishedAt: step.nowMs };
  return { ...slice, more: false };
}

/** Jobs that were there at the start and that it has not seen yet. */
function ahead(state: State, { record, afterSeq, untilSeq }: StoredOperation): StoredJob[] {
  return candidates(state, record.filter)
    .filter(({ seq }) => seq > afterSeq && seq <= untilSeq)
    .sort(bySeq);
}

function advance(
  operation: StoredOperation,
  slice: { touched: number; done: number; scanned: number },
): void {
  const { done, skipped, scanned } = operation.record;
  operation.record = {
    ...operation.record,
    done: done + slice.done,
    skipped: skipped + slice.touched - slice.done,
    scanned: scanned + slice.scanned,
  };
}

function act(step: Step, { record }: StoredJob, { kind, toQueue, reason }: OperationRecord): MoveOutcome {
  if (kind === 'redrive') return redrive(step, record, toQueue);
  if (kind === 'cancel') return cancel(step, record, reason);
  return kind === 'promote' ? promote(step, record) : discard(step, record);
}

/** When the next slice is due: at once, or, at a rate, soon. */
export function untilNextSlice(state: State): number | null {
  const running = inOrder(state).filter(({ record }) => record.state === 'running');
  if (running.length === 0) return null;
  return running.some(({ record }) => record.ratePerSecond === null) ? 0 : 1_000;
}

export function forgetOperations({ state, nowMs }: Step): void {
  for (const [id, { record }] of state.operations) {
    if (record.finishedAt !== null && nowMs - record.finishedAt >= OPERATIONS_KEPT_MS)
      state.operations.delete(id);
  }
}
