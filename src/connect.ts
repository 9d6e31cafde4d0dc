/**
 * From a URL, or a store made by hand, to the one store that everything in this process shares. The only file that
 * names the stores; their modules are loaded when the first call needs them.
 */

import { resolve } from 'node:path';
import { InvalidOptionError } from './errors.ts';
import { recording } from './history/recording.ts';
import { type Clock, systemClock } from './runtime/clock.ts';
import { type Random, systemRandom } from './runtime/random.ts';
import { guardStore } from './store/guard.ts';
import { type LazyParts, lazyStore } from './store/lazy.ts';
import type { Migrations } from './store/migrations.ts';
import {
  isPool,
  type PgPool,
  type PostgresOptions,
  type PostgresPlace,
  postgresPlace,
} from './store/postgres-options.ts';
import {
  isRedisClient,
  type RedisClient,
  type RedisOptions,
  type RedisPlace,
  redisPlace,
} from './store/redis-options.ts';
import type { Store } from './store/store.ts';
import type { TelemetryHooks } from './telemetry/hooks.ts';

/**
 * Where jobs are kept: a URL, options of a PostgreSQL server, a `pg.Pool`, `{ redis: … }`, a client of ioredis, or a store
 * that is open already. What is passed in is closed by whoever made it.
 */
export type Connection =
  | string
  | PostgresOptions
  | PgPool
  | RedisOptions
  | RedisClient
  | Store
  | { readonly store: Store; readonly clock?: Clock; readonly random?: Random };

/** One user's hold on a store. */
export interface SharedStore {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  /** For messages; without credentials. */
  readonly url: string;
  /** Told beside the hooks of each worker. Only there when the environment's `MILLRACE_HISTORY` asks for a history. */
  readonly telemetry?: TelemetryHooks;
  /** For who makes the tables apart from the work. Left out where there are none. */
  readonly migrations?: () => Promise<Migrations>;
  /** Closes the store if this was the last hold on one that was opened by URL. Safe to call twice. */
  release(): Promise<void>;
}

/** Used when there is no `connection` and no `MILLRACE_URL`. */
export const DEFAULT_URL = 'sqlite:./.millrace/millrace.db';

interface Held {
  readonly store: Store;
  readonly telemetry: TelemetryHooks | null;
  holds: number;
}

/** Stores opened by URL. The same place is opened once a process, however its URL is spelled. */
const open = new Map<string, Held>();

/**
 * Synchronous and cheap: nothing is opened before the first call.
 *
 * @param connection Default: the environment's `MILLRACE_URL`, else `sqlite:./.millrace/millrace.db`.
 * @throws InvalidOptionError when it is neither a URL that is known nor a store.
 */
export function connect(connection?: Connection): SharedStore {
  const given = connection ?? (process.env['MILLRACE_URL'] || DEFAULT_URL);
  if (typeof given === 'string') return connectPlace(placeOf(given));
  if (isStore(given)) return borrow(given, systemClock, systemRandom);
  if (holdsStore(given)) return borrow(given.store, given.clock ?? systemClock, given.random ?? systemRandom);
  if (isPool(given)) return connectPlace(postgresStorePlace({ pool: given }));
  if (isRedisClient(given)) return connectPlace(redisStorePlace({ redis: given }));
  if (namesRedis(given)) return connectPlace(redisStorePlace(given));
  if (namesServer(given)) return connectPlace(postgresStorePlace(given));
  throw invalid(
    `is neither a URL (such as "${DEFAULT_URL}", "postgres://localhost/app", "redis://localhost" or "memory:"), nor a ` +
      'pg.Pool or options of a PostgreSQL server, nor a client of ioredis or { redis: … }, nor a store',
  );
}

function holdsStore(
  value: object,
): value is Exclude<Connection, string | PgPool | PostgresOptions | RedisOptions | RedisClient | Store> {
  return isStore(Reflect.get(Object(value), 'store'));
}

function namesRedis(value: unknown): value is RedisOptions {
  return typeof value === 'object' && value !== null && 'redis' in value;
}

/** Whether its options are right is seen later, where each that is wrong is named. */
function namesServer(value: unknown): value is PostgresOptions {
  if (typeof value !== 'object' || value === null || 'store' in value) return false;
  return Object.getPrototypeOf(value) === Object.prototype && Object.keys(value).length > 0;
}

function isStore(value: unknown): value is Store {
  return typeof value === 'object' && value !== null && 'apply' in value && 'claim' in value;
}

/** Each store as it is used here: every user of one store gets the same object, and so shares its client. */
const guarded = new WeakMap<Store, Store>();

function borrow(given: Store, clock: Clock, random: Random): SharedStore {
  const store = guarded.get(given) ?? guardStore(given);
  guarded.set(given, store);
  return { store, clock, random, url: `${store.kind}:`, release: () => Promise.resolve() };
}

interface Place extends LazyParts {
  readonly migrations?: () => Promise<Migrations>;
  /** Same place, same key; null for a store that nobody shares. */
  readonly key: string | null;
  readonly url: string;
}

function connectPlace(place: Place): SharedStore {
  const held = hold(place);
  let released: Promise<void> | null = null;
  const release = (): Promise<void> => {
    released ??= letGo(place, held);
    return released;
  };
  const { store, telemetry } = held;
  return {
    ...{ store, clock: systemClock, random: systemRandom, url: place.url, release },
    ...(telemetry !== null && { telemetry }),
    ...(place.migrations && { migrations: place.migrations }),
  };
}

function hold(place: Place): Held {
  const shared = place.key === null ? undefined : open.get(place.key);
  if (shared !== undefined) {
    shared.holds++;
    return shared;
  }
  const held = { ...openLazily(place), holds: 1 };
  guarded.set(held.store, held.store);
  if (place.key !== null) open.set(place.key, held);
  return held;
}

/** With its history told to a folder, if the environment names one. */
function openLazily(place: Place): Pick<Held, 'store' | 'telemetry'> {
  const directory = process.env['MILLRACE_HISTORY'];
  if (directory === undefined || directory === '') return { store: lazyStore(place), telemetry: null };
  const { record, telemetry } = recording({ directory, clock: systemClock, random: systemRandom });
  const store = lazyStore({ ...place, load: async () => record(await place.load()) });
  return { store, telemetry };
}

/** Forgotten before it is closed: whoever connects meanwhile opens anew instead of getting a store that ends. */
async function letGo(place: Place, held: Held): Promise<void> {
  if (--held.holds > 0) return;
  if (place.key !== null && open.get(place.key) === held) open.delete(place.key);
  await held.store.close();
}

function placeOf(url: string): Place {
  const [, scheme = '', rest = ''] = /^([a-z][a-z0-9+.-]*):(.*)$/is.exec(url) ?? [];
  switch (scheme.toLowerCase()) {
    case 'memory':
      return memoryPlace(rest);
    case 'sqlite':
    case 'file':
      return sqlitePlace(rest);
    case 'postgres':
    case 'postgresql':
      return postgresStorePlace({ connectionString: url });
    case 'redis':
    case 'rediss':
      return redisStorePlace({ redis: url });
    default:
      throw invalid(
        `"${withoutPassword(url)}" is not a URL of a store. Use "sqlite:PATH", "postgres://…", "redis://…" or "memory:"`,
      );
  }
}

function memoryPlace(name: string): Place {
  return {
    key: name === '' ? null : `memory:${name}`,
    kind: 'memory',
    can: { transactions: false, shared: false, searchBodies: true, ordered: false },
    url: `memory:${name}`,
    load: async () => {
      const { memoryStore } = await import('./store/memory/index.ts');
      return memoryStore({});
    },
  };
}

function sqlitePlace(rest: string): Place {
  const path = rest.replace(/^\/\/(?=\/)/, '');
  if (path === '' || path.startsWith('//')) throw invalid('a sqlite URL needs a path: "sqlite:./jobs.db"');
  const inMemory = path === ':memory:';
  const absolute = inMemory ? path : resolve(path);
  return {
    key: inMemory ? null : `sqlite:${absolute}`,
    kind: 'sqlite',
    can: { transactions: true, shared: !inMemory, searchBodies: true, ordered: false },
    url: `sqlite:${path}`,
    load: async () => {
      const { sqliteStore } = await import('./store/sqlite/index.ts');
      return sqliteStore({ path: absolute });
    },
    migrations: async () => {
      const { sqliteMigrations } = await import('./store/sqlite/migrate.ts');
      return sqliteMigrations(absolute);
    },
  };
}

function postgresStorePlace(options: PostgresOptions): Place {
  const place = postgresPlace(options);
  return {
    key: `postgres:${keyOf(place)}`,
    kind: 'postgres',
    can: { transactions: true, shared: true, searchBodies: true, ordered: false },
    url: place.url,
    load: async () => {
      const { postgresStore } = await import('./store/postgres/index.ts');
      return postgresStore(options);
    },
    migrations: async () => {
      const { postgresMigrations } = await import('./store/postgres/migrate.ts');
      return postgresMigrations(options);
    },
  };
}

function redisStorePlace(options: RedisOptions): Place {
  const place = redisPlace(options);
  return {
    key: `redis:${keyOf(place)}`,
    kind: 'redis',
    can: { transactions: false, shared: true, searchBodies: true, ordered: place.spread === null },
    url: place.url,
    load: async () => {
      const { redisStore } = await import('./store/redis/index.ts');
      return redisStore(options);
    },
  };
}

/** Pools, functions and the like, which are the same only as themselves. */
const numbers = new WeakMap<object, number>();
let numbered = 0;

/** Everything that may make a difference. Never shown: there is a password in it. */
function keyOf(place: PostgresPlace | RedisPlace): string {
  return JSON.stringify(place, (name, value: unknown) => {
    const isPlain =
      name !== 'pool' && (Array.isArray(value) || Object.getPrototypeOf(Object(value)) === Object.prototype);
    if (typeof value !== 'function' && (typeof value !== 'object' || value === null || isPlain)) return value;
    const known = numbers.get(value) ?? ++numbered;
    numbers.set(value, known);
    return `#${known}`;
  });
}

function withoutPassword(url: string): string {
  return url.replace(/(\/\/[^:/?#]*:)[\s\S]*@/, '$1***@');
}

function invalid(message: string): InvalidOptionError {
  return new InvalidOptionError('the connection', [{ path: 'connection', message }]);
}
