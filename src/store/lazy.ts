import { ClosedError } from '../errors.ts';
import type { Capabilities, DumpRow, Store, StoreKind } from './store.ts';

/** What has to be known of a store before it is there, because whoever asks cannot wait. */
export interface LazyParts {
  readonly kind: StoreKind;
  readonly can: Capabilities;
  readonly load: () => Promise<Store>;
}

/**
 * A store that is opened by its first call. One that cannot be opened is tried again by the next call; one that
 * was never used has nothing to close.
 */
export function lazyStore({ kind, can, load }: LazyParts): Store {
  const opener = new Opener(kind, load);
  const store = (): Promise<Store> => opener.get();
  return {
    kind,
    can,
    durability: async () => (await store()).durability(),
    apply: async (effects, options) => (await store()).apply(effects, options),
    claim: async (requests) => (await store()).claim(requests),
    commit: async (settlements, claims) => (await store()).commit(settlements, claims),
    renew: async (leases, leaseMs) => (await store()).renew(leases, leaseMs),
    beat: async (sessions) => (await store()).beat(sessions),
    openPulse: async () => (await (await store()).openPulse?.()) ?? null,
    endSession: async (id) => (await store()).endSession(id),
    upkeep: async (budget) => (await store()).upkeep(budget),
    job: async (ref) => (await store()).job(ref),
    attempts: async (ref) => (await store()).attempts(ref),
    logs: async (ref, after, limit) => (await store()).logs(ref, after, limit),
    find: async (filter, page) => (await store()).find(filter, page),
    queues: async (names) => (await store()).queues(names),
    stats: async (request) => (await store()).stats(request),
    sessions: async () => (await store()).sessions(),
    leases: async (session) => (await store()).leases(session),
    feed: async (request) => (await store()).feed(request),
    operations: async () => (await store()).operations(),
    audit: async (limit) => (await store()).audit(limit),
    watch: async (queues, onNews) => (await store()).watch(queues, onNews),
    verify: async () => (await store()).verify(),
    doctor: async () => (await store()).doctor(),
    dump: async function* (): AsyncGenerator<DumpRow> {
      yield* (await store()).dump();
    },
    close: () => opener.close(),
  };
}

class Opener {
  readonly #kind: StoreKind;
  readonly #load: () => Promise<Store>;
  #store: Promise<Store> | null = null;
  #closing: Promise<void> | null = null;

  constructor(kind: StoreKind, load: () => Promise<Store>) {
    this.#kind = kind;
    this.#load = load;
  }

  async get(): Promise<Store> {
    if (this.#closing !== null) throw new ClosedError(`the ${this.#kind} store`);
    this.#store ??= this.#open();
    return this.#store;
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #open(): Promise<Store> {
    try {
      return await this.#load();
    } catch (error) {
      this.#store = null;
      throw error;
    }
  }

  async #end(): Promise<void> {
    const store = await this.#store?.catch(() => null);
    await store?.close();
  }
}
