/** Writing inside the application's own transaction, on the connection that it passes. */

import { MillraceError, StoreUnavailableError } from '../../errors.ts';
import type { PgPool } from '../postgres-options.ts';
import type { ApplyOptions, Effect, EffectResult, StoreTx } from '../store.ts';
import { apply } from './apply.ts';
import type { Database } from './database.ts';
import type { Engine } from './engine.ts';
import { codeOf, mayRepeat, toStoreError } from './map-error.ts';
import { payloadOf } from './news.ts';
import { loadQueues, makeQueues } from './queue.ts';
import { Transaction } from './transaction.ts';
import { clientOf, wrong } from './tx-client.ts';

const SAVEPOINT = 'savepoint millrace';
/** As the application has it, and the clock of the server. */
const FOUND = `
  select pg_catalog.current_setting('search_path') as path,
    pg_catalog.current_setting('transaction_isolation') as isolation,
    pg_catalog.floor(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) * 1000)::pg_catalog.int8 as now_ms`;
/** While we are at work: nobody's objects come before the server's own, and any isolation will do. */
const PIN = `
  select pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true),
    pg_catalog.set_config('millrace.joined', 'on', true)`;
const UNPIN = `
  select pg_catalog.set_config('search_path', $1, true), pg_catalog.set_config('millrace.joined', '', true)`;
/** Equal for two connections to one database with one schema of ours. */
const PLACE = `
  select (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()) as database,
    pg_catalog.to_regclass($1)::pg_catalog.oid as tables`;
const WAKE = 'insert into {s}.wake (queue) select unnest($1::text[])';
const NOTIFY_ALL = 'select count(pg_notify($1, payload)) from unnest($2::text[]) payload';
const NOT_IN_TRANSACTION = '25P01';

/** What is asked of one connection goes one after the other: two savepoints of one name would get in each other's way. */
const turns = new WeakMap<StoreTx, Promise<unknown>>();

/**
 * Runs the effects on the application's connection. They are visible to others when, and only if, the application
 * commits; what fails leaves its transaction as it was.
 */
export function applyInside(
  engine: Engine,
  effects: readonly Effect[],
  { tx: handle, ...options }: ApplyOptions & { readonly tx: StoreTx },
): Promise<EffectResult[]> {
  const db = engine.database(clientOf(handle));
  const before = turns.get(handle) ?? Promise.resolve();
  const turn = before.then(() => applyNow(engine, db, { effects, options }));
  turns.set(
    handle,
    turn.catch(() => undefined),
  );
  return turn;
}

interface Work {
  readonly effects: readonly Effect[];
  readonly options: ApplyOptions;
}

async function applyNow(engine: Engine, db: Database, { effects, options }: Work): Promise<EffectResult[]> {
  await begin(engine, db);
  try {
    await checkPlace(engine, db);
    const found = await db.get<Found>(FOUND);
    await db.run(PIN);
    const tx = new Transaction(db, engine.now ?? Number(found?.now_ms ?? 0));
    if (found?.isolation === 'read committed') await makeQueuesApart(engine, tx, effects);
    const results = await apply(tx, effects, options);
    await tx.flush();
    await tellAtCommit(engine, tx);
    await db.run(UNPIN, found?.path ?? '');
    await db.run('release savepoint millrace');
    return results;
  } catch (error) {
    await undo(db);
    throw inWords(engine, error);
  }
}

interface Found {
  readonly path: string;
  readonly isolation: string;
  /** Clients of several kinds read whole numbers in several ways. */
  readonly now_ms: number | string | bigint;
}

/**
 * A queue that is made within the transaction makes all others wait who add to it, until the application commits. So it
 * is made beside it, and stays when that rolls back. Only where the transaction sees what others have done meanwhile.
 */
async function makeQueuesApart(engine: Engine, tx: Transaction, effects: readonly Effect[]): Promise<void> {
  const names = effects.flatMap((effect) => {
    if (effect.op === 'add') return effect.jobs.map(({ queue }) => queue);
    return effect.op === 'configure' ? [effect.queue] : [];
  });
  const { db } = tx;
  const known = await loadQueues(db, 'name', [...new Set(names)]);
  const missing = [...new Set(names)].filter((name) => !known.some((queue) => queue.name === name));
  if (missing.length === 0 || isUsedUp(engine.place.pool)) return;
  await engine.call((other) => makeQueues(other, missing, tx.now));
}

/** Nobody is told of what may never have happened: the server sends all of it when the transaction commits. */
async function tellAtCommit({ place }: Engine, tx: Transaction): Promise<void> {
  const hints = tx.hints();
  const ready = hints.filter(({ news }) => news === 'ready').map(({ queue }) => queue);
  const others = hints.filter(({ news }) => news !== 'ready');
  if (ready.length > 0) await tx.db.run(WAKE, ready);
  if (others.length > 0) await tx.db.run(NOTIFY_ALL, place.schema, others.map(payloadOf));
}

const places = new WeakMap<Engine, string>();

/** A job in another database would be committed with the caller's data and never run. */
async function checkPlace(engine: Engine, db: Database): Promise<void> {
  const found = await placeOf(db);
  if (places.get(engine) === found) return;
  // All connections of a pool that we share may be in transactions that wait for us.
  if (isUsedUp(engine.place.pool) && !found.endsWith(' null')) return;
  // Also makes the tables if need be: they are not part of anybody's transaction.
  const own = await engine.call((other) => placeOf(other));
  places.set(engine, own);
  if (own === (await placeOf(db))) return;
  throw wrong(`is connected to another database than the queue, which is at ${engine.place.url}.`);
}

function isUsedUp(pool: PgPool | null): boolean {
  const { totalCount = 0, idleCount = 0, options = {} } = (pool ?? {}) as PoolState;
  return pool !== null && idleCount === 0 && totalCount >= (options.max ?? 10);
}

/** What a `pg.Pool` says of itself. */
interface PoolState {
  readonly totalCount?: number;
  readonly idleCount?: number;
  readonly options?: { readonly max?: number };
}

async function placeOf(db: Database): Promise<string> {
  const place = (await db.get<object>(PLACE, db.named('{s}.meta'))) ?? {};
  // What a library makes of the type of a number is its own affair.
  return Object.values(place).map(String).join(' ');
}

async function begin(engine: Engine, db: Database): Promise<void> {
  try {
    await db.run(SAVEPOINT);
  } catch (error) {
    if (codeOf(error) === NOT_IN_TRANSACTION)
      throw wrong('is not in a transaction. Begin one first, and commit it after.');
    throw inWords(engine, error);
  }
}

async function undo(db: Database): Promise<void> {
  try {
    await db.run('rollback to savepoint millrace');
    await db.run('release savepoint millrace');
  } catch {
    // The connection is gone, and with it the transaction.
  }
}

function inWords({ place }: Engine, error: unknown): unknown {
  if (error instanceof MillraceError) return error;
  if (!mayRepeat(error)) return toStoreError(error, place) ?? error;
  return new StoreUnavailableError(
    'another transaction had precedence (a deadlock, or a serialisation failure). Roll back and repeat yours from its ' +
      'beginning.',
    { cause: error },
  );
}
