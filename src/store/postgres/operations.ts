import { OPERATIONS_KEPT_MS } from '../../job/keep.ts';
import { DEFAULT_SCAN } from '../../job/limits.ts';
import { matchesFilter } from '../../job/match.ts';
import { allowanceOf, operationFilter } from '../../job/operation.ts';
import type { JobRecord, JobRef } from '../../job/record.ts';
import { type OperationRow, toOperation } from '../operation-row.ts';
import type { MoveOutcome, NewOperation, OperationRecord } from '../store.ts';
import { lastSeq } from './admin.ts';
import { candidates } from './candidates.ts';
import { recordsOf } from './find.ts';
import { cancel, discard, promote, redrive } from './move.ts';
import type { ChoreResult } from './promote.ts';
import type { Transaction } from './transaction.ts';

const INSERT = `
  insert into {s}.operation (id, kind, filter, to_queue, rate, reason, state, done, skipped, scanned,
    started_at, after_seq, until_seq)
  values ($1, $2, $3, $4, $5, $6, 'running', 0, 0, 0, $7, 0, $8) on conflict (id) do nothing`;
const KNOWN = 'select 1 from {s}.operation where id = $1';
const ABORT = `
  update {s}.operation set state = 'aborted', finished_at = $1 where id = $2 and state = 'running'`;
const RUNNING = `
  select * from {s}.operation where state = 'running' order by started_at, id collate "C" for update`;
const RATES = "select rate from {s}.operation where state = 'running'";
const ADVANCE = `
  update {s}.operation set done = done + $1, skipped = skipped + $2, scanned = scanned + $3, after_seq = $4,
    state = $5, finished_at = $6 where id = $7`;
const FORGET = 'delete from {s}.operation where finished_at <= $1 and finished_at is not null';
/** Records read at once: their payloads stand in memory together. */
const PAGE = 200;

export async function startOperation(tx: Transaction, operation: NewOperation): Promise<{ outcome: 'ok' }> {
  const { id, kind, filter, toQueue, ratePerSecond, reason } = operation;
  const until = await lastSeq(tx);
  await tx.db.run(INSERT, id, kind, JSON.stringify(filter), toQueue, ratePerSecond, reason, tx.now, until);
  return { outcome: 'ok' };
}

export async function abortOperation(tx: Transaction, id: string): Promise<{ outcome: 'ok' | 'gone' }> {
  if ((await tx.db.get(KNOWN, id)) === undefined) return { outcome: 'gone' };
  await tx.db.run(ABORT, tx.now, id);
  return { outcome: 'ok' };
}

/** Each running operation goes on a bit; together they touch no more jobs than `limit`. */
export async function operate(
  tx: Transaction,
  limit: number,
): Promise<ChoreResult & { readonly done: number }> {
  let touched = 0;
  let done = 0;
  let more = false;
  for (const row of await tx.db.all<OperationRow>(RUNNING)) {
    const slice = await goOn(tx, row, limit - touched);
    // The next one looks at what this one has done.
    await tx.flush();
    touched += slice.touched;
    done += slice.done;
    more ||= slice.more;
  }
  return { touched, done, more };
}

interface Slice {
  touched: number;
  done: number;
  scanned: number;
  afterSeq: number;
}

async function goOn(
  tx: Transaction,
  row: OperationRow,
  budget: number,
): Promise<ChoreResult & { readonly done: number }> {
  const operation = toOperation(row);
  const meant = operationFilter(operation.kind, operation.filter);
  const elapsedMs = tx.now - operation.startedAt;
  const allowed = allowanceOf(operation.ratePerSecond, elapsedMs, operation.done + operation.skipped);
  const slice: Slice = { touched: 0, done: 0, scanned: 0, afterSeq: row.after_seq };
  const isMeantNow = (record: JobRecord | undefined): record is JobRecord =>
    record !== undefined && matchesFilter(meant, record, tx.now);
  for (;;) {
    const seqs = await candidates(tx, meant, { order: 'oldest', from: slice.afterSeq, page: PAGE });
    const ahead = seqs.filter((seq) => seq <= row.until_seq);
    const records = await recordsOf(tx, ahead);
    const meantNow = ahead.filter((seq) => isMeantNow(records.get(seq)));
    // All at once and in one order.
    await tx.jobsBySeq(meantNow.slice(0, Math.max(0, Math.min(budget, allowed) - slice.touched)), false);
    for (const seq of ahead) {
      const record = records.get(seq);
      const isMeant = isMeantNow(record);
      const isFull = isMeant && slice.touched >= Math.min(budget, allowed);
      if (isFull || slice.scanned === DEFAULT_SCAN) {
        // All before this one was looked at; what did not match then is behind the operation, whatever becomes of it.
        if (isFull) slice.afterSeq = seq - 1;
        await save(tx, operation, slice, 'running');
        return { ...slice, more: slice.touched < allowed };
      }
      slice.scanned += 1;
      slice.afterSeq = seq;
      if (!isMeant) continue;
      slice.touched += 1;
      if ((await act(tx, record, operation)).outcome === 'ok') slice.done += 1;
    }
    if (ahead.length < PAGE) break;
  }
  await save(tx, operation, slice, 'done');
  return { ...slice, more: false };
}

async function save(
  tx: Transaction,
  { id }: OperationRecord,
  slice: Slice,
  state: OperationRecord['state'],
): Promise<void> {
  const { touched, done, scanned, afterSeq } = slice;
  const finishedAt = state === 'done' ? tx.now : null;
  await tx.db.run(ADVANCE, done, touched - done, scanned, afterSeq, state, finishedAt, id);
}

function act(tx: Transaction, job: JobRef, { kind, toQueue, reason }: OperationRecord): Promise<MoveOutcome> {
  if (kind === 'redrive') return redrive(tx, job, toQueue);
  if (kind === 'cancel') return cancel(tx, job, reason);
  return kind === 'promote' ? promote(tx, job) : discard(tx, job);
}

/** When the next slice is due: at once, or, at a rate, soon. */
export async function untilNextSlice(tx: Transaction): Promise<number | null> {
  const running = await tx.db.all<{ rate: number | null }>(RATES);
  if (running.length === 0) return null;
  return running.some(({ rate }) => rate === null) ? 0 : 1_000;
}

export async function forgetOperations(tx: Transaction): Promise<void> {
  await tx.db.run(FORGET, tx.now - OPERATIONS_KEPT_MS);
}
