/** The verbs that read. Each is one script, and so of one moment, but for searches that take several pages. */

import { systemClock } from '../../runtime/clock.ts';
import type { Store } from '../store.ts';
import { dump } from './dump.ts';
import type { Engine } from './engine.ts';
import { feed } from './feed.ts';
import { find } from './find.ts';
import { attempts, job, logs, queues } from './inspect.ts';
import { audit, leases, operations, sessions } from './lists.ts';
import { durabilityOf, factsNow } from './open.ts';
import { settingsFindings } from './settings-findings.ts';
import { stats } from './stats.ts';
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

export function reads(engine: Engine): Reads {
  return {
    job: (ref) => job(engine, ref),
    attempts: (ref) => attempts(engine, ref),
    logs: (ref, after, limit) => logs(engine, ref, { after, limit }),
    find: (filter, page) => find(engine, filter, page),
    queues: (names) => queues(engine, names),
    stats: (request) => stats(engine, request),
    sessions: () => sessions(engine),
    leases: (session) => leases(engine, session),
    feed: (request) => feed(engine, request),
    operations: () => operations(engine),
    audit: (limit) => audit(engine, limit),
    verify: () => verify(engine),
    dump: () => dump(engine),
    durability: async () => durabilityOf(await factsNow(engine), engine.place),
    doctor: async () => settingsFindings(await factsNow(engine), engine.place, systemClock.now()),
  };
}
