import { closeSync, openSync } from 'node:fs';
import {
  EnvironmentError,
  MillraceError,
  StoreCorruptError,
  StoreFullError,
  StoreUnavailableError,
} from '../../errors.ts';
import { holdersOf } from './lock-holders.ts';

/** Primary result codes of SQLite (https://www.sqlite.org/rescode.html). */
const CODES = {
  perm: 3,
  busy: 5,
  locked: 6,
  readonly: 8,
  ioerr: 10,
  corrupt: 11,
  full: 13,
  cantopen: 14,
  protocol: 15,
  auth: 23,
  notadb: 26,
} as const;

/** Also those that a connection keeps though their reason is gone: a file opened without the right to write. */
const BREAKING: ReadonlySet<number> = new Set([
  CODES.ioerr,
  CODES.corrupt,
  CODES.notadb,
  CODES.protocol,
  CODES.readonly,
  CODES.cantopen,
  CODES.perm,
]);

/** Errors that come up between two rows bring no code, but SQLite's own words (https://www.sqlite.org/c3ref/errcode.html). */
const SAID: ReadonlyMap<string, number> = new Map([
  ['database is locked', CODES.busy],
  ['attempt to write a readonly database', CODES.readonly],
  ['disk I/O error', CODES.ioerr],
  ['database disk image is malformed', CODES.corrupt],
  ['database or disk is full', CODES.full],
  ['unable to open database file', CODES.cantopen],
  ['locking protocol', CODES.protocol],
  ['file is not a database', CODES.notadb],
]);

/** The primary code; null when the error does not come from SQLite. */
export function resultCode(error: unknown): number | null {
  if (!(error instanceof Error)) return null;
  if ('errcode' in error && typeof error.errcode === 'number') return error.errcode & 0xff;
  return SAID.get(error.message) ?? null;
}

export function isBusy(error: unknown): boolean {
  const code = resultCode(error);
  return code === CODES.busy || code === CODES.locked;
}

/** After these the connection is not to be trusted, and is opened anew. */
export function breaksConnection(error: unknown): boolean {
  const code = resultCode(error);
  return code !== null && BREAKING.has(code);
}

/** Reading or writing failed, and perhaps only afterwards: what was written before may not be on the disk either. */
export function isIoFailure(error: unknown): boolean {
  return resultCode(error) === CODES.ioerr;
}

export function isCorrupt(error: unknown): boolean {
  return resultCode(error) === CODES.corrupt;
}

/** Ours, in the words of the house; null for an error that says something about one call and not the store. */
export function toStoreError(error: unknown, path: string): MillraceError | null {
  if (error instanceof MillraceError) return null;
  const cause = { cause: error };
  const said = error instanceof Error ? error.message : String(error);
  switch (resultCode(error)) {
    case CODES.busy:
    case CODES.locked:
    case CODES.protocol:
      return new StoreUnavailableError(
        `the database "${path}" is locked by ${holdersOf(path, 'write') || 'another connection'} (${said}). A ` +
          'transaction there is open for too long; nothing was written, and the call may be repeated. End that ' +
          'transaction, or the process.',
        cause,
      );
    case CODES.full:
      return new StoreFullError(
        `the database "${path}" is full (${said}). Nothing of the call was written. Make room on the disk.`,
        cause,
      );
    case CODES.corrupt:
    case CODES.notadb:
      return new StoreCorruptError(
        `the database "${path}" is damaged or not a database (${said}). It is not written to any more. ` +
          'Stop every process that uses it and see docs/how-to/recover-a-damaged-store.md.',
        cause,
      );
    case CODES.ioerr:
      return new StoreUnavailableError(
        `reading or writing the database "${path}" failed (${said}); it is not known whether the call took effect. ` +
          'Repeat it with the same request id or claim id.',
        cause,
      );
    case CODES.perm:
    case CODES.readonly:
    case CODES.cantopen:
    case CODES.auth:
      return new EnvironmentError(
        `the database "${path}" cannot be opened for writing (${said}${reasonOf(path)}). Check who owns the file and ` +
          'its directory, and whether the disk is mounted for writing.',
        cause,
      );
    default:
      return null;
  }
}

/** SQLite does not say what the machine said; trying once more does. */
function reasonOf(path: string): string {
  try {
    closeSync(openSync(path, 'r+'));
    return '';
  } catch (error) {
    return `; ${error instanceof Error ? error.message : String(error)}`;
  }
}
