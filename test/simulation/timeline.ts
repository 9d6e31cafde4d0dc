/**
 * Virtual time: what happens next is the earliest event. Before each one everything that the one before set off has
 * come to rest, so a history depends on its seed and on nothing of the machine.
 */

import type { Chance } from './chance.ts';

/** 2026-01-01T00:00:00Z: what the wall clocks say at the start, but for their skew. */
export const EPOCH_MS = 1_767_225_600_000;

export interface SimEvent {
  readonly atMs: number;
  /** Drawn by chance: what is due at one instant happens in any order. */
  readonly order: number;
  readonly number: number;
  /** Null: called off. */
  run: (() => void) | null;
}

export class Timeline {
  nowMs = 0;
  /** Events that happened. */
  happened = 0;
  readonly #chance: Chance;
  readonly #heap: SimEvent[] = [];
  #number = 0;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  /** What is due in the past happens now: time does not go back. */
  at(atMs: number, run: () => void): SimEvent {
    this.#number += 1;
    const event = {
      atMs: Math.max(atMs, this.nowMs),
      order: this.#chance.fraction(),
      number: this.#number,
      run,
    };
    push(this.#heap, event);
    return event;
  }

  after(ms: number, run: () => void): SimEvent {
    return this.at(this.nowMs + ms, run);
  }

  /** Lets events happen up to `untilMs`, or until `enough` says so. */
  play(untilMs: number, enough: () => boolean = () => false): Promise<void> {
    return new Promise((resolve, reject) => {
      const step = (): void => {
        try {
          const event = enough() ? undefined : this.#next(untilMs);
          if (event === undefined) {
            resolve();
            return;
          }
          this.happened += 1;
          event.run?.();
        } catch (thrown) {
          reject(thrown);
          return;
        }
        afterRest(step);
      };
      afterRest(step);
    });
  }

  #next(untilMs: number): SimEvent | undefined {
    for (let event = this.#heap[0]; event !== undefined; event = this.#heap[0]) {
      if (event.run === null) {
        pop(this.#heap);
        continue;
      }
      if (event.atMs > untilMs) break;
      this.nowMs = event.atMs;
      return pop(this.#heap);
    }
    this.nowMs = Math.max(this.nowMs, untilMs);
    return undefined;
  }
}

/**
 * When no promise can go on any more: Node runs what a promise asked for as next tick only when its queue of promises
 * is empty. A turn of the event loop would do as well, and costs ten times as much.
 */
function afterRest(then: () => void): void {
  void Promise.resolve().then(() => process.nextTick(then));
}

function isBefore(one: SimEvent, other: SimEvent): boolean {
  if (one.atMs !== other.atMs) return one.atMs < other.atMs;
  return one.order === other.order ? one.number < other.number : one.order < other.order;
}

function push(heap: SimEvent[], event: SimEvent): void {
  let at = heap.length;
  heap.push(event);
  while (at > 0) {
    const above = (at - 1) >> 1;
    const parent = heap[above];
    if (parent === undefined || !isBefore(event, parent)) break;
    heap[at] = parent;
    at = above;
  }
  heap[at] = event;
}

function pop(heap: SimEvent[]): SimEvent | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return first;
  let at = 0;
  for (;;) {
    const below = smallerChild(heap, at);
    const child = heap[below];
    if (child === undefined || !isBefore(child, last)) break;
    heap[at] = child;
    at = below;
  }
  heap[at] = last;
  return first;
}

function smallerChild(heap: readonly SimEvent[], at: number): number {
  const left = 2 * at + 1;
  const one = heap[left];
  const other = heap[left + 1];
  return one !== undefined && other !== undefined && isBefore(other, one) ? left + 1 : left;
}
