import type { Counts, Totals } from '../../job/queue-settings.ts';
import {
  type AttemptRecord,
  JOB_STATES,
  type JobRecord,
  type JobRef,
  type LogLine,
} from '../../job/record.ts';
import { NO_TOTALS } from '../../job/totals.ts';
import type { QueueSummary } from '../store.ts';
import { Cursor } from './cursor.ts';
import type { Engine } from './engine.ts';
import { attemptsOf, logOf } from './pack-attempt.ts';
import { readJob } from './pack-record.ts';
import { ALL_QUEUES, ATTEMPTS_OF, JOB_OF, LOGS_OF, QUEUES } from './read-scripts.ts';
import { bytesOf, listOf, type Reply } from './reply.ts';
import { DEFAULT_SETTINGS_TEXT, settingsOfText } from './settings-text.ts';

export async function job(engine: Engine, { queue, id }: JobRef): Promise<JobRecord | null> {
  const cursor = new Cursor(listOf(await engine.read(JOB_OF, [queue, id])));
  return cursor.isEnd ? null : readJob(cursor, cursor.text()).record;
}

export async function attempts(engine: Engine, { queue, id }: JobRef): Promise<AttemptRecord[]> {
  const cursor = new Cursor(listOf(await engine.read(ATTEMPTS_OF, [queue, id])));
  if (cursor.isEnd) return [];
  const found = readJob(cursor, cursor.text());
  return attemptsOf(found, listOf(cursor.next()).map(bytesOf));
}

export async function logs(
  engine: Engine,
  { queue, id }: JobRef,
  { after, limit }: { readonly after: number; readonly limit: number },
): Promise<LogLine[]> {
  return listOf(await engine.read(LOGS_OF, [queue, id, after, limit])).map((line) => logOf(bytesOf(line)));
}

export async function queues(engine: Engine, names?: readonly string[]): Promise<QueueSummary[]> {
  const wanted = names === undefined ? null : [...new Set(names)];
  const reply = await (wanted === null
    ? engine.read(ALL_QUEUES, [])
    : engine.read(QUEUES, [wanted.length, ...wanted]));
  const cursor = new Cursor(listOf(reply));
  const nowMs = cursor.number();
  const summaries: QueueSummary[] = [];
  while (!cursor.isEnd) summaries.push(readQueue(cursor, nowMs));
  return summaries.sort((one, other) => (one.queue < other.queue ? -1 : 1));
}

/** A queue as a script says it (`say_queue`). */
export function readQueue(cursor: Cursor, nowMs: number): QueueSummary {
  const queue = cursor.text();
  const fields = pairsOf(cursor.next());
  const ageOf = (at: number | null): number | null => (at === null ? null : Math.max(0, nowMs - at));
  const oldestReadyMs = ageOf(cursor.numberOrNull());
  const oldestActiveMs = ageOf(cursor.numberOrNull());
  const dueAt = cursor.numberOrNull();
  return {
    queue,
    settings: settingsOfText(fields.get('s') ?? DEFAULT_SETTINGS_TEXT),
    counts: countsOf(fields),
    totals: totalsOf(fields),
    oldestReadyMs,
    oldestActiveMs,
    nextDueInMs: dueAt === null ? null : Math.max(0, dueAt - nowMs),
    createdAt: Number(fields.get('c')),
  };
}

/** A hash as the server gives it: names and values in turn. */
export function pairsOf(reply: Reply): Map<string, string> {
  const flat = listOf(reply);
  const pairs = new Map<string, string>();
  for (let index = 0; index < flat.length; index += 2) {
    pairs.set(String(flat[index] ?? ''), String(flat[index + 1] ?? ''));
  }
  return pairs;
}

function countsOf(fields: ReadonlyMap<string, string>): Counts {
  return Object.fromEntries(JOB_STATES.map((state) => [state, Number(fields.get(state) ?? 0)])) as Counts;
}

function totalsOf(fields: ReadonlyMap<string, string>): Totals {
  const entries = Object.keys(NO_TOTALS).map((name) => [name, Number(fields.get(`t:${name}`) ?? 0)]);
  return Object.fromEntries(entries) as unknown as Totals;
}
