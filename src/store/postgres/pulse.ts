/**
 * Keeps the sessions of a process alive. As long as its event loop turns, that beats them by the pool; a thread watches
 * it, and stands in while it stands still. So there is one connection more only while it is needed.
 */

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { StoreUnavailableError } from '../../errors.ts';
import { OwnPulse } from '../../pulse/own-pulse.ts';
import { systemClock, type Timer } from '../../runtime/clock.ts';
import { Deferred } from '../../runtime/deferred.ts';
import { within } from '../../runtime/within.ts';
import type { PostgresPlace } from '../postgres-options.ts';
import type { Pulse, PulsedSession, Store } from '../store.ts';
import { type PulsePlace, pulsePlace } from './pulse-place.ts';
import type { PulseData, PulseMessage, PulseRequest } from './pulse-thread.ts';

/** After a thread that ended by itself. */
const AGAIN_MS = 1_000;
/** Tokens that stand for passwords live for a quarter of an hour or longer. */
const PASSWORD_MS = 300_000;
/** A thread that does not end is ended. */
const CLOSE_MS = 2_000;

type Reachable = Extract<PulsePlace, { readonly place: unknown }>;

/** The compiled file beside this one. A literal, so that bundlers see that it is needed. */
function threadUrl(): URL {
  return new URL('./pulse-thread.js', import.meta.url);
}

/** Why there is no thread that keeps the leases while the event loop stands still; null when there is one. */
export function whyNoThread(place: PostgresPlace): string | null {
  const url = threadUrl();
  if (url.protocol !== 'file:' || !existsSync(fileURLToPath(url))) {
    return 'the file of its thread is not beside the others (a bundle left it behind)';
  }
  const way = pulsePlace(place);
  return 'why' in way ? way.why : null;
}

/** null: there is no thread, and whoever asks beats by a timer of its own. */
export function openPulse(place: PostgresPlace, store: Pick<Store, 'beat'>): PostgresPulse | null {
  const way = pulsePlace(place);
  return 'why' in way || whyNoThread(place) !== null ? null : new PostgresPulse(way, store);
}

export class PostgresPulse implements Pulse {
  readonly #way: Reachable;
  readonly #own: OwnPulse;
  readonly #kept = new Map<string, PulsedSession>();
  readonly #dropping = new Map<number, Deferred>();
  #thread: Worker | null = null;
  #drops = 0;
  #again: Timer | null = null;
  #renewal: Timer | null = null;
  #closed = false;

  constructor(way: Reachable, store: Pick<Store, 'beat'>) {
    this.#way = way;
    this.#own = new OwnPulse(store, systemClock);
  }

  keep(pulsed: PulsedSession): void {
    this.#kept.set(pulsed.session.id, pulsed);
    this.#own.keep(pulsed);
    if (this.#thread !== null) {
      this.#send(keeping(pulsed));
      if (this.#renewal === null) void this.#tellPassword();
    } else if (this.#again === null) this.#start();
  }

  async drop(id: string): Promise<void> {
    this.#kept.delete(id);
    await Promise.all([this.#own.drop(id), this.#dropThere(id)]);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const id of [...this.#kept.keys()]) void this.#own.drop(id);
    this.#kept.clear();
    this.#again?.cancel();
    this.#renewal?.cancel();
    const thread = this.#thread;
    if (thread === null) return;
    thread.ref();
    const ended = new Promise<void>((resolve) => thread.once('exit', () => resolve()));
    this.#send({ kind: 'close' });
    if (!(await within(systemClock, ended, CLOSE_MS))) await thread.terminate();
  }

  #start(): void {
    this.#again = null;
    const { place } = this.#way;
    // Nothing that the application has loaded into itself (`--import` …) is loaded there.
    const thread = new Worker(threadUrl(), { workerData: { place } satisfies PulseData, execArgv: [] });
    thread.unref();
    let failure = 'it ended by itself';
    thread.on('error', (error) => {
      failure = error.message;
    });
    thread.on('message', (message: PulseMessage) => this.#hear(message));
    thread.once('exit', () => this.#ended(failure));
    this.#thread = thread;
    void this.#tellPassword();
    for (const pulsed of this.#kept.values()) this.#send(keeping(pulsed));
  }

  #ended(why: string): void {
    this.#thread = null;
    for (const dropped of this.#dropping.values()) dropped.resolve();
    this.#dropping.clear();
    if (this.#closed || this.#kept.size === 0) return;
    const error = new StoreUnavailableError(`the thread that keeps leases is started again: ${why}.`);
    for (const { onFault } of this.#kept.values()) onFault(error);
    this.#again = systemClock.after(AGAIN_MS, () => this.#start(), { background: true });
  }

  #hear(message: PulseMessage): void {
    if (message.kind === 'dropped') {
      this.#dropping.get(message.id)?.resolve();
      this.#dropping.delete(message.id);
      if (this.#dropping.size === 0) this.#thread?.unref();
      return;
    }
    const error = new StoreUnavailableError(message.message);
    for (const id of message.ids) this.#kept.get(id)?.onFault(error);
  }

  /** A beat of it may be on its way there. */
  async #dropThere(session: string): Promise<void> {
    if (this.#thread === null) return;
    this.#drops += 1;
    const id = this.#drops;
    const dropped = new Deferred();
    this.#dropping.set(id, dropped);
    this.#thread.ref();
    this.#send({ kind: 'drop', session, id });
    await dropped.promise;
  }

  /** The function is the application's, and cannot be called from there. */
  async #tellPassword(): Promise<void> {
    const { password } = this.#way;
    this.#renewal?.cancel();
    this.#renewal = null;
    // Nobody is asked for it while there is nothing to keep.
    if (password === null || this.#closed || this.#kept.size === 0) return;
    this.#renewal = systemClock.after(PASSWORD_MS, () => void this.#tellPassword(), { background: true });
    try {
      this.#send({ kind: 'password', password: await password() });
    } catch {
      // The one of before may still do; and if it does not, the beat that fails is told.
    }
  }

  #send(request: PulseRequest): void {
    this.#thread?.postMessage(request);
  }
}

function keeping({ session, maxBlockMs, sheet }: PulsedSession): PulseRequest {
  return { kind: 'keep', pulsed: { session, maxBlockMs, sheet } };
}
