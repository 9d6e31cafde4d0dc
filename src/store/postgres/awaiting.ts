import type { Clock, Timer } from '../../runtime/clock.ts';
import type { Hint } from '../store.ts';
import { awaitOf, payloadOf } from './news.ts';

export interface AwaitingParts {
  readonly clock: Clock;
  /** Resolves when it was sent. */
  readonly notify: (payloads: readonly string[]) => Promise<void>;
  /** Has those look who wait for results of these queues. */
  readonly look: (queues: readonly string[]) => void;
  /** Who works on a queue is told of its ends by itself. */
  readonly claimsFrom: (queue: string) => boolean;
}

/** A worker watches its queue before it claims from it for the first time. */
const PATIENCE_MS = 20;
/** Until those who work have heard that somebody waits; what ended before that was told to nobody. */
const HEARD_MS = 10;
const REPEAT_MS = 20_000;
const AWAITED_MS = 60_000;
/** What ends meanwhile is told together. */
const GATHER_MS = 10;

/**
 * Who waits for results in a process without a worker says so, now and then; and as long as somebody does, those who
 * work on that queue tell what ended, many times a second at most. Nobody pays for it otherwise.
 */
export class Awaiting {
  readonly #parts: AwaitingParts;
  /** When it was said last that this process waits, by queue. */
  readonly #said = new Map<string, number>();
  /** Until when others wait. */
  readonly #until = new Map<string, number>();
  readonly #ended = new Set<string>();
  #gathering: Timer | null = null;

  constructor(parts: AwaitingParts) {
    this.#parts = parts;
  }

  /** Somebody in this process watches these queues. */
  watching(queues: readonly string[], isStill: () => boolean): void {
    const { clock, claimsFrom, notify, look } = this.#parts;
    const say = async (): Promise<void> => {
      const now = clock.monotonic();
      const news = queues.filter(
        (queue) => !claimsFrom(queue) && now - (this.#said.get(queue) ?? -REPEAT_MS) >= REPEAT_MS,
      );
      if (news.length === 0 || !isStill()) return;
      for (const queue of news) this.#said.set(queue, now);
      await notify(news.map(awaitOf));
      clock.after(HEARD_MS, () => isStill() && look(news), { background: true });
    };
    clock.after(PATIENCE_MS, () => void say(), { background: true });
  }

  /** Somebody elsewhere waits. */
  heard(queue: string): void {
    this.#until.set(queue, this.#parts.clock.monotonic() + AWAITED_MS);
  }

  tell(hints: readonly Hint[]): void {
    const now = this.#parts.clock.monotonic();
    for (const { news, queue } of hints) {
      if (news === 'ended' && (this.#until.get(queue) ?? 0) > now) this.#ended.add(queue);
    }
    if (this.#gathering === null) this.#send();
  }

  #send(): void {
    this.#gathering = null;
    if (this.#ended.size === 0) return;
    const payloads = [...this.#ended].map((queue) => payloadOf({ news: 'ended', queue }));
    this.#ended.clear();
    void this.#parts.notify(payloads);
    this.#gathering = this.#parts.clock.after(GATHER_MS, () => this.#send(), { background: true });
  }

  stop(): void {
    this.#gathering?.cancel();
    this.#gathering = null;
  }
}
