/**
 * Hears of what other processes do: one connection that listens, and where that is not to be had (behind a pooler in
 * transaction mode, or while the server is away), a look now and then. Hints only: losing one costs latency.
 */

import { type Clock, sleep } from '../runtime/clock.ts';
import { Deferred } from '../runtime/deferred.ts';
import type { Random } from '../runtime/random.ts';
import { within } from '../runtime/within.ts';
import type { Watchers } from '../store/watchers.ts';

/** A connection that listens. */
export interface Subscription {
  /** Rejects when the connection is broken. */
  ping(): Promise<void>;
  /** Without a farewell, which a peer that is gone would never answer. */
  cutOff(): void;
}

export interface Subscriber {
  readonly onMessage: (message: string) => void;
  readonly onGone: () => void;
}

/** How soon a connection is given up, and how soon the next is tried. */
export interface Pace {
  /** A connection that died without a word is found out by this. */
  readonly aliveMs: number;
  readonly answerMs: number;
  readonly firstBackoffMs: number;
  readonly maxBackoffMs: number;
}

export interface ListenerParts {
  /** Opens a connection of its own, which listens. Null: nobody wants one. */
  readonly subscribe: ((subscriber: Subscriber) => Promise<Subscription>) | null;
  /** Sends to those who listen, by another connection. */
  readonly publish: (message: string) => Promise<void>;
  /** A message that is none of the listener's own. */
  readonly onMessage: (message: string) => void;
  /** News come by themselves from here on; what was asked for before may be forgotten. */
  readonly onHearing: () => void;
  /** A mark that is another one after every write. */
  readonly mark: () => Promise<string>;
  /** The mark may change long before what was written can be seen: a change is told a second time. */
  readonly isMarkEarly: boolean;
  readonly pace: Pace;
  readonly watchers: Watchers;
  readonly clock: Clock;
  readonly random: Random;
}

/** Sent to oneself, to see whether anything arrives at all. No queue has such a name. */
const PING = 'ping ';
/** While nothing is heard. */
const LOOK_MS = 250;
/** A pooler in transaction mode, or rules about channels, swallow what is listened for. */
const PING_MS = 2_000;
/** Nothing was heard though all went well: it is not worth trying again soon. */
const DEAF_MS = 60_000;
/** Nobody waits longer than this for the ear to open: the net behind it is there. */
const READY_MS = 1_000;

type Ending = 'lost' | 'deaf' | 'stopped';

export class Listener {
  readonly #parts: ListenerParts;
  readonly #stop = new AbortController();
  readonly #ready = new Deferred();
  readonly #pings = new Map<string, Deferred>();
  #running: Promise<unknown> | null = null;
  #isHearing = false;
  #isReady = false;
  #mark: string | null = null;

  constructor(parts: ListenerParts) {
    this.#parts = parts;
  }

  /** Whether news come by themselves now. */
  get isHearing(): boolean {
    return this.#isHearing;
  }

  /** Resolves when news come, one way or the other. */
  async start(): Promise<void> {
    this.#running ??= Promise.all([this.#listenOn(), this.#lookOn()]);
    if (this.#isReady) return;
    await within(this.#parts.clock, this.#ready.promise, READY_MS);
    this.#makeReady();
  }

  #makeReady(): void {
    this.#isReady = true;
    this.#ready.resolve();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #listenOn(): Promise<void> {
    const { subscribe, random, pace } = this.#parts;
    let backoffMs = pace.firstBackoffMs;
    while (subscribe !== null && !this.#stop.signal.aborted) {
      const ending = await this.#listen(subscribe).catch((): Ending => 'lost');
      this.#makeReady();
      if (ending === 'stopped') return;
      if (ending === 'lost' && this.#wasHearing()) backoffMs = pace.firstBackoffMs;
      await this.#rest(ending === 'deaf' ? DEAF_MS : backoffMs * (0.5 + random.fraction()));
      backoffMs = Math.min(backoffMs * 2, pace.maxBackoffMs);
    }
    this.#makeReady();
  }

  #wasHearing(): boolean {
    const was = this.#isHearing;
    this.#isHearing = false;
    return was;
  }

  async #listen(subscribe: NonNullable<ListenerParts['subscribe']>): Promise<Ending> {
    const gone = new AbortController();
    const subscription = await subscribe({
      onMessage: (message) => this.#hear(message),
      onGone: () => gone.abort(),
    });
    const ends = AbortSignal.any([gone.signal, this.#stop.signal]);
    try {
      if (!(await this.#hearsItself())) return gone.signal.aborted ? 'lost' : 'deaf';
      this.#isHearing = true;
      this.#parts.onHearing();
      // What was told before this moment nobody heard; but who waits for this moment has missed nothing yet.
      if (this.#isReady) this.#parts.watchers.tellAll();
      this.#makeReady();
      while (await this.#isAlive(subscription, ends)) {}
      return this.#stop.signal.aborted ? 'stopped' : 'lost';
    } finally {
      subscription.cutOff();
    }
  }

  /** After a while; false as soon as it is known that it is not. */
  async #isAlive(subscription: Subscription, ends: AbortSignal): Promise<boolean> {
    const { clock, pace } = this.#parts;
    await sleep(clock, pace.aliveMs, ends, { background: true });
    if (ends.aborted) return false;
    let answered = false;
    const answer = subscription.ping().then(() => {
      answered = true;
    });
    answer.catch(() => undefined);
    await within(clock, answer, pace.answerMs);
    return answered && !ends.aborted;
  }

  /** Sent by another connection: that one may hear itself even where nobody else does. */
  async #hearsItself(): Promise<boolean> {
    const { clock, random, publish } = this.#parts;
    const ping = `${PING}${random.fraction()}`;
    const heard = new Deferred();
    this.#pings.set(ping, heard);
    try {
      await publish(ping);
      return await within(clock, heard.promise, PING_MS);
    } finally {
      this.#pings.delete(ping);
    }
  }

  #hear(message: string): void {
    const ping = this.#pings.get(message);
    if (ping !== undefined) ping.resolve();
    else this.#parts.onMessage(message);
  }

  async #lookOn(): Promise<void> {
    if (this.#parts.subscribe === null) this.#makeReady();
    while (!this.#stop.signal.aborted) {
      await this.#rest(LOOK_MS);
      if (!this.#isHearing && !this.#stop.signal.aborted) await this.#look();
    }
  }

  async #look(): Promise<void> {
    const { watchers, isMarkEarly } = this.#parts;
    if (!(await this.#hasChanged())) return;
    watchers.tellAll();
    if (!isMarkEarly) return;
    await this.#rest(LOOK_MS);
    watchers.tellAll();
  }

  async #hasChanged(): Promise<boolean> {
    const before = this.#mark;
    try {
      this.#mark = await this.#parts.mark();
      return this.#mark !== before;
    } catch {
      // When the server is back, there may be news.
      this.#mark = null;
      return false;
    }
  }

  async #rest(ms: number): Promise<void> {
    await sleep(this.#parts.clock, ms, this.#stop.signal, { background: true });
  }
}
