import { Worker } from 'node:worker_threads';
import { carryError } from './carry-error.ts';
import type { Link, LinkOptions, LinkPort } from './link.ts';
import type { FromChild, LastWords } from './messages.ts';

/** A thread: starts in a third of the time of a process, shares its memory limits and its crashes below JavaScript. */
export function threadLink({ start, execArgv }: LinkOptions, port: LinkPort): Link {
  const thread = new Worker(new URL('./child.js', import.meta.url), {
    workerData: start,
    ...(execArgv !== null && { execArgv: [...execArgv] }),
    ...(start.maxMemoryMb !== null && { resourceLimits: { maxOldGenerationSizeMb: start.maxMemoryMb } }),
  });
  let words: LastWords | null = null;
  thread.on('message', (message: FromChild) => port.told(message));
  thread.on('error', (error) => {
    words = wordsOf(error);
  });
  thread.on('exit', (exitCode) => port.ended({ exitCode, signal: null, words }));
  return {
    name: `thread ${thread.threadId}`,
    send: (message) => thread.postMessage(message),
    kill: () => void thread.terminate(),
  };
}

function wordsOf(error: unknown): LastWords {
  const { code } = Object(error) as { code?: unknown };
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') return { kind: 'memory', usedMb: 0 };
  return { kind: 'uncaught', error: carryError(error) };
}
