/** The canonical form, a part at a time, all of one moment: see `job/dump.ts`. */

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
  DUMP_PAGE,
  type DumpKind,
  type DumpKindOfJob,
  type DumpPart,
  dumpPartsOf,
  hangsOnJob,
  inKeyOrder,
} from '../dump-plan.ts';
import { attemptsOf, queues } from './inspect.ts';
import { allSessions, operations } from './lists.ts';
import { FULL, fullRows, type JobRow, toRecord } from './row.ts';
import { allStats } from './stats.ts';
import type { Transaction } from './transaction.ts';

const NAMES = 'select name from {s}.queue';
const IDS = 'select seq, id from {s}.job where queue_id = $1';
const JOBS = `select ${FULL} from {s}.job_now j where j.seq = any($1::bigint[])`;
const LOGS = 'select seq, number, at, text from {s}.log where seq = any($1::bigint[]) order by seq, number';

/** What to read in one go. */
export async function planDump(tx: Transaction): Promise<DumpPart[][]> {
  const seqs = await seqsInOrder(tx);
  const parts = dumpPartsOf(seqs);
  return seqs.length <= DUMP_PAGE ? [parts] : parts.map((part) => [part]);
}

export async function dumpParts(tx: Transaction, parts: readonly DumpPart[]): Promise<DumpLine[]> {
  const lines: DumpLine[] = [];
  for (const { kind, seqs } of parts) {
    lines.push(
      ...(hangsOnJob(kind) ? await linesOfJobs(tx, kind, seqs) : (await linesOfKind(tx, kind)).sort(byKey)),
    );
  }
  return lines;
}

/** Jobs in the order of their keys, which are compared as JSON text. */
async function seqsInOrder(tx: Transaction): Promise<number[]> {
  const seqs: number[] = [];
  for (const name of inKeyOrder(await namesOf(tx), (name) => name)) {
    const rows = await tx.db.all<{ seq: number; id: string }>(IDS, tx.knownQueue(name)?.id ?? 0);
    for (const { seq } of inKeyOrder(rows, ({ id }) => id)) seqs.push(seq);
  }
  return seqs;
}

/** Of all queues, which the transaction knows from here on. */
async function namesOf(tx: Transaction): Promise<string[]> {
  const names = (await tx.db.tuples<readonly [string]>(NAMES)).map(([name]) => name);
  await tx.needQueues(names);
  return names;
}

async function linesOfJobs(
  tx: Transaction,
  kind: DumpKindOfJob,
  seqs: readonly number[],
): Promise<DumpLine[]> {
  const rows = new Map((await fullRows(tx.db, JOBS, seqs)).map((row) => [row.seq, row]));
  await tx.needQueueIds([...rows.values()].map(({ queue }) => queue));
  const attempts = groupBySeq(kind === 'attempt' ? await attemptsOf(tx.db, seqs) : []);
  const logs = groupBySeq(kind === 'log' ? await tx.db.all<LogLine & { seq: number }>(LOGS, seqs) : []);
  return seqs.flatMap((seq) => {
    const row = rows.get(seq);
    if (row === undefined) return [];
    const record = toRecord(row, tx.knownQueueById(row.queue).name);
    if (kind === 'job') return [dumpJob(record, { seq, settledToken: row.settled_token })];
    if (kind === 'lease') return row.held ? [dumpLease(record, leaseOf(row))] : [];
    if (kind === 'attempt') return (attempts.get(seq) ?? []).map((attempt) => dumpAttempt(record, attempt));
    return (logs.get(seq) ?? []).map((line) => dumpLog(record, line));
  });
}

function groupBySeq<T extends { readonly seq: number }>(rows: readonly T[]): Map<number, Omit<T, 'seq'>[]> {
  const groups = new Map<number, Omit<T, 'seq'>[]>();
  for (const { seq, ...row } of rows) {
    const group = groups.get(seq);
    if (group === undefined) groups.set(seq, [row]);
    else group.push(row);
  }
  return groups;
}

function leaseOf(row: JobRow): Parameters<typeof dumpLease>[1] {
  const { token, lease_expires_at: expiresAt, deadline_at: deadlineAt, suspect_at: suspectAt, spared } = row;
  return { token, expiresAt, deadlineAt, suspect: suspectAt !== null, spared };
}

async function linesOfKind(tx: Transaction, kind: Exclude<DumpKind, DumpKindOfJob>): Promise<DumpLine[]> {
  if (kind === 'operation') return (await operations(tx)).map((one) => dumpOperation(one.id, one));
  if (kind === 'session') return (await allSessions(tx)).map((one) => dumpSession(one.id, one));
  if (kind === 'queue') {
    return (await queues(tx)).map(({ queue, settings, counts, totals, createdAt }) =>
      dumpQueue(queue, { settings, counts, totals, createdAt }),
    );
  }
  const step = kind === 'stats-hour' ? 'hour' : 'minute';
  const lines: DumpLine[] = [];
  for (const name of await namesOf(tx)) {
    const queue = tx.knownQueue(name);
    if (queue === null) continue;
    lines.push(...(await allStats(tx, queue, step)).map((point) => dumpStats(step, point)));
  }
  return lines;
}
