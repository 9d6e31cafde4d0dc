/** The verbs that read, where queues spread: of one queue from its cell, of all merged. */

import type { JobRecord, JobRef } from '../../../job/record.ts';
import { systemClock } from '../../../runtime/clock.ts';
import type { AuditRecord, Durability, FeedPage, FeedRequest, Store } from '../../store.ts';
import type { Engine } from '../engine.ts';
import { feed } from '../feed.ts';
import { find } from '../find.ts';
import { attempts, job, logs, queues } from '../inspect.ts';
import { audit, sessions } from '../lists.ts';
import { durabilityOf, type Facts, factsNow } from '../open.ts';
import { textOf } from '../reply.ts';
import { settingsFindings } from '../settings-findings.ts';
import { stats } from '../stats.ts';
import type { Cells } from './cells.ts';
import { dumpCells } from './dump.ts';
import { findInCells } from './find.ts';
import { operationsOf } from './operations.ts';
import { verifyCells } from './verify.ts';
import type { SpreadParts } from './writes.ts';

type Reads = Pick<
  Store,
  | 'job'
  | 'attempts'
  | 'logs'
  | 'find'
  | 'queues'
  | 'stats'
  | 'sessions'
  | 'leases'
  | 'feed'
  | 'operations'
  | 'audit'
  | 'verify'
  | 'dump'
  | 'durability'
  | 'doctor'
>;

export function spreadReads(parts: SpreadParts): Reads {
  const { cells } = parts;
  const { home } = cells;
  return {
    job: (ref) => jobOf(parts, ref),
    attempts: async (ref) => {
      const found = await jobOf(parts, ref);
      return found === null ? [] : attempts(cells.at(found.queue), found);
    },
    logs: async (ref, after, limit) => {
      const found = await jobOf(parts, ref);
      return found === null ? [] : logs(cells.at(found.queue), found, { after, limit });
    },
    find: (filter, page) =>
      filter.queues?.length === 1
        ? find(cells.at(filter.queues[0] ?? ''), filter, page)
        : findInCells(cells, filter, page),
    queues: async (names) => {
      const wanted = [...new Set(names ?? (await cells.names()))].sort();
      return (await Promise.all(wanted.map((queue) => queues(cells.at(queue), [queue])))).flat();
    },
    stats: (request) => stats(cells.at(request.queue), request),
    sessions: () => sessions(home),
    leases: (session) => parts.sessions.leases(session),
    feed: (request) => feedOf(cells, request),
    operations: () => operationsOf(cells),
    audit: (limit) => auditOf(cells, limit),
    verify: () => verifyCells(cells),
    dump: () => dumpCells(cells),
    durability: () => worst(cells),
    doctor: async () => {
      const all = await everyFacts(cells);
      const [facts] = all.toSorted(byLevel(home));
      return settingsFindings(facts as Facts, home.place, systemClock.now());
    },
  };
}

/** Also one that moved on; what is on its way is delivered first. */
async function jobOf({ cells, outbox }: SpreadParts, ref: JobRef): Promise<JobRecord | null> {
  const cell = cells.at(ref.queue);
  const here = await job(cell, ref);
  if (here !== null) return here;
  const targets = await movedTo(cell, ref);
  if (targets.length === 0) return null;
  const there = await atOneOf(cells, ref, targets);
  if (there !== null) return there;
  await outbox.deliver(ref.queue);
  return (await job(cell, ref)) ?? atOneOf(cells, ref, targets);
}

/** The latest first. */
async function movedTo(cell: Engine, { id }: JobRef): Promise<string[]> {
  const refs = await cell.call('HGET', `${cell.place.prefix}mv`, id);
  if (refs === null) return [];
  const moves = textOf(refs).trim().split(' ');
  return moves.map((move) => move.split(':').at(-1) ?? '').reverse();
}

async function atOneOf(
  cells: Cells,
  { queue, id }: JobRef,
  targets: readonly string[],
): Promise<JobRecord | null> {
  for (const target of targets) {
    const found = await job(cells.at(target), { queue: target, id });
    if (found?.origin?.queue === queue) return found;
  }
  return null;
}

/** One number is the cursor for all: none of them gives a lower one to what comes later. */
async function feedOf(cells: Cells, request: FeedRequest): Promise<FeedPage> {
  const queuesAsked = [...new Set(request.queues)];
  await cells.note(queuesAsked);
  const ask = (queue: string, least: number): Promise<FeedPage> =>
    feed(cells.at(queue), { ...request, queues: [queue] }, least);
  const [only] = queuesAsked;
  if (queuesAsked.length === 1 && only !== undefined) return ask(only, request.after ?? 0);
  const present = { ...request, after: null };
  const ends = await Promise.all(
    queuesAsked.map((queue) => feed(cells.at(queue), { ...present, queues: [queue] })),
  );
  const last = Math.max(request.after ?? 0, ...ends.map(({ cursor }) => cursor));
  const pages = await Promise.all(queuesAsked.map((queue) => ask(queue, last)));
  const changes = pages
    .flatMap((page) => page.changes)
    .filter(({ cursor }) => cursor <= last)
    .sort((one, other) => one.cursor - other.cursor || (one.queue < other.queue ? -1 : 1));
  const taken = upTo(changes, request.limit);
  const isFull = taken.length < changes.length || pages.some((page) => page.changes.length >= request.limit);
  return {
    changes: taken,
    cursor: isFull ? (taken.at(-1)?.cursor ?? last) : last,
    complete: pages.every(({ complete }) => complete),
  };
}

/** Changes of several queues may have one number: those stay together, as a cursor is behind all of a number. */
function upTo<Row extends { readonly cursor: number }>(rows: readonly Row[], limit: number): Row[] {
  const edge = rows[limit]?.cursor;
  if (edge === undefined) return [...rows];
  const before = rows.filter(({ cursor }) => cursor < edge);
  return before.length > 0 ? before : rows.filter(({ cursor }) => cursor === edge);
}

async function auditOf(cells: Cells, limit: number): Promise<AuditRecord[]> {
  const all = await Promise.all([cells.home, ...(await cells.all())].map((cell) => audit(cell, limit)));
  return all
    .flat()
    .sort((one, other) => other.at - one.at)
    .slice(0, limit);
}

const LEVELS = ['memory', 'os', 'disk', 'replicated'];

function byLevel({ place }: Engine): (one: Facts, other: Facts) => number {
  const levelOf = (facts: Facts): number => LEVELS.indexOf(durabilityOf(facts, place).level);
  return (one, other) => levelOf(one) - levelOf(other);
}

async function everyFacts(cells: Cells): Promise<Facts[]> {
  return Promise.all([cells.home, ...(await cells.all())].map(factsNow));
}

async function worst(cells: Cells): Promise<Durability> {
  const [facts] = (await everyFacts(cells)).sort(byLevel(cells.home));
  return durabilityOf(facts as Facts, cells.home.place);
}
