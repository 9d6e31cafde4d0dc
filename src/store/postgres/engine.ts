import { ClosedError, StoreUnavailableError } from '../../errors.ts';
import { type Clock, sleep, systemClock } from '../../runtime/clock.ts';
import { within } from '../../runtime/within.ts';
import type { PgPool, PostgresPlace } from '../postgres-options.ts';
import type { Hint } from '../store.ts';
import { Database } from './database.ts';
import type { PgClient, PgPooled, PgResult } from './driver.ts';
import { breaksConnection, codeOf, mayRepeat, toStoreError } from './map-error.ts';
import { migrate } from './migrations.ts';
import { checkFacts, type Facts, openPool, readFacts } from './open.ts';
import { heedStandby, notCopied, wasCopied } from './standby.ts';
import { Transaction } from './transaction.ts';

export interface EngineParts {
  readonly place: PostgresPlace;
  /** Decides what time it is; the machine's clock stands for that of the server. */
  readonly clock: Clock;
  /** Told after each commit that made news. `isSpread`: other processes know of it already. */
  readonly onNews: (hints: readonly Hint[], isSpread: boolean) => void;
}

interface Opened {
  readonly pool: PgPool;
  readonly facts: Facts;
}

/** The path is pinned, so that nobody's objects come before the server's own; and the clock is read once. */
const SETTINGS = 'set local search_path = pg_catalog, pg_temp; set local jit = off;';
/** Else nobody hears that a commit did not reach the standby. */
const WARNED = `
  select set_config('client_min_messages', 'warning', true) where current_setting('client_min_messages') = 'error';`;
const CLOCK = 'select floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now';
/**
 * Whoever stands still in the middle of a transaction, or cannot be reached any more, does not keep what it has locked:
 * the server ends it. It finds out with its next statement, and nothing was written.
 */
const ABANDONED = "set local idle_in_transaction_session_timeout = '10s';";
const BEGIN = {
  /** Said each time: a role or a database may be set to something else. */
  write: `begin isolation level read committed, read write; ${SETTINGS} ${WARNED} ${ABANDONED} ${CLOCK}`,
  /** All that one reading looks at is of one moment. */
  read: `begin isolation level repeatable read, read only; ${SETTINGS} ${ABANDONED} ${CLOCK}`,
} as const;

/**
 * Raised by our functions when they were called in another isolation than the one they are made for, or where warnings
 * are not passed on; and by the server where transactions take no writes unless they say so.
 */
const NEEDS_BEGIN: ReadonlySet<string> = new Set(['25001', '25006']);
/** Repetitions of a transaction that gave way to others; with the waits below about two seconds. */
const MAX_REPEATS = 10;
const FIRST_REPEAT_MS = 2;
const LONGEST_REPEAT_MS = 500;
/** A connection on which nothing comes any more (a cable, a firewall, a server that is frozen) is given up after this. */
const LIMIT_MS = 20_000;
const CONNECT_MS = 15_000;
/** For what reads or rewrites everything. */
export const LONG_MS = 3_600_000;

/** Runs each call in a transaction of its own, on a connection of the pool. */
export class Engine {
  readonly place: PostgresPlace;
  readonly clock: Clock;
  readonly #onNews: EngineParts['onNews'];
  readonly #texts = new Map<string, string>();
  readonly #calls = new Set<Promise<unknown>>();
  #opening: Promise<Opened> | null = null;
  /** Statements alone would run in another isolation than ours. */
  #needsBegin = false;
  #closed = false;

  constructor({ place, clock, onNews }: EngineParts) {
    this.place = place;
    this.clock = clock;
    this.#onNews = onNews;
  }

  /** null: the server's clock decides. */
  get now(): number | null {
    return this.clock === systemClock ? null : Math.floor(this.clock.now());
  }

  async facts(): Promise<Facts> {
    return (await this.#open()).facts;
  }

  /** In a transaction that may write. Repeated from its beginning when others had precedence. */
  write<T>(verb: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#awaited(this.#run('write', verb));
  }

  /** All of one moment. */
  read<T>(verb: (tx: Transaction) => Promise<T>, limitMs: number = LIMIT_MS): Promise<T> {
    return this.#awaited(this.#run('read', verb, limitMs));
  }

  /** One statement, which is its own transaction. `hints`: what it made news of, and has told other processes itself. */
  call<T>(
    statement: (db: Database) => Promise<T>,
    hints: (answer: T) => readonly Hint[] = () => [],
  ): Promise<T> {
    return this.#awaited(this.#call(statement, hints));
  }

  #tell(hints: readonly Hint[], isSpread: boolean): void {
    if (hints.length > 0) this.#onNews(hints, isSpread);
  }

  async migrate(): Promise<void> {
    await this.#awaited(this.#patiently((client) => migrate(this.database(client, LONG_MS))));
  }

  /** A connection for a call; it is given back by `release`. */
  async connect(): Promise<PgPooled> {
    if (this.#closed) throw new ClosedError('the postgres store');
    const { pool } = await this.#open();
    return clientOf(pool);
  }

  database(client: PgClient, limitMs: number = LIMIT_MS): Database {
    return new Database(client, { schema: this.place.schema, limitMs, texts: this.#texts });
  }

  /** Calls that are under way finish first. A pool of the application is left open. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#calls);
    const opened = await this.#opening?.catch(() => null);
    if (opened && this.place.pool === null) await opened.pool.end();
  }

  async #run<T>(
    kind: 'read' | 'write',
    verb: (tx: Transaction) => Promise<T>,
    limitMs: number = LIMIT_MS,
  ): Promise<T> {
    const [answer, hints] = await this.#patiently(async (client) => {
      const db = this.database(client, limitMs);
      const now = await this.#begin(client, kind);
      const tx = new Transaction(db, now);
      const told = await verb(tx);
      await tx.flush();
      await db.exec('commit');
      return [told, tx.hints()] as const;
    });
    this.#tell(hints, false);
    return answer;
  }

  async #call<T>(statement: (db: Database) => Promise<T>, hints: (answer: T) => readonly Hint[]): Promise<T> {
    const answer = await this.#patiently(async (client) => {
      const db = this.database(client);
      if (!this.#needsBegin) return statement(db);
      await this.#begin(client, 'write');
      const told = await statement(db);
      await db.exec('commit');
      return told;
    });
    this.#tell(hints(answer), true);
    return answer;
  }

  async #begin(client: PgClient, kind: 'read' | 'write'): Promise<number> {
    // Several statements in one message have several answers.
    const answers = (await client.query({
      text: BEGIN[kind],
      query_timeout: LIMIT_MS,
    })) as unknown as PgResult[];
    const row = answers.at(-1)?.rows[0] as { now: number | string } | undefined;
    return this.now ?? Number(row?.now);
  }

  /** Deadlocks and the like leave no trace, so that the whole of it may be done again. */
  async #patiently<T>(attempt: (client: PgPooled) => Promise<T>): Promise<T> {
    for (let repeats = 0; ; repeats += 1) {
      try {
        return await this.#onClient(attempt);
      } catch (error) {
        // Others may have found it out at the same time.
        if (NEEDS_BEGIN.has(codeOf(error) ?? '') && repeats < 2) this.#needsBegin = true;
        else if (!mayRepeat(error) || repeats >= MAX_REPEATS) {
          throw toStoreError(error, this.place) ?? error;
        } else await sleep(systemClock, Math.min(LONGEST_REPEAT_MS, FIRST_REPEAT_MS * 2 ** repeats));
      }
    }
  }

  async #onClient<T>(attempt: (client: PgPooled) => Promise<T>): Promise<T> {
    const client = await this.connect();
    let broken: Error | undefined;
    try {
      heedStandby(client);
      const answer = await attempt(client);
      if (!wasCopied(client)) throw notCopied(this.place.url);
      return answer;
    } catch (error) {
      broken = await endBadly(client, error);
      throw error;
    } finally {
      client.release(broken);
    }
  }

  #open(): Promise<Opened> {
    if (this.#opening === null) {
      const opening = this.#openNow();
      this.#opening = opening;
      // The next call tries again.
      opening.catch(() => {
        this.#opening = null;
      });
    }
    return this.#opening;
  }

  async #openNow(): Promise<Opened> {
    const { place } = this;
    const pool = place.pool ?? (await openPool(place));
    try {
      keepAllQuiet(pool);
      const client = await clientOf(pool);
      try {
        const facts = await readFacts(this.database(client));
        checkFacts(facts, place);
        if (place.migrate) await migrate(this.database(client, LONG_MS));
        return { pool, facts };
      } finally {
        client.release();
      }
    } catch (error) {
      if (place.pool === null) await pool.end().catch(() => undefined);
      throw toStoreError(error, place) ?? error;
    }
  }

  async #awaited<T>(call: Promise<T>): Promise<T> {
    this.#calls.add(call);
    try {
      return await call;
    } finally {
      this.#calls.delete(call);
    }
  }
}

const quiet = new WeakSet<object>();

/**
 * A connection that breaks while no statement runs says so by an event, which ends the process if nobody hears it. The
 * next statement fails by itself, and the pool replaces what broke.
 */
function keepQuiet(emitter: Pick<PgPool, 'on'>): void {
  if (quiet.has(emitter)) return;
  quiet.add(emitter);
  emitter.on('error', () => undefined);
}

interface Newcomers {
  on(event: 'connect', listener: (client: Pick<PgPool, 'on'>) => void): unknown;
}

/** A new connection may be ended in the very packet that welcomes it, before anybody who waits for it has it. */
function keepAllQuiet(pool: PgPool): void {
  if (!quiet.has(pool)) (pool as unknown as Newcomers).on('connect', keepQuiet);
  keepQuiet(pool);
}

/** A pool of the application may wait for ever: its connections may be in the hands of those who wait for us. */
async function clientOf(pool: PgPool): Promise<PgPooled> {
  const connecting = pool.connect() as unknown as Promise<PgPooled>;
  if (!(await within(systemClock, connecting, CONNECT_MS))) {
    connecting.then(
      (client) => client.release(),
      () => undefined,
    );
    throw new StoreUnavailableError(
      `no connection of the pool came free within ${CONNECT_MS / 1_000} s. Give back clients after use, or make the ` +
        'pool larger.',
    );
  }
  const client = await connecting;
  keepQuiet(client);
  return client;
}

/** Answers the error when the connection is of no use any more. */
async function endBadly(client: PgPooled, error: unknown): Promise<Error | undefined> {
  const asError = error instanceof Error ? error : new Error(String(error));
  if (breaksConnection(error)) return asError;
  try {
    await client.query({ text: 'rollback', query_timeout: LIMIT_MS });
    return undefined;
  } catch {
    return asError;
  }
}
