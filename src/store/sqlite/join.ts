/** Writing inside the application's own transaction, on the connection that it passes. */

import { realpathSync } from 'node:fs';
import { InvalidOptionError, MillraceError, StoreUnavailableError, UnsupportedError } from '../../errors.ts';
import type { ApplyOptions, Effect, EffectResult, StoreTx } from '../store.ts';
import { apply } from './apply.ts';
import { Database } from './database.ts';
import type { DriverConnection } from './driver.ts';
import { isBusy, toStoreError } from './map-error.ts';
import { migrateInside } from './migrations.ts';
import { FULL } from './open.ts';
import { MEMORY } from './place.ts';
import { Transaction } from './transaction.ts';

/** Takes the write lock before anything is read, so that no number is read that another connection raises. */
const TAKE_LOCK = "update millrace_counter set value = value where name = 'seq'";

/** Statements that were prepared on a connection of the application serve its later transactions, too. */
const databases = new WeakMap<object, Database>();

/**
 * Runs the effects on the application's connection, in this thread and at once. They are visible to others when,
 * and only if, the application commits.
 */
export function applyInside(
  effects: readonly Effect[],
  { tx: handle, ...options }: ApplyOptions & { readonly tx: StoreTx },
  { path, now }: { readonly path: string; readonly now: number },
): EffectResult[] {
  const db = databaseOf(asConnection(handle));
  checkFile(db, path);
  checkLevel(db);
  try {
    db.exec('savepoint millrace');
    migrateInside(db);
    db.run(TAKE_LOCK);
    const tx = new Transaction(db);
    tx.now = Math.floor(now);
    const results = apply(tx, effects, options);
    tx.flush();
    db.exec('release millrace');
    return results;
  } catch (error) {
    undo(db);
    throw inWords(error, path);
  }
}

function asConnection(handle: StoreTx): DriverConnection {
  const { prepare, exec } = handle as Partial<DriverConnection>;
  if (typeof prepare !== 'function' || typeof exec !== 'function') {
    throw wrong(
      'is not a database connection. Pass the open `DatabaseSync` in whose transaction the jobs belong.',
    );
  }
  const connection = handle as DriverConnection;
  if (isInTransaction(connection)) return connection;
  throw wrong('is not in a transaction. Begin one with `begin immediate` first, and commit it after.');
}

/** Older releases of Node do not say; there an attempt to begin another one tells. */
function isInTransaction(connection: DriverConnection): boolean {
  if (connection.isTransaction !== undefined) return connection.isTransaction;
  try {
    connection.exec('begin');
  } catch {
    return true;
  }
  connection.exec('rollback');
  return false;
}

/** A connection that was closed and opened again has forgotten its statements. */
function databaseOf(connection: DriverConnection): Database {
  const known = databases.get(connection);
  if (known !== undefined && isAlive(known)) return known;
  const db = new Database(connection);
  databases.set(connection, db);
  return db;
}

function isAlive(db: Database): boolean {
  try {
    return db.get('select 1') !== undefined;
  } catch {
    return false;
  }
}

/** A job in another file would be committed with the caller's data and never run. */
function checkFile(db: Database, path: string): void {
  if (path === MEMORY) {
    throw new UnsupportedError(
      'a store in memory cannot join a transaction: no other connection sees it. Use a file, or leave out `tx`.',
    );
  }
  const list = db.all<{ name: string; file: string }>('pragma database_list');
  const file = list.find(({ name }) => name === 'main')?.file ?? '';
  if (file !== '' && realOf(file) === path) return;
  const found = file === '' ? 'a database in memory' : `"${file}"`;
  throw wrong(`is a connection to ${found}, and the store is "${path}". Both must be the same file.`);
}

/**
 * Some drivers open files at a lower level than SQLite's own. What the application commits there survives its own
 * crash, and not that of the machine; jobs are promised more. The level cannot be changed within a transaction.
 */
function checkLevel(db: Database): void {
  const level = db.pragma<{ synchronous: number }>('pragma synchronous')?.synchronous ?? 0;
  if (level >= FULL) return;
  throw wrong(
    `is on a connection with \`synchronous = ${level}\`, so that a power cut could take away jobs after you have ` +
      'committed them. Run `pragma synchronous = full` on the connection once, when you open it.',
  );
}

function realOf(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}

function undo(db: Database): void {
  try {
    db.exec('rollback to millrace');
    db.exec('release millrace');
  } catch {
    // The failure has ended the whole transaction, or the savepoint was never made.
  }
}

function inWords(error: unknown, path: string): unknown {
  if (error instanceof MillraceError) return error;
  if (!isBusy(error)) return toStoreError(error, path) ?? error;
  return new StoreUnavailableError(
    'the transaction could not get the write lock of the database. Roll it back and repeat it; begin it with ' +
      '`begin immediate` and set a `busy_timeout`, so that it waits its turn.',
    { cause: error },
  );
}

function wrong(message: string): InvalidOptionError {
  return new InvalidOptionError('the transaction', [{ path: 'tx', message }]);
}
