import { statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { choice, type Rule, type Rules, whole } from '../../job/option-rules.ts';
import type { Problems } from '../../job/problems.ts';

/** For processors that are given by file: each job then runs in a child, which may crash without harm to others. */
export interface IsolationOptions {
  /**
   * What a child is. `process`: whatever the processor does, only its job is lost, and memory is limited as a whole.
   * `thread`: starts faster and is smaller, survives endless loops and `process.exit()`, but not a crash below
   * JavaScript, nor, on Node 24, a full heap. @default 'process'
   */
  readonly isolation?: 'thread' | 'process';
  /**
   * A child that uses more is ended, and its attempt fails with a ProcessorMemoryError. Of a process all its memory
   * counts, of which Node itself takes about 50 MB; of a thread its heap. @default the limit that Node sets
   */
  readonly maxMemoryMb?: number;
  /** A child is replaced after this many jobs. @default never */
  readonly recycleAfterJobs?: number;
  /** A child that uses this much memory after a job is replaced, before the next one. @default never */
  readonly recycleAtMb?: number;
  /** Options of Node for the children, such as `['--import', 'tsx']`. @default those of this process */
  readonly execArgv?: readonly string[];
}

export interface ResolvedIsolation {
  /** A URL. */
  readonly file: string;
  readonly kind: 'thread' | 'process';
  readonly maxMemoryMb: number | null;
  readonly recycleAfterJobs: number | null;
  readonly recycleAtMb: number | null;
  readonly execArgv: readonly string[] | null;
}

/** Less is not enough for a child to start. */
const MIN_MEMORY_MB = 32;
const MAX_MEMORY_MB = 16 * 1024 * 1024;

const checkArguments: Rule = (problems, part, value) => {
  const right = Array.isArray(value) && value.every((each) => typeof each === 'string');
  if (!right) problems.invalid(part, 'must be a list of options of Node, such as ["--import", "tsx"]');
};

export const ISOLATION_RULES: Rules = {
  isolation: choice(['thread', 'process']),
  maxMemoryMb: whole({ min: MIN_MEMORY_MB, max: MAX_MEMORY_MB }),
  recycleAfterJobs: whole({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  recycleAtMb: whole({ min: 1, max: MAX_MEMORY_MB }),
  execArgv: checkArguments,
};

/** A function, or a file that is there. */
export function checkProcessor(problems: Problems, processor: unknown): void {
  if (typeof processor === 'function') return;
  if (!(processor instanceof URL) && typeof processor !== 'string') {
    problems.invalid(
      'processor',
      "must be a function, or a file: new URL('./processor.js', import.meta.url)",
    );
    return;
  }
  const path = pathOf(processor);
  if (path === null) {
    const written = JSON.stringify(String(processor));
    const advice = "write new URL('./processor.js', import.meta.url), or an absolute path";
    problems.invalid('processor', `must be a file, is ${written}: ${advice}`);
  } else if (!isFile(path)) problems.invalid('processor', `there is no file ${path}`);
}

/** These options mean nothing to a processor that runs in process, and whoever sets one expects that they do. */
export function checkIsolation(problems: Problems, processor: unknown, options: object): void {
  if (typeof processor !== 'function') return;
  for (const name of Object.keys(ISOLATION_RULES)) {
    if (Reflect.get(options, name) === undefined) continue;
    problems.invalid(
      name,
      "is for a processor that is given by file: new URL('./processor.js', import.meta.url)",
    );
  }
}

/** Null for a function. */
export function resolveIsolation(processor: unknown, options: IsolationOptions): ResolvedIsolation | null {
  if (typeof processor === 'function') return null;
  return {
    file: pathToFileURL(pathOf(processor as URL | string) ?? '').href,
    kind: options.isolation ?? 'process',
    maxMemoryMb: options.maxMemoryMb ?? null,
    recycleAfterJobs: options.recycleAfterJobs ?? null,
    recycleAtMb: options.recycleAtMb ?? null,
    execArgv: options.execArgv ?? null,
  };
}

/** Null when it is none: relative to what, nobody could say. */
function pathOf(file: URL | string): string | null {
  try {
    if (file instanceof URL || file.startsWith('file:')) return fileURLToPath(file);
    return isAbsolute(file) ? file : null;
  } catch {
    return null;
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
