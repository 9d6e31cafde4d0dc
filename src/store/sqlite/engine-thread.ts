/** The engine's own thread: the event loop of the application never waits for a disk. */

import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { systemClock, type Timer } from '../../runtime/clock.ts';
import type { Hint } from '../store.ts';
import { Engine, type EngineOptions, type Reply } from './engine.ts';
import type { Call } from './verbs.ts';
import { encodeError, type WireError } from './wire.ts';

/** What the thread is asked. */
export type Request =
  | { readonly kind: 'call'; readonly call: Call }
  | { readonly kind: 'ask'; readonly id: number; readonly what: 'durability' | 'doctor' }
  | { readonly kind: 'watch'; readonly on: boolean }
  | { readonly kind: 'close' };

export type WireReply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: WireError };

/** What the thread says: answers, and news for those who watch; null stands for changes by others. */
export interface Message {
  readonly replies: readonly WireReply[];
  readonly hints: readonly Hint[] | null;
}

/** Quiet time after which the log is emptied. */
const REST_MS = 1_000;

function serve(port: MessagePort, engine: Engine): void {
  let rest: Timer | null = null;
  port.on('message', (first: Request) => {
    rest?.cancel();
    const requests = [first, ...waiting(port)];
    const open = answer(port, engine, requests);
    if (!open) {
      engine.close();
      port.close();
      return;
    }
    engine.tidy();
    rest = systemClock.after(REST_MS, () => engine.rest(), { background: true });
  });
}

/** Everything that has arrived while the engine was busy. */
function waiting(port: MessagePort): Request[] {
  const requests: Request[] = [];
  for (;;) {
    const received = receiveMessageOnPort(port);
    if (received === undefined) return requests;
    requests.push(received.message as Request);
  }
}

/** Answers false when the thread is to end. */
function answer(port: MessagePort, engine: Engine, requests: readonly Request[]): boolean {
  const calls = requests.flatMap((request) => (request.kind === 'call' ? [request.call] : []));
  if (calls.length > 0) {
    const { replies, hints } = engine.run(calls);
    send(port, { replies: replies.map(toWire), hints });
  }
  for (const request of requests) {
    if (request.kind === 'ask') send(port, { replies: [toWire(ask(engine, request))], hints: [] });
    if (request.kind === 'watch') {
      engine.watch(request.on ? () => send(port, { replies: [], hints: null }) : null);
    }
  }
  return requests.every(({ kind }) => kind !== 'close');
}

function ask(engine: Engine, { id, what }: Request & { kind: 'ask' }): Reply {
  try {
    return { id, value: what === 'doctor' ? engine.doctor() : engine.durability() };
  } catch (error) {
    return { id, error };
  }
}

function toWire(reply: Reply): WireReply {
  return 'error' in reply ? { id: reply.id, error: encodeError(reply.error) } : reply;
}

function send(port: MessagePort, message: Message): void {
  port.postMessage(message);
}

if (parentPort !== null) serve(parentPort, new Engine(workerData as EngineOptions));
