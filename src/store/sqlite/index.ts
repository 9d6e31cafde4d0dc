/**
 * The default store: one file on a local disk, nothing to install beside Node. Any number of processes of one
 * machine may use the file at once.
 */

import type { DumpPart } from '../dump-plan.ts';
import { guardStore } from '../guard.ts';
import type { DumpRow, Store } from '../store.ts';
import { Access, type SqliteStoreOptions } from './access.ts';
import { MEMORY } from './place.ts';
import type { VerbName } from './verbs.ts';

export type { SqliteStoreOptions } from './access.ts';

/**
 * A store in a SQLite file. Cheap to make: the file is opened by the first verb.
 *
 * Transactions: `apply(effects, { tx })` takes an open `DatabaseSync` (of `node:sqlite` or `@photostructure/sqlite`)
 * on the same file, within a transaction that it has begun; the effects are part of that transaction. Do not wait
 * for other verbs of the store before it is committed: they wait for its lock.
 *
 * @throws InvalidOptionError when the path is empty.
 * @throws DriverMissingError (from the verbs) when no SQLite driver is installed.
 * @throws EnvironmentError (from the verbs) when the file cannot be kept safe where it is.
 * @throws SchemaVersionError (from the verbs) when a newer release has changed the file.
 */
export function sqliteStore(options: SqliteStoreOptions): Store {
  return guardStore(bareStore(options));
}

/** Without the guard at the boundary. */
function bareStore(options: SqliteStoreOptions): Store {
  const access = new Access(options);
  const call = <T>(verb: VerbName, ...args: readonly unknown[]): Promise<T> => access.call(verb, args);
  return {
    kind: 'sqlite',
    can: { transactions: true, shared: options.path !== MEMORY, searchBodies: true, ordered: false },
    apply: async (effects, { tx, ...rest } = {}) =>
      tx === undefined ? call('apply', effects, rest) : access.applyInside(effects, { ...rest, tx }),
    claim: (requests) => call('claim', requests),
    commit: (settlements, claims = []) => call('commit', settlements, claims),
    renew: (leases, leaseMs) => call('renew', leases, leaseMs),
    beat: (sessions) => call('beat', sessions),
    openPulse: async () => access.openPulse(),
    endSession: (id) => call('endSession', id),
    upkeep: (budget) => call('upkeep', budget),
    feed: (request) => call('feed', request),
    ...reads(call),
    durability: () => access.ask('durability'),
    doctor: () => access.ask('doctor'),
    watch: (queues, onNews) => access.watch(queues, onNews),
    close: () => access.close(),
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

function reads(call: <T>(verb: VerbName, ...args: readonly unknown[]) => Promise<T>): Reads {
  return {
    job: (ref) => call('job', ref),
    attempts: (ref) => call('attempts', ref),
    logs: (ref, after, limit) => call('logs', ref, after, limit),
    find: (filter, page) => call('find', filter, page),
    queues: (names) => call('queues', names),
    stats: (request) => call('stats', request),
    sessions: () => call('sessions'),
    leases: (session) => call('leases', session),
    operations: () => call('operations'),
    audit: (limit) => call('audit', limit),
    verify: () => call('verify'),
    dump: () => dumpRows(call),
  };
}

async function* dumpRows(
  call: <T>(verb: VerbName, ...args: readonly unknown[]) => Promise<T>,
): AsyncGenerator<DumpRow> {
  for (const part of await call<DumpPart[]>('planDump')) yield* await call<DumpRow[]>('dumpPart', part);
}
