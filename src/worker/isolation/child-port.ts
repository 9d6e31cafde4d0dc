/** The child's end of the way to its parent: the channel of a process, or the port of a thread. */

import { writeSync } from 'node:fs';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { carryError } from './carry-error.ts';
import type { ChildStart, FromChild, LastWords, ToChild } from './messages.ts';

export interface ChildPort {
  readonly start: ChildStart;
  readonly send: (message: FromChild) => void;
  readonly listen: (hear: (message: ToChild) => void) => void;
  /** Of the process; of a thread its own heap. */
  readonly usedMb: () => number;
}

/** Number of the pipe for last words, by its place among the standard streams. */
const WORDS = 4;
const MB = 1024 * 1024;

export function openPort(): ChildPort {
  return isMainThread ? processPort() : threadPort();
}

function threadPort(): ChildPort {
  const port = parentPort;
  return {
    start: workerData as ChildStart,
    send: (message) => port?.postMessage(message),
    listen: (hear) => void port?.on('message', hear),
    usedMb: () => {
      const { heapTotal, external } = process.memoryUsage();
      return (heapTotal + external) / MB;
    },
  };
}

/**
 * Asked to end by the terminal or by the system, the parent decides: it waits for what runs here. Without a parent
 * there is nobody to run for.
 */
function processPort(): ChildPort {
  const start = JSON.parse(process.argv[2] ?? '{}') as ChildStart;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
  process.on('disconnect', endWithAll);
  process.on('uncaughtExceptionMonitor', (error) => {
    sayLast({ kind: 'uncaught', error: carryError(error) });
  });
  watch(start);
  return {
    start,
    send: (message) => void process.send?.(message, undefined, undefined, () => {}),
    listen: (hear) => void process.on('message', (message) => hear(message as ToChild)),
    usedMb: () => process.memoryUsage.rss() / MB,
  };
}

/** Whatever the processor started goes, too: the child leads a group of its own where there are such. */
export function endWithAll(): void {
  try {
    process.kill(-process.pid, 'SIGKILL');
  } catch {
    process.kill(process.pid, 'SIGKILL');
  }
}

/** Written before it returns, because no turn of the event loop may follow. */
export function sayLast(words: LastWords): void {
  try {
    writeSync(WORDS, `${JSON.stringify(words)}\n`);
  } catch {
    // The parent is gone, or never listened: the words are for nobody then.
  }
}

/** On a thread of its own, because the processor may never let the event loop turn. */
function watch({ maxMemoryMb }: ChildStart): void {
  const thread = new Worker(new URL('./child-watch.js', import.meta.url), {
    workerData: { parent: process.ppid, maxMemoryMb },
    // Nothing that the application loads into every thread belongs here.
    execArgv: [],
    env: {},
    stdout: true,
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 },
  });
  // Without the watch the processor still runs; its limits are the parent's then.
  thread.on('error', () => {});
  thread.unref();
}
