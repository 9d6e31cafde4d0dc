/** Queues of which it is remembered how often something was unusual. */
const KNOWN = 1_000;
/** At most so many calls take the long way before the short one is tried again. */
const MAX_SKIPS = 64;

interface Misses {
  misses: number;
  skips: number;
}

/** How often the short way through a call was none, by queue: where it often is not, it is not tried each time. */
export class Luck {
  readonly #known = new Map<string, Misses>();

  isWorthIt(queue: string): boolean {
    const luck = this.#known.get(queue);
    if (luck === undefined || luck.skips === 0) return true;
    luck.skips -= 1;
    return false;
  }

  learn(queue: string, isDone: boolean): void {
    if (isDone) {
      this.#known.delete(queue);
      return;
    }
    if (this.#known.size >= KNOWN) this.#known.clear();
    const misses = (this.#known.get(queue)?.misses ?? 0) + 1;
    this.#known.set(queue, { misses, skips: Math.min(MAX_SKIPS, 2 ** misses - 2) });
  }
}
