/** Loads the user's modules and gathers the workers that they make. */

import { existsSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { EnvironmentError, InvalidOptionError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import { onWorkerMade } from '../worker/announce.ts';
import type { Worker } from '../worker/worker.ts';

/** A worker that a module made, and the store it works on. */
export interface FoundWorker {
  readonly worker: Worker;
  readonly store: Store;
}

/** `onFound` is called as soon as a worker is made, before it runs its first job. */
export async function importModules(
  files: readonly string[],
  onFound: (found: FoundWorker) => void,
): Promise<FoundWorker[]> {
  const missing = files.filter((file) => !existsSync(file));
  if (missing.length > 0) {
    const problems = missing.map((path) => ({ path, message: 'there is no such file' }));
    throw new InvalidOptionError('the command line', problems);
  }
  const found: FoundWorker[] = [];
  const stop = onWorkerMade((made) => {
    const each = made as FoundWorker;
    found.push(each);
    onFound(each);
  });
  try {
    for (const file of files) await importModule(file);
  } finally {
    stop();
  }
  return found;
}

async function importModule(file: string): Promise<void> {
  try {
    await import(pathToFileURL(resolve(file)).href);
  } catch (cause) {
    const { code } = cause as { code?: unknown };
    if (code === 'ERR_UNKNOWN_FILE_EXTENSION') throw new EnvironmentError(extensionAdvice(file), { cause });
    throw new EnvironmentError(`${file} could not be loaded: ${messageOf(cause)}`, { cause });
  }
}

function extensionAdvice(file: string): string {
  const kind = extname(file);
  const node = `Node ${process.versions.node}`;
  if (!/^\.[cm]?tsx?$/.test(kind))
    return `${file} could not be loaded: ${node} does not know "${kind}" files.`;
  return (
    `${file} is TypeScript, which ${node} does not run. Use Node 22.18 or newer, compile it first, ` +
    'or load a compiler: NODE_OPTIONS="--import tsx" millrace work …'
  );
}

/** The message, and the place in the module if the stack names one. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof SyntaxError)
    return `${error.message}. "node --check" on it, or on what it imports, shows where`;
  const place = /file:\/\/[^\s)]+:\d+/.exec(error.stack ?? '');
  return place === null ? error.message : `${error.message} (${place[0]})`;
}
