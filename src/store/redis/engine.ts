import { ClosedError, StoreUnavailableError } from '../../errors.ts';
import { type Clock, sleep, systemClock } from '../../runtime/clock.ts';
import { within } from '../../runtime/within.ts';
import type { RedisPlace } from '../redis-options.ts';
import type { Hint } from '../store.ts';
import { loadDriver, type RedisDriver, type RedisLink } from './driver.ts';
import { isElsewhere, isUnknownScript, toStoreError, wasRefused } from './map-error.ts';
import { checkMode } from './mode.ts';
import { near } from './near.ts';
import { hasSent, hintsOf } from './news.ts';
import { checkFacts, type Facts, readFacts } from './open.ts';
import { type Arg, listOf, type Reply } from './reply.ts';
import type { Script } from './script.ts';

export interface EngineParts {
  readonly place: RedisPlace;
  /** Decides what time it is; the machine's clock stands for that of the server. */
  readonly clock: Clock;
  /** Of this store's instance, by which scripts tell it from others. */
  readonly me: string;
  /** Of which this one uses the connection, for the keys of its own prefix. */
  readonly over?: Engine;
  /** Something has been written that is to be delivered to other cells. */
  readonly onSent?: () => Promise<void>;
  /** Told after each step that made news. The script has told other processes itself. */
  readonly onNews: (hints: readonly Hint[]) => void;
}

export interface Opened {
  readonly driver: RedisDriver;
  readonly link: RedisLink;
  readonly facts: Facts;
}

export interface Written {
  readonly said: readonly Reply[];
  readonly sent: boolean;
}

/** A server that restarts, or loads what it has saved, or hands over to a replica, is waited for so long. */
const PATIENCE_MS = 2_000;
const FIRST_REPEAT_MS = 10;
const LONGEST_REPEAT_MS = 200;
/** How long a write waits for its replicas. */
const REPLICAS_MS = 5_000;
/** Of one question: a connection on which nothing comes for longer is taken for dead. */
const ONE_WAIT_MS = 1_000;

/** Runs each call as one script, on one connection that all calls share. */
export class Engine {
  readonly place: RedisPlace;
  readonly clock: Clock;
  readonly me: string;
  readonly #onNews: EngineParts['onNews'];
  readonly #over: Engine | null;
  readonly #onSent: (() => Promise<void>) | null;
  readonly #calls = new Set<Promise<unknown>>();
  #opening: Promise<Opened> | null = null;
  #opened: Opened | null = null;
  #closed = false;

  constructor({ place, clock, me, onNews, over, onSent }: EngineParts) {
    this.place = place;
    this.clock = clock;
    this.me = me;
    this.#onNews = onNews;
    this.#over = over ?? null;
    this.#onSent = onSent ?? null;
  }

  /** null: the server's clock decides. */
  get now(): number | null {
    return this.clock === systemClock ? null : Math.floor(this.clock.now());
  }

  /** Answers what the script does without the hints at its end, which are told. */
  async write(script: Script, args: readonly Arg[]): Promise<readonly Reply[]> {
    const { said, sent } = await this.writeOnly(script, args);
    if (sent) await this.#onSent?.();
    return said;
  }

  /** Leaves it to who calls to deliver what was written for other cells. */
  async writeOnly(script: Script, args: readonly Arg[]): Promise<Written> {
    const reply = listOf(await this.#awaited(this.#write(script, args)));
    const hints = hintsOf(reply.at(-1));
    if (hints.length > 0) this.#onNews(hints);
    return { said: reply.slice(0, -1), sent: hasSent(reply.at(-1)) };
  }

  read(script: Script, args: readonly Arg[]): Promise<Reply> {
    return this.#awaited(this.#run(script, args));
  }

  /** One command, sent to who has our keys. It must be one that may be repeated. */
  call(command: string, ...args: readonly Arg[]): Promise<Reply> {
    return this.#awaited(this.#patiently(({ link }) => link.call(command, args)));
  }

  opened(): Promise<Opened> {
    return this.#awaited(this.#open());
  }

  /** Calls that are under way finish first. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#calls);
    const opened = await this.#opening?.catch(() => null);
    await opened?.link.close();
  }

  async #write(script: Script, args: readonly Arg[]): Promise<Reply> {
    const reply = await this.#run(script, args);
    if (this.place.durability === 'replicated' && !script.isRead) await this.#replicate();
    return reply;
  }

  /** On the connection of the write, so that the server knows which one is meant. */
  async #replicate(): Promise<void> {
    const { replicas, url } = this.place;
    const { link } = await this.#open();
    const end = systemClock.monotonic() + REPLICAS_MS;
    let many = 0;
    while (many < replicas && systemClock.monotonic() < end) {
      many = await link.wait(replicas, ONE_WAIT_MS).catch((error: unknown) => {
        throw toStoreError(error, this.place) ?? error;
      });
    }
    if (many >= replicas) return;
    throw new StoreUnavailableError(
      `only ${many} of ${replicas} replicas of ${url} have the write after ${REPLICAS_MS / 1_000} s. It is done on the ` +
        'primary, and would be lost with it. Repeat the call with the same request id or claim id.',
    );
  }

  #run(script: Script, args: readonly Arg[]): Promise<Reply> {
    const { now } = this;
    const given = [this.place.prefix, now === null ? '' : now, this.me, ...args];
    return this.#patiently(async ({ link }) => {
      try {
        return await link.call('evalsha', [script.sha, 1, ...given]);
      } catch (error) {
        // The server has forgotten it, or is another one: it is told the whole of it, once.
        if (!isUnknownScript(error)) throw error;
        return link.call('eval', [script.text, 1, ...given]);
      }
    });
  }

  /** What the server refused to begin is tried again for a while; what was cut off in the middle is not. */
  async #patiently<T>(attempt: (opened: Opened) => Promise<T>): Promise<T> {
    const opened = this.#opened ?? (await this.#open());
    const end = systemClock.monotonic() + PATIENCE_MS;
    for (let repeats = 0; ; repeats += 1) {
      if (!opened.link.isReady) await this.#becomeReady(opened.link, end);
      try {
        return await attempt(opened);
      } catch (error) {
        if (!wasRefused(error) || systemClock.monotonic() > end || this.#closed) {
          throw toStoreError(error, this.place) ?? error;
        }
        if (isElsewhere(error)) opened.link.renew();
      }
      await sleep(systemClock, Math.min(LONGEST_REPEAT_MS, FIRST_REPEAT_MS * 2 ** repeats));
    }
  }

  async #becomeReady(link: RedisLink, end: number): Promise<void> {
    while (!link.isReady) {
      const leftMs = end - systemClock.monotonic();
      if (leftMs <= 0) throw this.#away(link);
      await within(systemClock, link.settled(), leftMs);
      if (!link.isReady) await sleep(systemClock, Math.min(FIRST_REPEAT_MS, Math.max(0, leftMs)));
    }
  }

  #away({ trouble }: RedisLink): Error {
    const error = trouble ?? new Error('Connection is closed.');
    const mapped = toStoreError(error, this.place);
    if (mapped !== null) return mapped;
    const said = error instanceof Error ? error.message : String(error);
    const message = `the Redis server ${this.place.url} cannot be reached (${said}).`;
    return new StoreUnavailableError(message, { cause: error });
  }

  #open(): Promise<Opened> {
    if (this.#closed) throw new ClosedError('the redis store');
    if (this.#opening === null) {
      const opening = this.#openNow();
      this.#opening = opening;
      // The next call tries again.
      opening.catch(() => {
        this.#opening = null;
      });
    }
    return this.#opening;
  }

  async #openNow(): Promise<Opened> {
    const { place } = this;
    const base = await this.#over?.opened();
    const driver = base?.driver ?? (await loadDriver());
    const link = base === undefined ? driver.open(place) : near(base.link, place.prefix);
    try {
      await this.#becomeReady(link, systemClock.monotonic() + PATIENCE_MS);
      const facts = await readFacts(link);
      checkFacts(facts, place);
      if (base === undefined) await checkMode(link, place);
      this.#opened = { driver, link, facts };
      return this.#opened;
    } catch (error) {
      await link.close();
      throw toStoreError(error, place) ?? error;
    }
  }

  async #awaited<T>(call: Promise<T>): Promise<T> {
    this.#calls.add(call);
    try {
      return await call;
    } finally {
      this.#calls.delete(call);
    }
  }
}
