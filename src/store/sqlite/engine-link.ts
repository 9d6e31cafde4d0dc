/** Ways to an engine: on a thread of its own, or on the application's. */

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Hint } from '../store.ts';
import { Engine, type EngineOptions } from './engine.ts';
import type { Message, Request, WireRequest } from './engine-thread.ts';
import { MEMORY } from './open.ts';
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
  const worker = new Worker(threadUrl(), { workerData: options, execArgv });
  let closing = false;
  let failure: Error | null = null;
  const ended = new Promise<void>((resolve) => {
    worker.once('exit', (code) => {
      resolve();
      if (!closing) port.broke(failure ?? new Error(`its thread ended with code ${code}`));
    });
  });
  worker.on('error', (error) => {
    failure = error instanceof Error ? error : new Error(String(error));
  });
  worker.on('message', ({ replies, hints }: Message) => {
    for (const reply of replies) {
      const isError = 'error' in reply;
      port.answered(
        reply.id,
        isError ? { error: decodeError(reply.error) } : { value: unpackAnswer(reply.verb, reply) },
      );
    }
    if (hints === null || hints.length > 0) port.told(hints);
  });
  worker.unref();
  return {
    send: (request) => {
      if (request.kind !== 'call') worker.postMessage(request satisfies WireRequest);
      else {
        const packed = packCall(request.call);
        worker.postMessage({ kind: 'call', ...packed } satisfies WireRequest, [
          packed.cargo.buffer as ArrayBuffer,
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

/** The same engine on the application's own thread: for `:memory:`, where there is no disk to wait for. */
export function inlineLink(options: EngineOptions, port: Port): Link {
  const engine = new Engine(options);
  return {
    send: (request) => {
      if (request.kind === 'call') {
        const { replies, hints } = engine.run([request.call]);
        for (const reply of replies) port.answered(reply.id, reply);
        if (hints.length > 0) port.told(hints);
        if (options.path !== MEMORY) engine.tidy();
      } else if (request.kind === 'ask') answerInline(engine, request, port);
      else if (request.kind === 'watch') engine.watch(request.on ? () => port.told(null) : null);
    },
    hold: () => undefined,
    close: async () => engine.close(),
  };
}

function answerInline(engine: Engine, { id, what }: Request & { kind: 'ask' }, port: Port): void {
  try {
    port.answered(id, { value: what === 'doctor' ? engine.doctor() : engine.durability() });
  } catch (error) {
    port.answered(id, { error });
  }
}
