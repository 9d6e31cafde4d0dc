/**
 * Reads what strace recorded: the calls that change files, in the order of their returns, and the notes that the
 * writer took in between. A call that another thread's call interrupts is written in two halves; a write counts
 * from its first half on (any part of it may be on disk by then), a flush only from its second.
 */

import { closeSync, openSync, readSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Note } from './note.ts';

export type DiskStep =
  | { readonly kind: 'make-directory'; readonly path: string }
  | { readonly kind: 'make-file'; readonly path: string }
  | { readonly kind: 'write'; readonly path: string; readonly at: number; readonly data: Buffer }
  | { readonly kind: 'truncate'; readonly path: string; readonly size: number }
  | { readonly kind: 'rename'; readonly from: string; readonly path: string }
  | { readonly kind: 'unlink'; readonly path: string }
  /** `begun`: the calls that were over when the flush began, which are those that it covers. */
  | { readonly kind: 'flush'; readonly path: string; readonly begun: number };

export type Step = DiskStep | { readonly kind: 'note'; readonly note: Note };

interface Where {
  /** Nothing outside of it counts. */
  readonly root: string;
  readonly notes: string;
}

/** Calls that could change a file in a way that is not replayed: met in our files, they must not pass unseen. */
const UNKNOWN = new Set(['pwritev', 'pwritev2', 'writev', 'fallocate', 'copy_file_range', 'sync_file_range']);

export const TRACED: readonly string[] = [
  ...['pwrite64', 'write', 'fsync', 'fdatasync', 'ftruncate', 'truncate', 'rename', 'renameat', 'renameat2'],
  ...['unlink', 'unlinkat', 'openat', 'open', 'creat', 'mkdir', 'mkdirat', 'rmdir', 'mmap', ...UNKNOWN],
];

const CALL = /^(\d+)\s+(?:(\w+)\(|<\.\.\. (\w+) resumed>)/;
const PATH = /(?:<|")((?:\\x[0-9a-f]{2})+)(?:>|")/g;
const DATA = /, "((?:\\x[0-9a-f]{2})*)"(\.\.\.)?/;

export function readTrace(file: string, where: Where): Step[] {
  const steps: Step[] = [];
  const halves = new Map<string, { readonly line: string; readonly begun: number }>();
  for (const line of linesOf(file)) {
    const [, thread = '', name, resumed] = CALL.exec(line) ?? [];
    if (name !== undefined && line.endsWith('<unfinished ...>')) {
      halves.set(thread, { line, begun: steps.length });
      if (isWrite(name)) steps.push(...stepsOf(name, `${line} = 1`, { where, begun: steps.length }));
    } else if (name !== undefined) {
      steps.push(...stepsOf(name, line, { where, begun: steps.length }));
    } else if (resumed !== undefined) {
      const half = halves.get(thread);
      halves.delete(thread);
      if (half === undefined || isWrite(resumed)) continue;
      const whole =
        half.line.replace(/\s*<unfinished \.\.\.>$/, '') + line.slice(line.indexOf('resumed>') + 8);
      steps.push(...stepsOf(resumed, whole, { where, begun: half.begun }));
    }
  }
  return steps;
}

const isWrite = (name: string): boolean => name === 'write' || name === 'pwrite64';

interface Context {
  readonly where: Where;
  readonly begun: number;
}

function stepsOf(name: string, line: string, { where, begun }: Context): Step[] {
  if (/ = -1 |= \?/.test(line.slice(-120))) return [];
  const paths = pathsIn(line, isWrite(name));
  const path = paths.at(name.startsWith('open') || name === 'creat' ? -1 : 0) ?? '';
  if (path === where.notes && name === 'write') return notesIn(dataOf(line));
  if (!`${path}/`.startsWith(`${where.root}/`) || path.endsWith('-shm')) return [];
  if (UNKNOWN.has(name)) throw new Error(`"${name}" on ${path} cannot be replayed`);
  switch (name) {
    case 'pwrite64':
      return [{ kind: 'write', path, at: offsetOf(line), data: dataOf(line) }];
    case 'ftruncate':
      return [{ kind: 'truncate', path, size: lastNumber(line) }];
    case 'fsync':
    case 'fdatasync':
      return [{ kind: 'flush', path, begun }];
    case 'mkdir':
      return [{ kind: 'make-directory', path }];
    case 'unlink':
      return [{ kind: 'unlink', path }];
    case 'rename':
      return [{ kind: 'rename', from: path, path: paths[1] ?? '' }];
    case 'open':
    case 'openat':
      return opened(line, path);
    case 'mmap':
      if (!/PROT_WRITE/.test(line) || !/MAP_SHARED/.test(line)) return [];
  }
  throw new Error(`"${name}" on ${path} cannot be replayed`);
}

function opened(line: string, path: string): Step[] {
  const steps: Step[] = line.includes('O_CREAT') ? [{ kind: 'make-file', path }] : [];
  if (line.includes('O_TRUNC')) steps.push({ kind: 'truncate', path, size: 0 });
  return steps;
}

function notesIn(data: Buffer): Step[] {
  const lines = data.toString().split('\n');
  return lines
    .filter((text) => text !== '')
    .map((text) => ({ kind: 'note', note: JSON.parse(text) as Note }));
}

/** strace names the file behind a descriptor; of a write only that one, because its data look alike. */
function pathsIn(line: string, firstOnly: boolean): string[] {
  const found = firstOnly ? [...line.slice(0, 2_000).matchAll(PATH)].slice(0, 1) : [...line.matchAll(PATH)];
  return found.map((match) => bytesOf(match[1] ?? '').toString());
}

function dataOf(line: string): Buffer {
  const [, hex = '', cut] = DATA.exec(line) ?? [];
  if (cut !== undefined) throw new Error('strace cut the data of a write: its limit is too low');
  return bytesOf(hex);
}

/** `pwrite64(fd, data, count, offset) = n`; whether the call was over yet or not. */
function offsetOf(line: string): number {
  const tail = line.slice(line.lastIndexOf('"'));
  return Number(/^", \d+, (\d+)/.exec(tail)?.[1]);
}

function lastNumber(line: string): number {
  return Number(/, (\d+)\)\s+= 0/.exec(line)?.[1]);
}

/** From `\x37\x7f…`. */
function bytesOf(hex: string): Buffer {
  const bytes = Buffer.allocUnsafe(hex.length / 4);
  for (let index = 0; index < bytes.length; index += 1) {
    bytes[index] = (digit(hex.charCodeAt(index * 4 + 2)) << 4) | digit(hex.charCodeAt(index * 4 + 3));
  }
  return bytes;
}

const digit = (code: number): number => (code < 58 ? code - 48 : code - 87);

const CHUNK = 8 * 1024 * 1024;

/** A trace may be larger than a string can be. */
function* linesOf(file: string): Generator<string> {
  const handle = openSync(file, 'r');
  const chunk = Buffer.allocUnsafe(CHUNK);
  let rest = '';
  try {
    for (let size = readSync(handle, chunk); size > 0; size = readSync(handle, chunk)) {
      const lines = (rest + chunk.toString('latin1', 0, size)).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
    if (rest !== '') yield rest;
  } finally {
    closeSync(handle);
  }
}

/** The directories between the root and a path, the outermost first. */
export function parentsOf(path: string, root: string): string[] {
  const parents: string[] = [];
  for (let parent = dirname(path); parent.length > root.length; parent = dirname(parent))
    parents.unshift(parent);
  return parents;
}
