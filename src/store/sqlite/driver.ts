/**
 * The only file that names a SQLite driver. Both drivers have the same API, so one narrow interface covers them,
 * and no type of theirs crosses into the rest of the house or into the published declarations.
 */

import { createRequire } from 'node:module';
import { DriverMissingError, EnvironmentError } from '../../errors.ts';

export type SqlValue = null | number | bigint | string | Uint8Array;

export interface DriverStatement {
  run(...values: SqlValue[]): { readonly changes: number | bigint };
  get(...values: SqlValue[]): unknown;
  all(...values: SqlValue[]): unknown[];
  setReadBigInts?(on: boolean): void;
  setReturnArrays?(on: boolean): void;
}

/** An open connection: `DatabaseSync` of `node:sqlite` or of `@photostructure/sqlite`. */
export interface DriverConnection {
  prepare(sql: string): DriverStatement;
  exec(sql: string): void;
  close(): void;
  readonly isTransaction?: boolean;
}

export interface Driver {
  readonly name: string;
  /** Version of the SQLite library inside, for example `3.53.0`. */
  readonly version: string;
  open(path: string): DriverConnection;
}

interface DriverModule {
  readonly DatabaseSync: new (path: string) => DriverConnection;
}

/** Built in first: it needs no installation. The other one is for releases of Node without it. */
const NAMES = ['node:sqlite', '@photostructure/sqlite'] as const;

/**
 * Older releases can corrupt a database in WAL mode when two connections write and checkpoint at the same
 * moment (the "WAL-reset bug", repaired in this release).
 */
export const SAFE_VERSION = '3.51.3';
/** The first releases of Node that bring it. */
const SAFE_NODES = '22.22.3 or 24.15';

const INSTALL = 'npm i @photostructure/sqlite@1';

let installed: readonly Driver[] | undefined;

/** The first driver at hand; for a file also one whose SQLite is free of the bug that `SAFE_VERSION` names. */
export function loadDriver(place: 'file' | 'memory'): Driver {
  installed ??= NAMES.flatMap((name) => tryDriver(name));
  return chooseDriver(place, installed);
}

/** The choice among what is installed; exported for its test. */
export function chooseDriver(place: 'file' | 'memory', drivers: readonly Driver[]): Driver {
  const [first] = drivers;
  if (first === undefined) throw missing();
  const driver = place === 'memory' ? first : drivers.find(({ version }) => !isOlder(version, SAFE_VERSION));
  if (driver === undefined) throw tooOld(drivers);
  return driver;
}

function tryDriver(name: string): Driver[] {
  const require = createRequire(import.meta.url);
  let module: DriverModule;
  try {
    module = require(name) as DriverModule;
  } catch {
    return [];
  }
  const open = (path: string): DriverConnection => new module.DatabaseSync(path);
  return [{ name, version: versionOf(open), open }];
}

function versionOf(open: (path: string) => DriverConnection): string {
  const connection = open(':memory:');
  const row = connection.prepare('select sqlite_version() as version').get() as { version: string };
  connection.close();
  return row.version;
}

/** Compares dotted numbers; exported for its test. */
export function isOlder(version: string, than: string): boolean {
  const [one, other] = [version, than].map((text) => text.split('.').map(Number));
  for (let index = 0; index < 3; index += 1) {
    const difference = (one?.[index] ?? 0) - (other?.[index] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

function missing(): DriverMissingError {
  return new DriverMissingError(
    `no SQLite driver is installed: this is Node ${process.versions.node}, which has no built-in one in use. ` +
      `Either install one with \`${INSTALL}\`, or run on Node ${SAFE_NODES} or later, where it is built in.`,
  );
}

function tooOld(drivers: readonly Driver[]): EnvironmentError {
  const found = drivers.map(({ name, version }) => `${name} has SQLite ${version}`).join(', ');
  return new EnvironmentError(
    `${found}; a database file needs SQLite ${SAFE_VERSION} or later, because older ones can corrupt it. ` +
      `Install a newer one with \`${INSTALL}\`, or update Node (${SAFE_NODES} or later).`,
  );
}
