/** Jobs in Redis or Valkey, alone or in a cluster, for any number of processes and machines. */

import { type Clock, systemClock } from '../../runtime/clock.ts';
import { systemRandom } from '../../runtime/random.ts';
import { guardStore } from '../guard.ts';
import { type RedisOptions, redisPlace } from '../redis-options.ts';
import type { Hint, Store } from '../store.ts';
import { Watchers } from '../watchers.ts';
import { Ear } from './ear.ts';
import { Engine } from './engine.ts';
import { Idle } from './idle.ts';
import { reads } from './reads.ts';
import { Spread } from './spread/spread.ts';
import { writes } from './writes.ts';

export type { RedisOptions } from '../redis-options.ts';

export interface RedisStoreOptions extends RedisOptions {
  /** Decides what time it is. Default: the clock of the server. */
  readonly clock?: Clock;
}

/**
 * A store in Redis 6.2 or later, in Valkey, or in a cluster of either. Cheap to make: the first verb connects.
 *
 * It makes connections of its own, one for all calls (in a cluster one for each node) and one that listens for news while
 * somebody watches, also when it is given a client of ioredis.
 *
 * @throws InvalidOptionError when an option is wrong.
 * @throws DriverMissingError (from the verbs) when the driver `ioredis` is not installed.
 * @throws EnvironmentError (from the verbs) when the server is too old, evicts keys, or keeps less safe than was demanded.
 */
export function redisStore({ clock = systemClock, ...options }: RedisStoreOptions): Store {
  return guardStore(bareStore(options, clock));
}

/** Without the guard at the boundary. */
function bareStore(options: RedisOptions, clock: Clock): Store {
  const watchers = new Watchers();
  const place = redisPlace(options);
  const me = Buffer.from(systemRandom.bytes(6)).toString('base64url');
  const parts = { place, clock, me, onNews: (hints: readonly Hint[]) => watchers.tell(hints) };
  const spread = place.spread === null ? null : new Spread(parts);
  const engine = spread?.cells.home ?? new Engine(parts);
  const idle = new Idle(systemClock, () => ear.isHearing);
  const ear = new Ear({ engine, watchers, idle, ...(spread !== null && { cells: spread.cells }) });
  return {
    kind: 'redis',
    can: { transactions: false, shared: true, searchBodies: true, ordered: spread === null },
    ...(spread === null ? { ...writes(engine, idle), ...reads(engine) } : spread.verbs(idle)),
    watch: (queues, onNews) => ear.watch(queues, onNews),
    close: async () => {
      watchers.clear();
      await ear.stop();
      await spread?.close();
      await engine.close();
    },
  };
}
