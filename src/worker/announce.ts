/**
 * How a program that loads modules learns of the workers they make: it listens while they load. Every copy of
 * this package in the process tells the same listener, because a globally installed command line may load a
 * module that has a copy of its own.
 */

import type { Store } from '../store/store.ts';

export interface MadeWorker<W = unknown> {
  readonly worker: W;
  /** The one it works on. */
  readonly store: Store;
}

type Listener = (made: MadeWorker) => void;

const KEY = Symbol.for('millrace.announce-worker');
const host = globalThis as typeof globalThis & { [KEY]?: Listener };

/** Called by the constructor of a worker, before it starts. */
export function announceWorker(made: MadeWorker): void {
  host[KEY]?.(made);
}

/** One listener at a time; answers how to stop listening. */
export function onWorkerMade(listener: Listener): () => void {
  host[KEY] = listener;
  return () => {
    if (host[KEY] === listener) delete host[KEY];
  };
}
