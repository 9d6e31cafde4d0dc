import { resolve } from 'node:path';
import { InvalidOptionError } from '../../errors.ts';
import { type Clock, systemClock } from '../../runtime/clock.ts';
import { NumberMap } from '../../runtime/number-map.ts';
import type { ApplyOptions, Effect, EffectResult, Hint, Pulse, StoreTx, Unwatch } from '../store.ts';
import { acquireClient, type EngineClient, releaseClient } from './engine-client.ts';
import { canThread, type EngineKind } from './engine-link.ts';
import { loadJoin } from './load-join.ts';
import { MEMORY, preparePlace, warnOfPlace } from './place.ts';
import type { VerbName } from './verbs.ts';

export interface SqliteStoreOptions {
  /** Path of the database file, which is made if need be, or `:memory:`. */
  readonly path: string;
  /** Decides what time it is. Default: the machine's clock. */
  readonly clock?: Clock;
  /**
   * Where the database is worked on: on a thread of its own, so that the application never waits for the disk, or
   * on the caller's. Default: a thread for files, the caller's for `:memory:`.
   */
  readonly engine?: EngineKind;
}

interface Held {
  readonly client: EngineClient;
  readonly path: string;
}

/** The store's hold on the engine of its file: taken by the first verb, let go by `close`. */
export class Access {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #kind: EngineKind;
  readonly #unwatches = new Set<Unwatch>();
  /** By numbers of their own. */
  readonly #calls = new NumberMap<Promise<unknown>>();
  #lastCall = 0;
  readonly #pulsed = new Set<string>();
  #held: Held | null = null;

  constructor({ path, clock = systemClock, engine }: SqliteStoreOptions) {
    if (typeof path !== 'string' || path === '') {
      const message = 'must be the path of a file, or ":memory:"';
      throw new InvalidOptionError('the SQLite store', [{ path: 'path', message }]);
    }
    const wanted = engine ?? (path === MEMORY ? 'inline' : 'thread');
    // Fixed now: the file is opened later, and the working directory may have changed by then.
    this.#path = path === MEMORY ? MEMORY : resolve(path);
    this.#clock = clock;
    this.#kind = wanted === 'thread' && canThread() ? 'thread' : 'inline';
  }

  async call<T>(verb: VerbName, args: readonly unknown[]): Promise<T> {
    const now = this.#clock === systemClock ? null : this.#clock.now();
    return this.#awaited(this.#hold().client.call<T>(verb, args, now));
  }

  async ask<T>(what: 'durability' | 'doctor'): Promise<T> {
    return this.#awaited(this.#hold().client.ask<T>(what));
  }

  async watch(queues: readonly string[], onNews: (hint: Hint) => void): Promise<Unwatch> {
    const unwatch = await this.#hold().client.watch(queues, onNews);
    this.#unwatches.add(unwatch);
    return () => {
      this.#unwatches.delete(unwatch);
      unwatch();
    };
  }

  async applyInside(
    effects: readonly Effect[],
    options: ApplyOptions & { readonly tx: StoreTx },
  ): Promise<EffectResult[]> {
    const join = loadJoin();
    const { applyInside } = join instanceof Promise ? await join : join;
    return applyInside(effects, options, { path: this.#hold().path, now: this.#clock.now() });
  }

  /** null: there is no thread, or it would go by another clock than this store. */
  openPulse(): Pulse | null {
    if (this.#kind !== 'thread' || this.#clock !== systemClock) return null;
    const { client } = this.#hold();
    return {
      keep: (session) => {
        this.#pulsed.add(session.session.id);
        client.keep(session);
      },
      drop: async (id) => {
        this.#pulsed.delete(id);
        client.drop(id);
      },
    };
  }

  /** Calls that are under way finish first, also when others go on using the engine. */
  async close(): Promise<void> {
    for (const unwatch of this.#unwatches) unwatch();
    this.#unwatches.clear();
    for (const id of this.#pulsed) this.#held?.client.drop(id);
    this.#pulsed.clear();
    const held = this.#held;
    this.#held = null;
    await Promise.allSettled(this.#calls.values());
    if (held !== null) await releaseClient(held.path, this.#kind, held.client);
  }

  #awaited<T>(call: Promise<T>): Promise<T> {
    this.#lastCall += 1;
    const number = this.#lastCall;
    this.#calls.set(number, call);
    const forget = (): void => {
      this.#calls.delete(number);
    };
    call.then(forget, forget);
    return call;
  }

  #hold(): Held {
    if (this.#held !== null) return this.#held;
    const path = this.#path === MEMORY ? MEMORY : preparePlace(this.#path);
    if (path !== MEMORY) warnOfPlace(path);
    this.#held = { path, client: acquireClient(path, this.#kind) };
    return this.#held;
  }
}
