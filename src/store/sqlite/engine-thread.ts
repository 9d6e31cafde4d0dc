/** The engine's own thread: the event loop of the application never waits for a disk. */

import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { Beaten, Beater } from '../../pulse/beater.ts';
import { systemClock, type Timer } from '../../runtime/clock.ts';
import type { Hint } from '../store.ts';
import { type Batch, Engine, type EngineOptions, type Reply } from './engine.ts';
import { engineBeater } from './engine-pulse.ts';
import { type PackedCall, type PackedValue, packAnswer, unpackCall } from './pack.ts';
import type { Call, VerbName } from './verbs.ts';
import { encodeError, type WireError } from './wire.ts';

/** What the engine is asked. */
export type Request =
  | { readonly kind: 'call'; readonly call: Call }
  | { readonly kind: 'ask'; readonly id: number; readonly what: 'durability' | 'doctor' }
  | { readonly kind: 'watch'; readonly on: boolean }
  | { readonly kind: 'keep'; readonly pulsed: Beaten }
  | { readonly kind: 'drop'; readonly session: string }
  | { readonly kind: 'close' };

/** `verb`: that of a call, whose answer is packed. */
export type WireReply =
  | ({ readonly id: number; readonly verb: VerbName | null } & PackedValue)
  | { readonly id: number; readonly error: WireError };

/** The same on its way to the thread. */
export type WireRequest = Exclude<Request, { kind: 'call' }> | ({ readonly kind: 'call' } & PackedCall);

/** What the thread says: answers, and news for those who watch; null stands for changes by others. */
export interface Message {
  readonly replies: readonly WireReply[];
  readonly hints: readonly Hint[] | null;
  /** Sessions that did not beat. */
  readonly missed?: { readonly ids: readonly string[]; readonly error: WireError };
}

/** By then a job that is quick has ended, and its end was flushed together with what went ahead of it. */
const CATCH_UP_MS = 5;
/** Quiet time after which the log is emptied. */
const REST_MS = 1_000;

function serve(port: MessagePort, engine: Engine): void {
  let rest: Timer | null = null;
  const restLater = (): void => {
    rest = systemClock.after(REST_MS, () => engine.rest() && restLater(), { background: true });
  };
  let catchUp: Timer | null = null;
  const catchUpLater = (): void => {
    if (catchUp !== null || !engine.isBehind) return;
    const due = (): void => {
      catchUp = null;
      engine.catchUp();
    };
    catchUp = systemClock.after(CATCH_UP_MS, due, { background: true });
  };
  const beater = engineBeater(engine, systemClock, (error, ids) =>
    send(port, { replies: [], hints: [], missed: { ids, error: encodeError(error) } }),
  );
  port.on('message', (first: WireRequest) => {
    rest?.cancel();
    const requests = [first, ...waiting(port)];
    const open = answer(port, engine, requests);
    tend(beater, requests);
    if (!open) {
      catchUp?.cancel();
      beater.stop();
      engine.close();
      port.close();
      return;
    }
    engine.tidy();
    catchUpLater();
    restLater();
  });
}

/** After the calls: one that ends a session is never followed by a beat of it. */
function tend(beater: Beater, requests: readonly WireRequest[]): void {
  for (const request of requests) {
    if (request.kind === 'keep') beater.keep(request.pulsed);
    if (request.kind === 'drop') void beater.drop(request.session);
  }
}

/** Everything that has arrived while the engine was busy. */
function waiting(port: MessagePort): WireRequest[] {
  const requests: WireRequest[] = [];
  for (;;) {
    const received = receiveMessageOnPort(port);
    if (received === undefined) return requests;
    requests.push(received.message as WireRequest);
  }
}

/** Answers false when the thread is to end. Adds to `requests` what comes meanwhile. */
function answer(port: MessagePort, engine: Engine, requests: WireRequest[]): boolean {
  const calls = callsOf(requests);
  if (calls.length > 0) {
    const verbs = new Map(calls.map(({ id, verb }) => [id, verb]));
    const tell = ({ replies, hints }: Batch): void =>
      send(port, { replies: replies.map((reply) => toWire(reply, verbs.get(reply.id) ?? null)), hints });
    const more = (): readonly Call[] => {
      const later = waiting(port);
      requests.push(...later);
      const joining = callsOf(later);
      for (const { id, verb } of joining) verbs.set(id, verb);
      return joining;
    };
    tell(engine.run(calls, { more, ahead: tell }));
  }
  for (const request of requests) {
    if (request.kind === 'ask') send(port, { replies: [toWire(ask(engine, request), null)], hints: [] });
    if (request.kind === 'watch') {
      engine.watch(request.on ? () => send(port, { replies: [], hints: null }) : null);
    }
  }
  return requests.every(({ kind }) => kind !== 'close');
}

function callsOf(requests: readonly WireRequest[]): Call[] {
  return requests.flatMap((request) => (request.kind === 'call' ? [unpackCall(request)] : []));
}

function ask(engine: Engine, { id, what }: Request & { kind: 'ask' }): Reply {
  try {
    return { id, value: what === 'doctor' ? engine.doctor() : engine.durability() };
  } catch (error) {
    return { id, error };
  }
}

function toWire(reply: Reply, verb: VerbName | null): WireReply {
  if ('error' in reply) return { id: reply.id, error: encodeError(reply.error) };
  return { id: reply.id, verb, ...packAnswer(verb, reply.value) };
}

function send(port: MessagePort, message: Message): void {
  port.postMessage(message, cargoOf(message));
}

/** Handed over, not copied. */
function cargoOf({ replies }: Message): ArrayBuffer[] {
  return replies.flatMap((reply) => ('cargo' in reply ? [reply.cargo.hold.buffer as ArrayBuffer] : []));
}

if (parentPort !== null) serve(parentPort, new Engine(workerData as EngineOptions));
