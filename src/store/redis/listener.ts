/**
 * Hears of what other processes do: one connection that listens, and where that is not to be had, a look now and then.
 * Hints only: losing one costs latency.
 */

import { type Clock, sleep } from '../../runtime/clock.ts';
import { Deferred } from '../../runtime/deferred.ts';
import type { Random } from '../../runtime/random.ts';
import { within } from '../../runtime/within.ts';
import type { Watchers } from '../watchers.ts';
import type { RedisSubscriber, SubscribeParts } from './driver.ts';
import { heardIn, pingOf } from './news.ts';

export interface ListenerParts {
  readonly channel: string;
  readonly me: string;
  /** A connection of its own, which listens. Null: nobody wants one. */
  readonly subscribe: ((parts: SubscribeParts) => Promise<RedisSubscriber>) | null;
  /** Publishes by another connection. */
  readonly publish: (message: string) => Promise<void>;
  /** A mark that is another one after every write. */
  readonly mark: () => Promise<string>;
  readonly watchers: Watchers;
  /** News come by themselves from here on; what was asked for before may be forgotten. */
  readonly onHearing: () => void;
  readonly clock: Clock;
  readonly random: Random;
}

/** While nothing is heard. */
const LOOK_MS = 250;
/** A connection that died without a word is found out by this. */
const ALIVE_MS = 2_000;
const ANSWER_MS = 2_000;
const PING_MS = 2_000;
const FIRST_BACKOFF_MS = 50;
const MAX_BACKOFF_MS = 1_000;
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
    const { subscribe, random } = this.#parts;
    let backoffMs = FIRST_BACKOFF_MS;
    while (subscribe !== null && !this.#stop.signal.aborted) {
      const ending = await this.#listen(subscribe).catch((): Ending => 'lost');
      this.#makeReady();
      if (ending === 'stopped') return;
      if (ending === 'lost' && this.#wasHearing()) backoffMs = FIRST_BACKOFF_MS;
      await this.#rest(ending === 'deaf' ? DEAF_MS : backoffMs * (0.5 + random.fraction()));
      backoffMs = Math.min(backoffMs * 2, MAX_BACKOFF_MS);
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
    const subscriber = await subscribe({
      channel: this.#parts.channel,
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
      while (await this.#isAlive(subscriber, ends)) {}
      return this.#stop.signal.aborted ? 'stopped' : 'lost';
    } finally {
      subscriber.cutOff();
    }
  }

  /** After a while; false as soon as it is known that it is not. */
  async #isAlive(subscriber: RedisSubscriber, ends: AbortSignal): Promise<boolean> {
    await sleep(this.#parts.clock, ALIVE_MS, ends, { background: true });
    if (ends.aborted) return false;
    let answered = false;
    const answer = subscriber.ping().then(() => {
      answered = true;
    });
    answer.catch(() => undefined);
    await within(this.#parts.clock, answer, ANSWER_MS);
    return answered && !ends.aborted;
  }

  /** By another connection: rules about channels, or something in between, may swallow what is published. */
  async #hearsItself(): Promise<boolean> {
    const { clock, random, publish } = this.#parts;
    const ping = pingOf(String(random.fraction()));
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
    else this.#parts.watchers.tell(heardIn(message, this.#parts.me));
  }

  async #lookOn(): Promise<void> {
    if (this.#parts.subscribe === null) this.#makeReady();
    while (!this.#stop.signal.aborted) {
      await this.#rest(LOOK_MS);
      if (!this.#isHearing && !this.#stop.signal.aborted) await this.#look();
    }
  }

  async #look(): Promise<void> {
    const before = this.#mark;
    try {
      const mark = await this.#parts.mark();
      this.#mark = mark;
      if (mark !== before) this.#parts.watchers.tellAll();
    } catch {
      // When the server is back, there may be news.
      this.#mark = null;
    }
  }

  async #rest(ms: number): Promise<void> {
    await sleep(this.#parts.clock, ms, this.#stop.signal, { background: true });
  }
}
