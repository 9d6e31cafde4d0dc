/**
 * The boundary of every store: what is wrong with a call is said here, all of it, before the store sees any of it.
 * Stores may therefore trust names, sizes and ranges, whoever calls and by whatever way in.
 */

import { ClosedError, UnsupportedError } from '../errors.ts';
import { checkEach, checkInteger, checkKey } from '../job/check.ts';
import { checkFilter } from '../job/check-filter.ts';
import { MAX_BATCH_JOBS } from '../job/limits.ts';
import { Problems } from '../job/problems.ts';
import type { JobRef } from '../job/record.ts';
import {
  checkApplyOptions,
  checkBatch,
  checkBudget,
  checkClaims,
  checkFeed,
  checkLeaseMs,
  checkLogsPage,
  checkPage,
  checkQueues,
  checkSessions,
  checkSettlements,
  checkStats,
  PAGE,
} from './check-call.ts';
import { checkEffects, checkLease, checkRef } from './check-effect.ts';
import type { DumpRow, Store } from './store.ts';

/** Whether a store has its guard already; checking twice would only cost. */
const guarded = new WeakSet<Store>();

/** What stands before each call: is the store open, and is what was passed right? */
type Gate = (subject: string, check?: (problems: Problems) => void) => void;

/**
 * The same store behind its boundary.
 *
 * @throws InvalidOptionError (from the verbs) with every problem of the call, each with its path.
 * @throws LimitExceededError (from the verbs) when something is well-formed but too large.
 * @throws ClosedError (from the verbs) after `close`.
 */
export function guardStore(store: Store): Store {
  if (guarded.has(store)) return store;
  let closing: Promise<void> | null = null;
  const gate: Gate = (subject, check) => {
    if (closing !== null) throw new ClosedError(`the ${store.kind} store`);
    if (check === undefined) return;
    const problems = new Problems();
    check(problems);
    problems.throwIfAny(subject);
  };
  const outside: Store = {
    kind: store.kind,
    can: store.can,
    ...guardWrites(store, gate),
    ...guardReads(store, gate),
    ...guardLists(store, gate),
    close: () => {
      closing ??= store.close();
      return closing;
    },
  };
  guarded.add(outside);
  return outside;
}

type Writes = Pick<
  Store,
  'apply' | 'claim' | 'commit' | 'renew' | 'beat' | 'openPulse' | 'endSession' | 'upkeep' | 'watch'
>;

function guardWrites(store: Store, gate: Gate): Writes {
  return {
    apply: async (effects, options) => {
      gate('apply', (problems) => {
        checkBatch(problems, checkEffects(problems, 'effects', effects));
        if (options !== undefined) checkApplyOptions(problems, options);
      });
      if (options?.tx !== undefined) requireTransactions(store);
      return store.apply(effects, options);
    },
    claim: async (requests) => {
      gate('claim', (problems) => checkClaims(problems, 'requests', requests));
      return store.claim(requests);
    },
    commit: async (settlements, claims) => {
      gate('commit', (problems) => {
        checkBatch(problems, checkSettlements(problems, settlements));
        if (claims !== undefined) checkClaims(problems, 'claims', claims);
      });
      return store.commit(settlements, claims);
    },
    renew: async (leases, leaseMs) => {
      gate('renew', (problems) => {
        checkEach(problems, 'leases', { values: leases, max: MAX_BATCH_JOBS }, (lease, index) =>
          checkLease(problems, index, lease),
        );
        checkLeaseMs(problems, leaseMs);
      });
      return store.renew(leases, leaseMs);
    },
    beat: async (sessions) => {
      gate('beat', (problems) => checkSessions(problems, sessions));
      return store.beat(sessions);
    },
    openPulse: async () => {
      gate('openPulse');
      return (await store.openPulse?.()) ?? null;
    },
    endSession: async (id) => {
      gate('endSession', (problems) => checkKey(problems, 'id', id));
      return store.endSession(id);
    },
    upkeep: async (budget) => {
      gate('upkeep', (problems) => checkBudget(problems, budget));
      return store.upkeep(budget);
    },
    watch: async (queues, onNews) => {
      gate('watch', (problems) => {
        checkQueues(problems, queues);
        if (typeof onNews !== 'function') problems.invalid('onNews', 'must be a function');
      });
      return store.watch(queues, onNews);
    },
  };
}

function requireTransactions(store: Store): void {
  if (store.can.transactions) return;
  throw new UnsupportedError(
    `the ${store.kind} store cannot write inside your transaction: leave out \`tx\`, or use a store that can.`,
  );
}

type Reads = Pick<
  Store,
  'job' | 'attempts' | 'logs' | 'find' | 'queues' | 'stats' | 'leases' | 'feed' | 'audit'
>;

function guardReads(store: Store, gate: Gate): Reads {
  const gateRef = (subject: string, ref: JobRef): void =>
    gate(subject, (problems) => checkRef(problems, 'ref', ref));
  return {
    job: async (ref) => {
      gateRef('job', ref);
      return store.job(ref);
    },
    attempts: async (ref) => {
      gateRef('attempts', ref);
      return store.attempts(ref);
    },
    logs: async (ref, after, limit) => {
      gate('logs', (problems) => {
        checkRef(problems, 'ref', ref);
        checkLogsPage(problems, after, limit);
      });
      return store.logs(ref, after, limit);
    },
    find: async (filter, page) => {
      gate('find', (problems) => {
        checkFilter(problems, 'filter', filter);
        checkPage(problems, page);
      });
      return store.find(filter, page);
    },
    queues: async (names) => {
      gate('queues', (problems) => names !== undefined && checkQueues(problems, names));
      return store.queues(names);
    },
    stats: async (request) => {
      gate('stats', (problems) => checkStats(problems, request));
      return store.stats(request);
    },
    leases: async (session) => {
      gate('leases', (problems) => checkKey(problems, 'session', session));
      return store.leases(session);
    },
    feed: async (request) => {
      gate('feed', (problems) => checkFeed(problems, request));
      return store.feed(request);
    },
    audit: async (limit) => {
      gate('audit', (problems) => checkInteger(problems, 'limit', limit, PAGE));
      return store.audit(limit);
    },
  };
}

type Lists = Pick<Store, 'durability' | 'sessions' | 'operations' | 'verify' | 'doctor' | 'dump'>;

/** The verbs that are passed nothing: all there is to ask is whether the store is open. */
function guardLists(store: Store, gate: Gate): Lists {
  return {
    durability: async () => {
      gate('durability');
      return store.durability();
    },
    sessions: async () => {
      gate('sessions');
      return store.sessions();
    },
    operations: async () => {
      gate('operations');
      return store.operations();
    },
    verify: async () => {
      gate('verify');
      return store.verify();
    },
    doctor: async () => {
      gate('doctor');
      return store.doctor();
    },
    dump: async function* (): AsyncGenerator<DumpRow> {
      gate('dump');
      yield* store.dump();
    },
  };
}
