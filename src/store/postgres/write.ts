import { changeData } from '../../job/change-data.ts';
import { deadlineOf } from '../../job/lease.ts';
import type { Bytes, LeaseRef } from '../../job/record.ts';
import type { MoveOutcome, Target } from '../store.ts';
import { fence } from './attempt.ts';
import { alter } from './jobs.ts';
import type { Moving } from './moving.ts';
import type { Transaction } from './transaction.ts';

/** What a worker writes while the job runs, fenced by its token; also open to anybody who brings none. */
async function guarded(tx: Transaction, target: Target, write: (row: Moving) => void): Promise<MoveOutcome> {
  const row = await tx.job(target);
  if (row === null) return { outcome: 'gone' };
  const held = 'token' in target ? fence(tx, row, target.token) : 'ok';
  if (held === 'ok') write(row);
  return { outcome: held };
}

export function progress(tx: Transaction, target: Target, value: Bytes): Promise<MoveOutcome> {
  return guarded(tx, target, (row) => {
    alter(tx, row, { newProgress: value });
    const change = { kind: 'progress', id: row.id, name: row.name } as const;
    tx.tell(tx.knownQueueById(row.queue), change, () => changeData(value));
  });
}

/** Lines that were dropped keep their numbers. */
export function log(tx: Transaction, target: Target, lines: readonly string[]): Promise<MoveOutcome> {
  return guarded(tx, target, (row) => {
    for (const [index, text] of lines.entries())
      tx.line({ seq: row.seq, number: row.logged + 1 + index, text });
    if (lines.length > 0) alter(tx, row, { logged: row.logged + lines.length });
  });
}

/** While it is alone, what becomes of its lease is its own doing. The time that it waited for that is given back. */
export function isolate(tx: Transaction, ref: LeaseRef, alone: boolean): Promise<MoveOutcome> {
  return guarded(tx, ref, (row) => {
    const deadlineAt = alone ? deadlineOf(row.timeout_ms, tx.now) : row.deadline_at;
    changeLease(tx, row, { spared: !alone, deadline_at: deadlineAt });
  });
}

/** Under terms of its own a lease lies alone. */
export function changeLease(
  tx: Transaction,
  row: Moving,
  terms: Partial<Pick<Moving, 'spared' | 'deadline_at' | 'suspect_at' | 'lease_expires_at'>>,
): void {
  row.isMoved = true;
  row.first_token = null;
  alter(tx, row, terms);
}

export function data(
  tx: Transaction,
  target: Target,
  body: Bytes,
  contentType: string,
): Promise<MoveOutcome> {
  return guarded(tx, target, (row) => alter(tx, row, { newBody: body, content_type: contentType }));
}
