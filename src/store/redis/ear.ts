import { Listener, type Subscriber, type Subscription } from '../../listening/listener.ts';
import { systemClock, type Timer } from '../../runtime/clock.ts';
import { systemRandom } from '../../runtime/random.ts';
import type { Hint, Unwatch } from '../store.ts';
import type { Watchers } from '../watchers.ts';
import type { Engine } from './engine.ts';
import type { Idle } from './idle.ts';
import { AWAIT } from './lua/hint.ts';
import { STEP } from './lua/step.ts';
import { channelOf, heardIn } from './news.ts';
import { listOf } from './reply.ts';
import { script } from './script.ts';

/** Says that somebody here awaits ends of the queues that it is given. */
const AWAITING = script('await', STEP, AWAIT);

/** A connection that is there costs little, making one every time a lot. */
const LINGER_MS = 10_000;
/** A worker watches its queue before it claims from it for the first time. */
const PATIENCE_MS = 20;
/** A worker is at work again within five seconds, whatever happened to its connections. */
const PACE = { aliveMs: 2_000, answerMs: 2_000, firstBackoffMs: 50, maxBackoffMs: 1_000 };
/** Marks of who awaits something are forgotten after a minute. */
const REPEAT_MS = 20_000;

export interface EarParts {
  readonly engine: Engine;
  readonly watchers: Watchers;
  readonly idle: Idle;
  /** Where queues spread: what runs where their keys are. */
  readonly cells?: { at(queue: string): Engine; all(): Promise<readonly Engine[]> };
}

/** One for the whole process, and only while somebody watches. Real time: these are real connections. */
export class Ear {
  readonly #parts: EarParts;
  #listener: Listener | null = null;
  #leaving: Timer | null = null;
  /** By queue: those who await ends, and work on none of it. */
  readonly #awaiting = new Map<string, number>();
  #saying: Timer | null = null;

  constructor(parts: EarParts) {
    this.#parts = parts;
  }

  async watch(queues: readonly string[], onNews: (hint: Hint) => void): Promise<Unwatch> {
    const { watchers } = this.#parts;
    const remove = watchers.add(queues, onNews);
    this.#leaving?.cancel();
    this.#listener ??= this.#makeListener();
    await this.#listener.start();
    for (const queue of queues) this.#awaiting.set(queue, (this.#awaiting.get(queue) ?? 0) + 1);
    this.#sayIn(PATIENCE_MS);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      remove();
      for (const queue of queues) this.#leave(queue);
      if (watchers.isEmpty) this.#leaveSoon();
    };
  }

  get isHearing(): boolean {
    return this.#listener?.isHearing ?? false;
  }

  #leave(queue: string): void {
    const left = (this.#awaiting.get(queue) ?? 1) - 1;
    if (left > 0) this.#awaiting.set(queue, left);
    else this.#awaiting.delete(queue);
  }

  #sayIn(ms: number): void {
    if (ms >= REPEAT_MS && this.#saying !== null) return;
    this.#saying?.cancel();
    this.#saying = systemClock.after(ms, () => void this.#say(), { background: true });
  }

  async #say(): Promise<void> {
    this.#saying = null;
    const { engine, idle, cells } = this.#parts;
    const queues = [...this.#awaiting.keys()].filter((queue) => !idle.claimsFrom(queue));
    if (queues.length > 0 && this.isHearing) {
      try {
        if (cells === undefined) await engine.write(AWAITING, queues);
        else await Promise.all(queues.map((queue) => cells.at(queue).write(AWAITING, [queue])));
      } catch {
        // A hint that is lost costs latency.
      }
    }
    if (this.#awaiting.size > 0 && this.#listener !== null) this.#sayIn(REPEAT_MS);
  }

  /** Who waits for one result often waits for another one soon after. */
  #leaveSoon(): void {
    this.#leaving?.cancel();
    const leave = (): void => {
      if (this.#parts.watchers.isEmpty) void this.stop();
    };
    this.#leaving = systemClock.after(LINGER_MS, leave, { background: true });
  }

  async stop(): Promise<void> {
    this.#leaving?.cancel();
    this.#saying?.cancel();
    this.#saying = null;
    const listener = this.#listener;
    this.#listener = null;
    await listener?.stop();
  }

  #makeListener(): Listener {
    const { engine, watchers, idle, cells } = this.#parts;
    const { place, me } = engine;
    const channel = channelOf(place.prefix);
    return new Listener({
      ...{ watchers, pace: PACE, clock: systemClock, random: systemRandom },
      subscribe: place.listen ? (subscriber) => subscribeTo(engine, { channel, ...subscriber }) : null,
      publish: async (message) => {
        await engine.call('publish', channel, message);
      },
      onMessage: (message) => watchers.tell(heardIn(message, me)),
      isMarkEarly: false,
      mark: async () => {
        const all = cells === undefined ? [engine] : [engine, ...(await cells.all())];
        return (await Promise.all(all.map(markOf))).join('|');
      },
      onHearing: () => {
        idle.forget();
        this.#sayIn(PATIENCE_MS);
      },
    });
  }
}

async function subscribeTo(
  engine: Engine,
  parts: Subscriber & { readonly channel: string },
): Promise<Subscription> {
  const { driver, link } = await engine.opened();
  return driver.subscribe(engine.place, link, parts);
}

/** Numbers that rise with nearly everything that is written. */
async function markOf(engine: Engine): Promise<string> {
  const counters = await engine.call('hgetall', `${engine.place.prefix}n`);
  return listOf(counters).map(String).join(' ');
}
