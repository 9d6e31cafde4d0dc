/** The verbs that read, each at one moment of the database. */

import { systemClock } from '../../runtime/clock.ts';
import type { DumpRow, Durability, FeedPage, FeedRequest, Finding, Store } from '../store.ts';
import { blockedLoops, examine } from './doctor.ts';
import { dumpParts, planDump } from './dump.ts';
import { type Engine, LONG_MS } from './engine.ts';
import { feed, othersAreOver } from './feed.ts';
import { find } from './find.ts';
import { attempts, job, logs, queues } from './inspect.ts';
import { audit, leases, operations, sessions } from './lists.ts';
import { durabilityOf, type Facts, readFacts } from './open.ts';
import { whyNoThread } from './pulse.ts';
import { stats } from './stats.ts';
import type { Tidying } from './tidying.ts';
import { verify } from './verify.ts';

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

export function reads(engine: Engine, tidying: Tidying): Reads {
  return {
    job: (ref) => engine.read((tx) => job(tx, ref)),
    attempts: (ref) => engine.read((tx) => attempts(tx, ref)),
    logs: (ref, after, limit) => engine.read((tx) => logs(tx, ref, after, limit)),
    find: (filter, page) => engine.read((tx) => find(tx, filter, page)),
    queues: async (names) => {
      const summaries = await engine.read((tx) => queues(tx, names));
      tidying.counted();
      return summaries;
    },
    stats: (request) => engine.read((tx) => stats(tx, request)),
    sessions: () => engine.read(sessions),
    leases: (session) => engine.read((tx) => leases(tx, session)),
    // Asking is what keeps the recording on.
    feed: (request) => feedOf(engine, request),
    operations: () => engine.read(operations),
    audit: (limit) => engine.read((tx) => audit(tx, limit)),
    verify: () => engine.read(verify, LONG_MS),
    dump: () => dump(engine),
    durability: () => durability(engine),
    doctor: () => doctor(engine),
  };
}

async function feedOf(engine: Engine, request: FeedRequest): Promise<FeedPage> {
  const { page, beganIn } = await engine.write((tx) => feed(tx, request));
  if (beganIn !== null) await othersAreOver(engine, beganIn);
  return page;
}

/** Read anew each time: settings change, and the server at the same address may be another one. */
async function durability(engine: Engine): Promise<Durability> {
  return durabilityOf(await engine.read(({ db }) => readFacts(db)));
}

async function doctor(engine: Engine): Promise<Finding[]> {
  return engine.read(async (tx) => {
    const before = systemClock.now();
    const facts: Facts = await readFacts(tx.db);
    const between = (before + systemClock.now()) / 2;
    return [...(await examine(tx, facts, between)), blockedLoops(whyNoThread(engine.place))];
  });
}

/** Some parts at a time, so that no transaction stays open while the reader of a large store takes its time. */
async function* dump(engine: Engine): AsyncGenerator<DumpRow> {
  for (const parts of await engine.read(planDump, LONG_MS)) {
    yield* await engine.read((tx) => dumpParts(tx, parts), LONG_MS);
  }
}
