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
import { attemptsOf, leaseOf } from './attempt.ts';
import { queues } from './inspect.ts';
import { operations } from './operations.ts';
import { COLD, FULL, fullRows, toRecord } from './row.ts';
import { allSessions } from './sessions.ts';
import { allStats } from './stats.ts';
import type { Transaction } from './transaction.ts';

const KINDS = [
  'attempt',
  'job',
  'lease',
  'log',
  'operation',
  'queue',
  'session',
  'stats-hour',
  'stats-minute',
] as const;
type Kind = (typeof KINDS)[number];

/** One page: for jobs and what hangs on them the jobs' numbers, else all of the kind. */
export interface DumpPart {
  readonly kind: Kind;
  readonly seqs: readonly number[];
}

const PAGE = 500;
const IDS = 'select seq, id from millrace_job where queue = ?';
const JOB = `select ${FULL} from millrace_job j ${COLD} where j.seq = ?`;
const LOGS = 'select number, at, text from millrace_log where seq = ? order by number';

export function planDump(tx: Transaction): DumpPart[] {
  const seqs = seqsInOrder(tx);
  return KINDS.flatMap((kind): DumpPart[] => {
    if (!hangsOnJob(kind)) return [{ kind, seqs: [] }];
    const pages = Math.ceil(seqs.length / PAGE);
    return Array.from({ length: pages }, (_, page) => ({
      kind,
      seqs: seqs.slice(page * PAGE, (page + 1) * PAGE),
    }));
  });
}

export function dumpPart(tx: Transaction, { kind, seqs }: DumpPart): DumpLine[] {
  const lines = hangsOnJob(kind) ? seqs.flatMap((seq) => linesOfJob(tx, kind, seq)) : linesOfKind(tx, kind);
  return lines.map(({ key, value }) => ({ key, value }));
}

function hangsOnJob(kind: Kind): kind is 'attempt' | 'job' | 'lease' | 'log' {
  return kind === 'attempt' || kind === 'job' || kind === 'lease' || kind === 'log';
}

/** Jobs in the order of their keys, which are compared as JSON text. */
function seqsInOrder(tx: Transaction): number[] {
  const names = queues(tx).map(({ queue }) => queue);
  return names
    .map((name) => ({ name, key: JSON.stringify(name) }))
    .sort(byKey)
    .flatMap(({ name }) => {
      const rows = tx.db.all<{ seq: number; id: string }>(IDS, tx.queue(name)?.id ?? 0);
      return rows.map(({ seq, id }) => ({ seq, key: JSON.stringify(id) })).sort(byKey);
    })
    .map(({ seq }) => seq);
}

function byKey(one: { readonly key: string }, other: { readonly key: string }): number {
  return one.key < other.key ? -1 : 1;
}

function linesOfJob(tx: Transaction, kind: 'attempt' | 'job' | 'lease' | 'log', seq: number): DumpLine[] {
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

function linesOfKind(tx: Transaction, kind: Kind): DumpLine[] {
  return linesUnsorted(tx, kind).sort(byKey);
}

function linesUnsorted(tx: Transaction, kind: Kind): DumpLine[] {
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
