/** The canonical form: see `job/dump.ts`. A small store is read in one step; of a large one each page is of one moment. */

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
import type { DumpRow } from '../store.ts';
import { Cursor } from './cursor.ts';
import type { Engine } from './engine.ts';
import { pairsOf, readQueue } from './inspect.ts';
import { readOperations, readSessions } from './lists.ts';
import { attemptsOf, logOf } from './pack-attempt.ts';
import { readJob } from './pack-record.ts';
import { DUMP_ALL, JOBS_WHOLE } from './read-scripts.ts';
import { bytesOf, listOf } from './reply.ts';
import { readPoints } from './stats.ts';

const FEW = 1_000;
const PAGE = 200;
const KINDS_OF_JOBS = ['attempt', 'job', 'lease', 'log'] as const;
type KindOfJob = (typeof KINDS_OF_JOBS)[number];

/** Where a job is, and the text by which lines about jobs are sorted. */
interface Place {
  readonly queue: string;
  readonly seq: number;
  readonly key: string;
}

export async function* dump(engine: Engine): AsyncGenerator<DumpRow> {
  const cursor = new Cursor(listOf(await engine.read(DUMP_ALL, [FEW])));
  const others = readOthers(cursor);
  if (cursor.number() === 1) {
    yield* [...readFew(cursor), ...others].sort(byKey);
    return;
  }
  const places = readPlaces(cursor);
  for (const kind of KINDS_OF_JOBS) {
    for (let from = 0; from < places.length; from += PAGE) {
      yield* await linesOf(engine, places.slice(from, from + PAGE), kind);
    }
  }
  yield* others.sort(byKey);
}

function byKey(one: { readonly key: string }, other: { readonly key: string }): number {
  return one.key < other.key ? -1 : 1;
}

/** Queues with their statistics, sessions and operations. */
function readOthers(cursor: Cursor): DumpLine[] {
  const nowMs = cursor.number();
  const lines: DumpLine[] = [];
  for (let left = cursor.number(); left > 0; left -= 1) {
    const { queue, settings, counts, totals, createdAt } = readQueue(cursor, nowMs);
    lines.push(dumpQueue(queue, { settings, counts, totals, createdAt }));
    const replies = Array.from({ length: 3 * cursor.number() }, () => cursor.next());
    const { minutes, hours } = readPoints(replies, queue);
    lines.push(...minutes.map((point) => dumpStats('minute', point)));
    lines.push(...hours.map((point) => dumpStats('hour', point)));
  }
  lines.push(...readSessions(cursor).map(({ session }) => dumpSession(session.id, session)));
  lines.push(...readOperations(cursor).map(({ record }) => dumpOperation(record.id, record)));
  return lines;
}

function readFew(cursor: Cursor): DumpLine[] {
  const lines: DumpLine[] = [];
  while (!cursor.isEnd) {
    const queue = cursor.text();
    for (let left = cursor.number(); left > 0; left -= 1) {
      lines.push(...Object.values(readLines(cursor, queue)).flat());
    }
  }
  return lines;
}

/** A job with all that hangs on it, as a script says it (`say_whole`). */
function readLines(cursor: Cursor, queue: string): Record<KindOfJob, readonly DumpLine[]> {
  const stored = readJob(cursor, queue);
  const { record, seq, moving } = stored;
  const attempts = attemptsOf(stored, listOf(cursor.next()).map(bytesOf));
  const logs = listOf(cursor.next()).map((line) => logOf(bytesOf(line)));
  const { token, settledToken, leaseExpiresAt: expiresAt, deadlineAt, suspectAt, spared } = moving;
  const lease = { token, expiresAt, deadlineAt, suspect: suspectAt !== null, spared };
  return {
    attempt: attempts.map((attempt) => dumpAttempt(record, attempt)),
    job: [dumpJob(record, { seq, settledToken })],
    lease: record.state === 'active' ? [dumpLease(record, lease)] : [],
    log: logs.map((line) => dumpLog(record, line)),
  };
}

function readPlaces(cursor: Cursor): Place[] {
  const places: Place[] = [];
  while (!cursor.isEnd) {
    const queue = cursor.text();
    for (const [id, seq] of pairsOf(cursor.next())) {
      places.push({ queue, seq: Number(seq), key: JSON.stringify([queue, id]) });
    }
  }
  return places.sort(byKey);
}

async function linesOf(engine: Engine, places: readonly Place[], kind: KindOfJob): Promise<DumpLine[]> {
  const args = [places.length, ...places.flatMap(({ queue, seq }) => [queue, seq])];
  const cursor = new Cursor(listOf(await engine.read(JOBS_WHOLE, args)));
  const lines: DumpLine[] = [];
  while (!cursor.isEnd) lines.push(...readLines(cursor, cursor.text())[kind]);
  return lines;
}
