/** Jobs in a PostgreSQL database, for any number of processes and machines. */

import { type Clock, systemClock } from '../../runtime/clock.ts';
import { systemRandom } from '../../runtime/random.ts';
import { guardStore } from '../guard.ts';
import { type PostgresOptions, postgresPlace } from '../postgres-options.ts';
import type { Store } from '../store.ts';
import { Watchers } from '../watchers.ts';
import { Ear } from './ear.ts';
import { Engine } from './engine.ts';
import { Idle } from './idle.ts';
import { applyInside } from './join.ts';
import { openPulse, type PostgresPulse } from './pulse.ts';
import { reads } from './reads.ts';
import { Rides } from './ride.ts';
import { Tidying } from './tidying.ts';
import { writes } from './writes.ts';

export type { PostgresOptions } from '../postgres-options.ts';

export interface PostgresStoreOptions extends PostgresOptions {
  /** Decides what time it is. Default: the clock of the server. */
  readonly clock?: Clock;
}

/**
 * A store in a PostgreSQL database. Cheap to make: the first verb connects, and makes the tables.
 *
 * Transactions: `apply(effects, { tx })` takes a client of `pg` within a transaction that it has begun, or a transaction
 * of Drizzle, Kysely or Prisma; the effects are part of that transaction.
 *
 * @throws InvalidOptionError when an option is wrong.
 * @throws DriverMissingError (from the verbs) when the driver `pg` is not installed.
 * @throws EnvironmentError (from the verbs) when the server is too old, or keeps less safe than was demanded.
 * @throws SchemaVersionError (from the verbs) when a newer release has changed the tables.
 */
export function postgresStore({ clock = systemClock, ...options }: PostgresStoreOptions): Store {
  return guardStore(bareStore(options, clock));
}

/** Without the guard at the boundary. */
function bareStore(options: PostgresOptions, clock: Clock): Store {
  const watchers = new Watchers();
  const engine = new Engine({
    place: postgresPlace(options),
    clock,
    onNews: (hints, isSpread) => {
      watchers.tell(hints);
      ear.ended(hints);
      if (!isSpread) void ear.spread(hints);
    },
  });
  const idle = new Idle(systemClock, () => ear.isHearing);
  const ear = new Ear(engine, watchers, (queue) => idle.claimsFrom(queue));
  const tidying = new Tidying({ engine, clock: systemClock, random: systemRandom });
  const rides = new Rides((hint) => watchers.tell([hint]));
  const written = writes({ engine, idle, tidying, rides });
  let pulse: PostgresPulse | null = null;
  return {
    kind: 'postgres',
    can: { transactions: true, shared: true, searchBodies: true, ordered: false },
    ...written,
    ...reads(engine, tidying),
    apply: async (effects, options = {}) => {
      const { tx } = options;
      if (tx === undefined) return written.apply(effects, options);
      const results = await applyInside(engine, effects, { ...options, tx });
      tidying.added();
      return results;
    },
    // A clock that a test turns by hand is known on this thread alone.
    openPulse: async () => {
      if (clock === systemClock) pulse ??= openPulse(engine.place, written);
      return pulse;
    },
    watch: (queues, onNews) => ear.watch(queues, onNews),
    close: async () => {
      watchers.clear();
      await pulse?.close();
      await ear.stop();
      await engine.close();
    },
  };
}
