/** Histories from files: of one process or of many, whole or cut. */

import { type Dirent, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { InvalidOptionError } from '../errors.ts';
import { type Head, HISTORY_VERSION, type HistoryLine, LINE_KINDS } from './line.ts';

const ENDING = '.jsonl';

export interface ReadHistory {
  /** Lines of one process in their order. */
  readonly lines: HistoryLine[];
  readonly files: string[];
  /** Lines that are no JSON: the last ones of a process that died while it wrote. They count as missing. */
  readonly torn: number;
}

/**
 * Reads files, and all `.jsonl` files of folders.
 *
 * @throws InvalidOptionError when a path is not there, holds no history, or one of a newer format.
 */
export function readHistory(paths: readonly string[]): ReadHistory {
  const files = paths.flatMap(filesOf);
  let torn = 0;
  const lines: HistoryLine[] = [];
  for (const file of files) {
    const read = readLines(file);
    torn += read.torn;
    for (const line of read.lines) lines.push(line);
  }
  if (lines.length === 0) throw invalid(`${paths.join(', ')} holds no history (files that end in ${ENDING})`);
  return { lines: inOrder(lines), files, torn };
}

function filesOf(path: string): string[] {
  let found: Dirent[];
  try {
    if (!statSync(path).isDirectory()) return [path];
    found = readdirSync(path, { withFileTypes: true });
  } catch (error) {
    throw invalid(`${path} cannot be read: ${error instanceof Error ? error.message : error}`);
  }
  const names = found
    .filter((entry) => entry.isFile() && entry.name.endsWith(ENDING))
    .map(({ name }) => name);
  return names.sort().map((name) => join(path, name));
}

function readLines(file: string): { readonly lines: HistoryLine[]; readonly torn: number } {
  const texts = readFileSync(file, 'utf8').split('\n');
  const lines: HistoryLine[] = [];
  let torn = 0;
  for (const text of texts) {
    if (text === '') continue;
    const line = parse(text);
    if (line === null) torn++;
    else if (isLine(line)) lines.push(line);
    else throw invalid(`${file} is not a history: ${text.slice(0, 60)}`);
  }
  for (const line of lines) if (line.kind === 'head') checkVersion(line, file);
  return { lines, torn };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isLine(value: unknown): value is HistoryLine {
  const { seq, mono, wall, process, kind, op } = Object(value) as Partial<Record<keyof HistoryLine, unknown>>;
  const isNumbered = typeof seq === 'number' && typeof mono === 'number' && typeof wall === 'number';
  return (
    isNumbered && typeof process === 'string' && typeof op === 'string' && LINE_KINDS.includes(kind as never)
  );
}

function checkVersion({ args }: HistoryLine, file: string): void {
  const { version } = Object(args) as Partial<Head>;
  if (version === HISTORY_VERSION) return;
  throw invalid(`${file} has format ${version}; this version of millrace reads format ${HISTORY_VERSION}`);
}

/** The parts of a process come in any order. */
function inOrder(lines: HistoryLine[]): HistoryLine[] {
  const first = new Map<string, number>();
  for (const { process, mono } of lines) first.set(process, Math.min(first.get(process) ?? mono, mono));
  const begin = (line: HistoryLine): number => first.get(line.process) ?? 0;
  return lines.sort(
    (one, other) =>
      begin(one) - begin(other) ||
      (one.process < other.process ? -1 : +(one.process > other.process)) ||
      one.seq - other.seq,
  );
}

function invalid(message: string): InvalidOptionError {
  return new InvalidOptionError('the history', [{ path: 'history', message }]);
}
