/** Short lists that are read whole: sessions, the leases of one worker, operations and the audit. */

import type { LeaseRef } from '../../job/record.ts';
import type { AuditRecord, NewOperation, OperationRecord, SessionRecord } from '../store.ts';
import { Cursor } from './cursor.ts';
import type { Engine } from './engine.ts';
import { pairsOf } from './inspect.ts';
import { LEASES, OPERATIONS_OF, SESSIONS } from './read-scripts.ts';
import { listOf, textOf } from './reply.ts';

export async function sessions(engine: Engine): Promise<SessionRecord[]> {
  const cursor = new Cursor(listOf(await engine.read(SESSIONS, [])));
  return readSessions(cursor)
    .filter(({ session, nowMs }) => session.expiresAt > nowMs)
    .map(({ session }) => session);
}

/** All that are kept, also those that ended and that upkeep has not forgotten yet, by id. */
export function readSessions(
  cursor: Cursor,
): readonly { readonly session: SessionRecord; readonly nowMs: number }[] {
  const nowMs = cursor.number();
  return [...pairsOf(cursor.next())]
    .map(([id, text]) => ({ session: sessionOf(id, text), nowMs }))
    .sort((one, other) => (one.session.id < other.session.id ? -1 : 1));
}

/** Three instants, and what it shows of itself. */
function sessionOf(id: string, text: string): SessionRecord {
  const [, startedAt, seenAt, expiresAt, shown = '{}'] = /^(\d+) (\d+) (\d+) (.*)$/s.exec(text) ?? [];
  const rest = JSON.parse(shown) as Omit<SessionRecord, 'id' | 'startedAt' | 'seenAt' | 'expiresAt'>;
  return { id, ...rest, startedAt: Number(startedAt), seenAt: Number(seenAt), expiresAt: Number(expiresAt) };
}

export async function leases(engine: Engine, session: string): Promise<LeaseRef[]> {
  const cursor = new Cursor(listOf(await engine.read(LEASES, [session])));
  const held: LeaseRef[] = [];
  while (!cursor.isEnd) held.push({ queue: cursor.text(), id: cursor.text(), token: cursor.number() });
  return held;
}

/** An operation and how far it has come. */
export interface StoredOperation {
  readonly record: OperationRecord;
  /** As text: who goes on says it again. */
  readonly after: string;
  readonly untilSeq: number;
}

export async function storedOperations(
  engine: Engine,
): Promise<{ readonly nowMs: number; readonly operations: readonly StoredOperation[] }> {
  const cursor = new Cursor(listOf(await engine.read(OPERATIONS_OF, [])));
  const nowMs = cursor.number();
  return { nowMs, operations: readOperations(cursor) };
}

export async function operations(engine: Engine): Promise<OperationRecord[]> {
  return (await storedOperations(engine)).operations.map(({ record }) => record);
}

/** By (`startedAt`, id). */
export function readOperations(cursor: Cursor): StoredOperation[] {
  const many = cursor.number();
  return Array.from({ length: many }, () => readOperation(cursor)).sort(
    ({ record: one }, { record: other }) => one.startedAt - other.startedAt || (one.id < other.id ? -1 : 1),
  );
}

function readOperation(cursor: Cursor): StoredOperation {
  const spec = JSON.parse(cursor.text()) as NewOperation;
  const state = cursor.text() as OperationRecord['state'];
  const [done, skipped, scanned, startedAt] = [
    cursor.number(),
    cursor.number(),
    cursor.number(),
    cursor.number(),
  ] as const;
  const record = { ...spec, state, done, skipped, scanned, startedAt, finishedAt: cursor.numberOrNull() };
  return { record, after: cursor.text(), untilSeq: cursor.number() };
}

/** The newest first. */
export async function audit(engine: Engine, limit: number): Promise<AuditRecord[]> {
  const rows = listOf(await engine.call('LRANGE', `${engine.place.prefix}audit`, 0, limit - 1));
  return rows.map((row) => {
    const text = textOf(row);
    const at = Number(text.slice(0, text.indexOf(' ')));
    return { at, ...(JSON.parse(text.slice(text.indexOf(' ') + 1)) as Omit<AuditRecord, 'at'>) };
  });
}
