/**
 * The canonical form, in pages: a plan lists what there is in the order of the keys, then each part is read a
 * page at a time, so that a large store neither fills the memory nor blocks the engine for long.
 */

import {
  type DumpLine,
  dumpAttempt,
  dumpJob,
  dumpLease,
  dumpLog,
  dumpOperation,
  dumpQueue,
  dumpSession,
  dumpStats,
} from '../../job/dump.ts';
import type { LogLine } from '../../job/record.ts';
import {
  byKey,
  type DumpKind,
  type DumpKindOfJob,
  type DumpPart,
  dumpPartsOf,
  hangsOnJob,
  inKeyOrder,
} from '../dump-plan.ts';
import { attemptsOf, leaseOf } from './attempt.ts';
import { queues } from './inspect.ts';
import { operations } from './operations.ts';
import { COLD, FULL, fullRows, toRecord } from './row.ts';
import { allSessions } from './sessions.ts';
import { allStats } from './stats.ts';
import type { Transaction } from './transaction.ts';

const IDS = 'select seq, id from millrace_job where queue = ?';
const JOB = `select ${FULL} from millrace_job j ${COLD} where j.seq = ?`;
const LOGS = 'select number, at, text from millrace_log where seq = ? order by number';

export function planDump(tx: Transaction): DumpPart[] {
  return dumpPartsOf(seqsInOrder(tx));
}

export function dumpPart(tx: Transaction, { kind, seqs }: DumpPart): DumpLine[] {
  const lines = hangsOnJob(kind) ? seqs.flatMap((seq) => linesOfJob(tx, kind, seq)) : linesOfKind(tx, kind);
  return lines.map(({ key, value }) => ({ key, value }));
}

/** Jobs in the order of their keys, which are compared as JSON text. */
function seqsInOrder(tx: Transaction): number[] {
  const names = queues(tx).map(({ queue }) => queue);
  return inKeyOrder(names, (name) => name).flatMap((name) => {
    const rows = tx.db.all<{ seq: number; id: string }>(IDS, tx.queue(name)?.id ?? 0);
    return inKeyOrder(rows, ({ id }) => id).map(({ seq }) => seq);
  });
}

function linesOfJob(tx: Transaction, kind: DumpKindOfJob, seq: number): DumpLine[] {
  const [row] = fullRows(tx.db, JOB, seq);
  if (row === undefined) return [];
  const record = toRecord(row, tx.queueById(row.queue).name);
  if (kind === 'job') return [dumpJob(record, { seq, settledToken: row.settled_token })];
  if (kind === 'attempt') return attemptsOf(tx.db, seq).map((attempt) => dumpAttempt(record, attempt));
  if (kind === 'log') return tx.db.all<LogLine>(LOGS, seq).map((line) => dumpLog(record, line));
  const lease = row.state === 'active' ? leaseOf(tx.db, row) : null;
  if (lease === null) return [];
  const { token, expires_at: expiresAt, deadline_at: deadlineAt, suspect_at: suspectAt } = lease;
  const spared = lease.spared !== 0;
  return [dumpLease(record, { token, expiresAt, deadlineAt, suspect: suspectAt !== null, spared })];
}

function linesOfKind(tx: Transaction, kind: DumpKind): DumpLine[] {
  return linesUnsorted(tx, kind).sort(byKey);
}

function linesUnsorted(tx: Transaction, kind: DumpKind): DumpLine[] {
  if (kind === 'operation') return operations(tx).map((operation) => dumpOperation(operation.id, operation));
  if (kind === 'session') return allSessions(tx).map((session) => dumpSession(session.id, session));
  const summaries = queues(tx);
  if (kind === 'queue') {
    return summaries.map(({ queue, settings, counts, totals, createdAt }) =>
      dumpQueue(queue, { settings, counts, totals, createdAt }),
    );
  }
  const step = kind === 'stats-hour' ? 'hour' : 'minute';
  return summaries.flatMap(({ queue }) => {
    const state = tx.queue(queue);
    return state === null ? [] : allStats(tx, state, step).map((point) => dumpStats(step, point));
  });
}
