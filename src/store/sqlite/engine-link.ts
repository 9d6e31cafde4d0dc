/** Ways to an engine: on a thread of its own, or on the application's. */

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { atExit } from '../../runtime/at-exit.ts';
import type { Hint } from '../store.ts';
import type { EngineOptions } from './engine.ts';
import type { Message, Request, WireRequest } from './engine-thread.ts';
import { ExitGate } from './exit-gate.ts';
import { packCall, unpackAnswer } from './pack.ts';
import { decodeError } from './wire.ts';

export type EngineKind = 'thread' | 'inline';

/** A way to an engine. `send` answers by way of the `Port` it was made with. */
export interface Link {
  send(request: Request): void;
  /** While answers are due the process stays alive. */
  hold(on: boolean): void;
  close(): Promise<void>;
}

export interface Port {
  answered(id: number, outcome: { readonly value: unknown } | { readonly error: unknown }): void;
  told(hints: readonly Hint[] | null): void;
  /** Sessions that the engine could not beat. */
  missed(ids: readonly string[], error: Error): void;
  broke(error: Error): void;
}

export type MakeLink = (options: EngineOptions, port: Port) => Link;

/** The compiled file beside this one. A literal, so that bundlers see that it is needed. */
function threadUrl(): URL {
  return new URL('./engine-thread.js', import.meta.url);
}

/** Whether a thread can be started at all: not from sources, and not out of a bundle that left its file behind. */
export function canThread(): boolean {
  const url = threadUrl();
  return url.protocol === 'file:' && existsSync(fileURLToPath(url));
}

export function threadLink(options: EngineOptions, port: Port): Link {
  // Node says of its own SQLite that it is experimental, in every program anew; here that is known and checked.
  const execArgv = ['--disable-warning=ExperimentalWarning'];
  const gate = new ExitGate();
  const workerData = { ...options, exitGate: gate.buffer } satisfies EngineOptions;
  const worker = new Worker(threadUrl(), { workerData, execArgv });
  const noLonger = atExit(() => gate.shut());
  let closing = false;
  let failure: Error | null = null;
  const ended = new Promise<void>((resolve) => {
    worker.once('exit', (code) => {
      noLonger();
      resolve();
      if (!closing) port.broke(failure ?? new Error(`its thread ended with code ${code}`));
    });
  });
  worker.on('error', (error) => {
    failure = asError(error);
  });
  worker.on('message', ({ replies, hints, missed }: Message) => {
    for (const reply of replies) {
      const isError = 'error' in reply;
      port.answered(
        reply.id,
        isError ? { error: decodeError(reply.error) } : { value: unpackAnswer(reply.verb, reply) },
      );
    }
    if (hints === null || hints.length > 0) port.told(hints);
    if (missed !== undefined) port.missed(missed.ids, decodeError(missed.error));
  });
  worker.unref();
  return {
    send: (request) => {
      if (request.kind !== 'call') worker.postMessage(request satisfies WireRequest);
      else {
        const packed = packCall(request.call);
        worker.postMessage({ kind: 'call', ...packed } satisfies WireRequest, [
          packed.cargo.hold.buffer as ArrayBuffer,
        ]);
      }
    },
    hold: (on) => (on ? worker.ref() : worker.unref()),
    close: () => {
      closing = true;
      worker.ref();
      worker.postMessage({ kind: 'close' } satisfies Request);
      return ended;
    },
  };
}

/**
 * The same engine on the application's own thread: for `:memory:`, where there is no disk to wait for. Most programs
 * have theirs on a thread, so it is loaded when somebody uses it; what is sent meanwhile waits in its order.
 */
export function inlineLink(options: EngineOptions, port: Port): Link {
  let link: Link | null = null;
  const waiting: Request[] = [];
  const loading = loadInline(options, port).then(
    (loaded) => {
      link = loaded;
      for (const request of waiting) loaded.send(request);
    },
    (error: unknown) => port.broke(asError(error)),
  );
  return {
    send: (request) => (link === null ? void waiting.push(request) : link.send(request)),
    hold: () => undefined,
    close: async () => {
      await loading;
      await link?.close();
    },
  };
}

async function loadInline(options: EngineOptions, port: Port): Promise<Link> {
  const { inlineEngine } = await import('./engine-inline.ts');
  return inlineEngine(options, port);
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
