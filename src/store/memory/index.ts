/**
 * The contract of a store as a program: one state, one atomic step a verb, no I/O. It is what the other stores
 * are held against, and what `memory:` gives.
 */

import { type Clock, systemClock } from '../../runtime/clock.ts';
import { guardStore } from '../guard.ts';
import type { DumpRow, Store } from '../store.ts';
import { apply } from './apply.ts';
import { claim } from './claim.ts';
import { DURABILITY, doctor } from './doctor.ts';
import { dump } from './dump.ts';
import { feed } from './feed.ts';
import { find } from './find.ts';
import { attempts, audit, job, logs, queues } from './inspect.ts';
import { operations } from './operations.ts';
import { renew } from './renew.ts';
import { beat, endSession, leases, sessions } from './sessions.ts';
import { commit } from './settle.ts';
import { newState, type State } from './state.ts';
import { stats } from './stats.ts';
import { atomically } from './step.ts';
import { upkeep } from './upkeep.ts';
import { verify } from './verify.ts';
import { watch } from './watch.ts';

export interface MemoryStoreOptions {
  /** Decides what time it is. Default: the machine's clock. */
  readonly clock?: Clock;
}

/** A store in the memory of this process; everything in it ends with the process. */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  return guardStore(bareMemoryStore(options));
}

/** Without the guard at the boundary. */
export function bareMemoryStore({ clock = systemClock }: MemoryStoreOptions = {}): Store {
  return storeOver(newState(clock));
}

/** For whoever has to look at what the store knows: the simulator, which plants bugs into it, too. */
export function storeOver(state: State): Store {
  return {
    kind: 'memory',
    can: { transactions: false, shared: false, searchBodies: true, ordered: false },
    ...writes(state),
    ...reads(state),
    durability: async () => DURABILITY,
    doctor: async () => doctor(),
    watch: (names, onNews) => atomically(state, () => watch(state, names, onNews)),
    close: async () => state.watchers.clear(),
  };
}

type Writes = Pick<Store, 'apply' | 'claim' | 'commit' | 'renew' | 'beat' | 'endSession' | 'upkeep' | 'feed'>;

function writes(state: State): Writes {
  return {
    apply: (effects, options) => atomically(state, (step) => apply(step, effects, options)),
    claim: (requests) => atomically(state, (step) => claim(step, requests)),
    commit: (settlements, claims) => atomically(state, (step) => commit(step, settlements, claims)),
    renew: (leases, leaseMs) => atomically(state, (step) => renew(step, leases, leaseMs)),
    beat: (sessions) => atomically(state, (step) => beat(step, sessions)),
    endSession: (id) => atomically(state, (step) => endSession(step, id)),
    upkeep: (budget) => atomically(state, (step) => upkeep(step, budget)),
    feed: (request) => atomically(state, (step) => feed(step, request)),
  };
}

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
  | 'operations'
  | 'audit'
  | 'verify'
  | 'dump'
>;

function reads(state: State): Reads {
  return {
    job: (ref) => atomically(state, () => job(state, ref)),
    attempts: (ref) => atomically(state, () => attempts(state, ref)),
    logs: (ref, after, limit) => atomically(state, () => logs(state, ref, after, limit)),
    find: (filter, page) => atomically(state, ({ nowMs }) => find(state, filter, page, nowMs)),
    queues: (names) => atomically(state, ({ nowMs }) => queues(state, names, nowMs)),
    stats: (request) => atomically(state, ({ nowMs }) => stats(state, request, nowMs)),
    sessions: () => atomically(state, ({ nowMs }) => sessions(state, nowMs)),
    leases: (session) => atomically(state, () => leases(state, session)),
    operations: () => atomically(state, () => operations(state)),
    audit: (limit) => atomically(state, () => audit(state, limit)),
    verify: () => atomically(state, () => verify(state)),
    dump: () => rows(state),
  };
}

async function* rows(state: State): AsyncIterable<DumpRow> {
  yield* await atomically(state, () => dump(state));
}
