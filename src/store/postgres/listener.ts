/**
 * Hears of what other processes do: one connection that listens, and where that is not to be had (behind a pooler in
 * transaction mode, or while the server is away), a look now and then. Hints only: losing one costs latency.
 */

import type { Clock } from '../../runtime/clock.ts';
import { sleep } from '../../runtime/clock.ts';
import { Deferred } from '../../runtime/deferred.ts';
import type { Random } from '../../runtime/random.ts';
import { within } from '../../runtime/within.ts';
import type { Watchers } from '../watchers.ts';
import { cutOff, type PgConnection } from './driver.ts';
import { awaitedIn, hintOf, listenOn, pingOf } from './news.ts';

export interface ListenerParts {
  readonly schema: string;
  /** A connection of its own, open. Null: nobody wants one. */
  readonly connect: (() => Promise<PgConnection>) | null;
  /** Sends a notification by another connection. */
  readonly notify: (payload: string) => Promise<void>;
  /** A mark that is another one after every write. */
  readonly mark: () => Promise<string>;
  readonly watchers: Watchers;
  /** Somebody waits for results of this queue. */
  readonly onAwaited: (queue: string) => void;
  readonly clock: Clock;
  readonly random: Random;
}

/** While nothing is heard. */
const LOOK_MS = 250;
/** A connection that died without a word is found out by this. */
const ALIVE_MS = 15_000;
const ANSWER_MS = 5_000;
/** A pooler in transaction mode swallows what is listened for. */
const PING_MS = 2_000;
const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 5_000;
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
    const { connect, random } = this.#parts;
    let backoffMs = FIRST_BACKOFF_MS;
    while (connect !== null && !this.#stop.signal.aborted) {
      const ending = await this.#listen(connect).catch((): Ending => 'lost');
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

  async #listen(connect: () => Promise<PgConnection>): Promise<Ending> {
    const connection = await connect();
    const gone = new AbortController();
    connection.on('error', () => gone.abort());
    connection.on('end', () => gone.abort());
    connection.on('notification', ({ payload }) => this.#hear(payload ?? ''));
    const ends = AbortSignal.any([gone.signal, this.#stop.signal]);
    connection.unref?.();
    try {
      await connection.query({ text: listenOn(this.#parts.schema) });
      if (!(await this.#hearsItself())) return 'deaf';
      this.#isHearing = true;
      // What was told before this moment nobody heard; but who waits for this moment has missed nothing yet.
      if (this.#isReady) this.#parts.watchers.tellAll();
      this.#makeReady();
      while (await this.#isAlive(connection, ends)) {}
      return this.#stop.signal.aborted ? 'stopped' : 'lost';
    } finally {
      cutOff(connection);
    }
  }

  /** After a while; false as soon as it is known that it is not. */
  async #isAlive(connection: PgConnection, ends: AbortSignal): Promise<boolean> {
    await sleep(this.#parts.clock, ALIVE_MS, ends, { background: true });
    if (ends.aborted) return false;
    let answered = false;
    const answer = connection.query({ text: 'select 1' }).then(() => {
      answered = true;
    });
    answer.catch(() => undefined);
    await within(this.#parts.clock, answer, ANSWER_MS);
    return answered && !ends.aborted;
  }

  /** Sent by another connection: that one may hear itself even where nobody else does. */
  async #hearsItself(): Promise<boolean> {
    const { clock, random, notify } = this.#parts;
    const ping = pingOf(String(random.fraction()));
    const heard = new Deferred();
    this.#pings.set(ping, heard);
    try {
      await notify(ping);
      return await within(clock, heard.promise, PING_MS);
    } finally {
      this.#pings.delete(ping);
    }
  }

  #hear(payload: string): void {
    this.#pings.get(payload)?.resolve();
    const awaited = awaitedIn(payload);
    if (awaited !== null) this.#parts.onAwaited(awaited);
    const hint = hintOf(payload);
    if (hint !== null) this.#parts.watchers.tell([hint]);
  }

  async #lookOn(): Promise<void> {
    if (this.#parts.connect === null) this.#makeReady();
    while (!this.#stop.signal.aborted) {
      await this.#rest(LOOK_MS);
      if (!this.#isHearing && !this.#stop.signal.aborted) await this.#look();
    }
  }

  /** A change is told twice: a number may be drawn long before what was written with it can be seen. */
  async #look(): Promise<void> {
    const before = this.#mark;
    try {
      const mark = await this.#parts.mark();
      this.#mark = mark;
      if (mark === before) return;
    } catch {
      // When the server is back, there may be news.
      this.#mark = null;
      return;
    }
    this.#parts.watchers.tellAll();
    await this.#rest(LOOK_MS);
    this.#parts.watchers.tellAll();
  }

  async #rest(ms: number): Promise<void> {
    await sleep(this.#parts.clock, ms, this.#stop.signal, { background: true });
  }
}
