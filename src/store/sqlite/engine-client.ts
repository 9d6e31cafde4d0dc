/**
 * The application's side of an engine: sends calls, keeps the process alive while answers are due, tells watchers
 * the news, and starts a new engine when one has crashed. Stores of one file in one process share it.
 */

import { StoreUnavailableError } from '../../errors.ts';
import { NumberMap } from '../../runtime/number-map.ts';
import type { Hint, PulsedSession, Unwatch } from '../store.ts';
import {
  type EngineKind,
  inlineLink,
  type Link,
  type MakeLink,
  type Port,
  threadLink,
} from './engine-link.ts';
import type { Request } from './engine-thread.ts';
import { queuesFed } from './foretold.ts';
import { bytesOf, MEMORY } from './place.ts';
import type { VerbName } from './verbs.ts';

interface Watcher {
  readonly queues: readonly string[];
  readonly onNews: (hint: Hint) => void;
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Waiting for the write lock: on a thread of its own nobody minds, on the application's it must be short. */
const PATIENCE_MS: Readonly<Record<EngineKind, number>> = { thread: 15_000, inline: 1_000 };

/** They may look at thousands of jobs, and the others would wait … */
const LONG_READS: ReadonlySet<VerbName> = new Set<VerbName>(['find', 'verify', 'planDump', 'dumpPart']);
/** … in a file that is no longer small. */
const SMALL_BYTES = 16 * 1024 * 1024;

/** Whether a verb is read on another connection, so that nobody waits for it. */
export type ReadAside = (verb: VerbName, path: string) => boolean;

const longReads: ReadAside = (verb, path) => LONG_READS.has(verb) && bytesOf(path) > SMALL_BYTES;
const NOBODY: ReadonlySet<string> = new Set();
const never: ReadAside = () => false;

export class EngineClient {
  readonly #path: string;
  readonly #kind: EngineKind;
  readonly #pending = new NumberMap<Pending>();
  readonly #watchers = new Set<Watcher>();
  readonly #pulsed = new Map<string, PulsedSession>();
  #idle: (() => void)[] = [];
  #link: Link | null = null;
  #lastId = 0;
  readonly #makeLink: MakeLink;
  readonly #aside: ReadAside;
  /** Made by the first read that goes aside. */
  #reader: EngineClient | null = null;

  /** @param makeLink A way to the engine; tests bring their own. */
  constructor(
    path: string,
    kind: EngineKind,
    makeLink: MakeLink = kind === 'thread' ? threadLink : inlineLink,
    aside: ReadAside = kind === 'thread' ? longReads : never,
  ) {
    this.#path = path;
    this.#kind = kind;
    this.#makeLink = makeLink;
    this.#aside = aside;
  }

  /** `now`: the caller's own clock, or null for the engine's. */
  call<T>(verb: VerbName, args: readonly unknown[], now: number | null): Promise<T> {
    if (this.#aside(verb, this.#path)) return this.#readAside<T>(verb, args, now);
    const fed = this.#kind === 'thread' && this.#watchers.size > 0 ? queuesFed(verb, args) : NOBODY;
    const foretold = fed.size > 0;
    const answer = this.#expect<T>((id) => ({
      kind: 'call',
      call: { id, verb, args, now, ...(foretold ? { foretold } : {}) },
    }));
    // A claim that is made now is right behind, on the one way that leads to the engine.
    if (foretold) this.#tell([...fed].map((queue) => ({ queue, news: 'coming' })));
    return answer;
  }

  ask<T>(what: 'durability' | 'doctor'): Promise<T> {
    return this.#expect((id) => ({ kind: 'ask', id, what }));
  }

  /** Empty `queues`: all of them. Resolves when nothing that is committed from now on can be missed. */
  async watch(queues: readonly string[], onNews: (hint: Hint) => void): Promise<Unwatch> {
    const watcher = { queues: [...queues], onNews };
    this.#watchers.add(watcher);
    // A new engine is told to watch when it is started.
    if (this.#watchers.size === 1) this.#link?.send({ kind: 'watch', on: true });
    try {
      await this.ask('durability');
    } catch (error) {
      this.#unwatch(watcher);
      throw error;
    }
    return () => this.#unwatch(watcher);
  }

  /** The engine beats this session, and the next one does when it crashes. */
  keep(pulsed: PulsedSession): void {
    this.#pulsed.set(pulsed.session.id, pulsed);
    const isNew = this.#link === null;
    // A new engine is told of all of them when it is started.
    if (isNew) this.#connect();
    else this.#link?.send(keeping(pulsed));
  }

  /** Calls that are made from now on come after its last beat, since one way leads to the engine. */
  drop(id: string): void {
    if (this.#pulsed.delete(id)) this.#link?.send({ kind: 'drop', session: id });
  }

  async close(): Promise<void> {
    if (this.#pending.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
    this.#watchers.clear();
    this.#pulsed.clear();
    const link = this.#link;
    this.#link = null;
    await Promise.all([link?.close(), this.#reader?.close()]);
  }

  /** On a connection and a thread of its own. It sees everything that was acknowledged before. */
  #readAside<T>(verb: VerbName, args: readonly unknown[], now: number | null): Promise<T> {
    this.#reader ??= new EngineClient(this.#path, this.#kind, this.#makeLink, never);
    return this.#reader.call<T>(verb, args, now);
  }

  #expect<T>(request: (id: number) => Request): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#lastId += 1;
      const id = this.#lastId;
      const link = this.#connect();
      this.#pending.set(id, { resolve: resolve as (value: unknown) => void, reject });
      if (this.#pending.size === 1) link.hold(true);
      try {
        link.send(request(id));
      } catch (error) {
        // What cannot be sent (a function among the arguments, say) is not waited for either.
        this.#settle(id, { error });
      }
    });
  }

  #connect(): Link {
    if (this.#link !== null) return this.#link;
    const options = { path: this.#path, patienceMs: PATIENCE_MS[this.#kind] };
    const port: Port = {
      answered: (id, outcome) => this.#settle(id, outcome),
      told: (hints) => this.#tell(hints),
      missed: (ids, error) => {
        for (const id of ids) this.#pulsed.get(id)?.onFault(error);
      },
      broke: (error) => this.#break(error),
    };
    this.#link = this.#makeLink(options, port);
    if (this.#watchers.size > 0) this.#link.send({ kind: 'watch', on: true });
    for (const pulsed of this.#pulsed.values()) this.#link.send(keeping(pulsed));
    return this.#link;
  }

  #settle(id: number, outcome: { readonly value: unknown } | { readonly error: unknown }): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.#rest();
    if ('error' in outcome) pending.reject(outcome.error);
    else pending.resolve(outcome.value);
  }

  /** The engine ended by itself. Whether the calls that were under way took effect is not known. */
  #break(cause: Error): void {
    this.#link = null;
    const message =
      `the engine of the database "${this.#path}" stopped (${cause.message}); it is not known whether the call took ` +
      'effect. Repeat it with the same request id or claim id.';
    const pending = this.#pending.values();
    this.#pending.clear();
    this.#rest();
    for (const { reject } of pending) reject(new StoreUnavailableError(message, { cause }));
    // What was committed and not told any more is made good by a look, which also starts the next engine.
    this.#tell(null);
  }

  #rest(): void {
    this.#link?.hold(false);
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** null: other connections changed something, so everybody has to look. */
  #tell(hints: readonly Hint[] | null): void {
    for (const watcher of this.#watchers) {
      const news = hints === null ? unknownTo(watcher) : hints.filter(({ queue }) => isMeant(watcher, queue));
      for (const hint of news) this.#announce(watcher, hint);
    }
  }

  /** On a turn of its own: an error of a watcher is not an error of the verb. */
  #announce(watcher: Watcher, hint: Hint): void {
    void Promise.resolve().then(() => {
      if (this.#watchers.has(watcher)) watcher.onNews(hint);
    });
  }

  #unwatch(watcher: Watcher): void {
    if (!this.#watchers.delete(watcher) || this.#watchers.size > 0) return;
    this.#link?.send({ kind: 'watch', on: false });
  }
}

/** Without what cannot leave this thread. */
function keeping({ session, maxBlockMs, sheet }: PulsedSession): Request {
  return { kind: 'keep', pulsed: { session, maxBlockMs, sheet } };
}

function isMeant({ queues }: Watcher, queue: string): boolean {
  return queues.length === 0 || queues.includes(queue);
}

/** Who watches all queues is told with an empty name. */
function unknownTo({ queues }: Watcher): Hint[] {
  const names = queues.length === 0 ? [''] : queues;
  return names.map((queue) => ({ queue, news: 'unknown' }));
}

interface Shared {
  readonly client: EngineClient;
  users: number;
}

const shared = new Map<string, Shared>();

/** The engine of a file, shared in this process; every `:memory:` is one of its own. */
export function acquireClient(path: string, kind: EngineKind): EngineClient {
  if (path === MEMORY) return new EngineClient(path, kind);
  const key = `${kind} ${path}`;
  const known = shared.get(key) ?? { client: new EngineClient(path, kind), users: 0 };
  known.users += 1;
  shared.set(key, known);
  return known.client;
}

/** The last one to leave closes it. */
export async function releaseClient(path: string, kind: EngineKind, client: EngineClient): Promise<void> {
  const key = `${kind} ${path}`;
  const known = shared.get(key);
  if (known?.client === client) {
    known.users -= 1;
    if (known.users > 0) return;
    shared.delete(key);
  }
  await client.close();
}
