/** Where a database file lies, and whether that is a place for one. */

import {
  chmodSync,
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  realpathSync,
  type Stats,
  statfsSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { EnvironmentError } from '../../errors.ts';

/** In place of a path: a database that ends with its connection. */
export const MEMORY = ':memory:';

export type FileSystem = 'local' | 'memory' | 'foreign' | 'network';

const STICKY = 0o1000;
const WORLD_WRITABLE = 0o002;
const OTHERS = 0o077;

/** Numbers from statfs(2). On network file systems the locks and the shared memory of WAL mode do not hold. */
const FILE_SYSTEMS: ReadonlyMap<number, FileSystem> = new Map([
  [0x6969, 'network'], // NFS
  [0x517b, 'network'], // SMB
  [0xff534d42, 'network'], // CIFS
  [0xfe534d42, 'network'], // SMB 2
  [0x00c36400, 'network'], // Ceph
  [0x0bd00bd0, 'network'], // Lustre
  [0x01161970, 'network'], // GFS2
  [0x7461636f, 'network'], // OCFS2
  [0x5346414f, 'network'], // AFS
  [0x73757245, 'network'], // Coda
  [0x564c, 'network'], // NCP
  [0x19830326, 'network'], // BeeGFS
  [0x65735546, 'foreign'], // FUSE
  [0x01021997, 'foreign'], // 9P
  [0x786f4256, 'foreign'], // folders shared by a virtual machine
  [0x01021994, 'memory'], // tmpfs
  [0x858458f6, 'memory'], // ramfs
]);

/**
 * Makes the directory and the file if need be, for the user alone, and refuses places where data would not be
 * safe. Answers the real path: two names of one file are one database.
 */
export function preparePlace(path: string): string {
  const asked = resolve(path);
  const directory = prepareDirectory(dirname(asked));
  const file = join(directory, basename(asked));
  if (fileSystemOf(directory) === 'network') {
    throw new EnvironmentError(
      `"${file}" lies on a network file system, where SQLite cannot keep a database safe. ` +
        'Put it on a local disk, or use a store made for several machines.',
    );
  }
  const known = lookAt(file);
  if (known === undefined) createFile(file);
  else checkFile(file, known);
  return file;
}

function prepareDirectory(path: string): string {
  try {
    const first = mkdirSync(path, { recursive: true, mode: 0o700 });
    if (first !== undefined) flushNames(dirname(first), dirname(path));
    const directory = realpathSync(path);
    checkDirectory(directory, statSync(directory));
    return directory;
  } catch (error) {
    if (error instanceof EnvironmentError) throw error;
    throw new EnvironmentError(`the directory "${path}" of the database cannot be used: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

/**
 * Puts the names of new directories on disk, from the outermost parent to the innermost: SQLite flushes the directory
 * that holds its files, but nothing above it, so that a power cut could take the directory away with all jobs in it.
 */
function flushNames(outermost: string, innermost: string): void {
  for (let parent = innermost; ; parent = dirname(parent)) {
    flushDirectory(parent);
    if (parent === outermost || parent === dirname(parent)) return;
  }
}

/** Not every platform can flush a directory, or let its user; there the file system is trusted. */
function flushDirectory(path: string): void {
  try {
    const handle = openSync(path, 'r');
    try {
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  } catch {
    // Nothing is lost yet, and the database works: this is no reason to refuse it.
  }
}

function checkDirectory(path: string, { mode }: Stats): void {
  if ((mode & WORLD_WRITABLE) === 0 || (mode & STICKY) !== 0 || process.platform === 'win32') return;
  throw new EnvironmentError(
    `the directory "${path}" may be written by everybody, who could replace the database. ` +
      `Take that right away (\`chmod o-w ${path}\`), or use another directory.`,
  );
}

function lookAt(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw new EnvironmentError(`the database "${path}" cannot be reached: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

/** SQLite gives its companions (`-wal`, `-shm`) the rights of the database, so only this file needs them. */
function createFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
    // A process may run without a umask, or with one that takes too much away from its own user.
    chmodSync(path, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
    throw new EnvironmentError(`the database "${path}" cannot be made: ${reasonOf(error)}`, { cause: error });
  }
}

function checkFile(path: string, known: Stats): void {
  if (known.isSymbolicLink()) {
    throw new EnvironmentError(
      `"${path}" is a symbolic link, which somebody else could point elsewhere. Give the path of the file itself.`,
    );
  }
  if (!known.isFile()) {
    throw new EnvironmentError(`"${path}" is not a file. Give the path of a database file.`);
  }
}

export function fileSystemOf(directory: string): FileSystem {
  try {
    return FILE_SYSTEMS.get(statfsSync(directory).type >>> 0) ?? 'local';
  } catch {
    // Not every platform can say; then there is nothing to hold against the place.
    return 'local';
  }
}

const warnedOf = new Set<string>();

/** Said once a file and process: whether it is safe there cannot be told from here. */
export function warnOfPlace(path: string): void {
  if (warnedOf.has(path) || fileSystemOf(dirname(path)) !== 'foreign') return;
  warnedOf.add(path);
  process.emitWarning(
    `"${path}" lies on a file system that is a bridge to another one (FUSE, 9P or a shared folder). If another machine ` +
      'opens the file too, jobs can be lost; put it on a local disk.',
    { type: 'MillraceWarning', code: 'MILLRACE_FOREIGN_FILE_SYSTEM' },
  );
}

/** Whether users other than the owner may read or write the file. */
export function isOpenToOthers(path: string): boolean {
  if (process.platform === 'win32') return false;
  const known = statSync(path, { throwIfNoEntry: false });
  return known !== undefined && (known.mode & OTHERS) !== 0;
}

/** 0 when there is none. */
export function bytesOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
