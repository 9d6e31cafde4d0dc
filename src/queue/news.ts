import type { Hint, Store } from '../store/store.ts';

type OnNews = (hint: Hint) => void;

interface Watched {
  readonly listeners: Set<OnNews>;
  /** Null when the store could not be watched. */
  readonly unwatch: Promise<(() => void) | null>;
}

/**
 * Hints of a store, one watch a queue however many listen. A hint that is lost, or a watch that cannot be had,
 * costs latency only: whoever listens here looks for itself now and then as well.
 */
export class News {
  readonly #store: Store;
  readonly #watched = new Map<string, Watched>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Resolves when hints flow; never rejects. */
  async watch(queue: string, onNews: OnNews): Promise<() => void> {
    const watched = this.#watched.get(queue) ?? this.#start(queue);
    // A function of its own, so that one who listens twice can leave once.
    const listener = (hint: Hint): void => onNews(hint);
    watched.listeners.add(listener);
    await watched.unwatch;
    return () => this.#leave(queue, watched, listener);
  }

  #start(queue: string): Watched {
    const listeners = new Set<OnNews>();
    const unwatch = this.#store
      .watch([queue], (hint) => {
        for (const listener of [...listeners]) listener(hint);
      })
      .catch(() => {
        // The next one who wants to listen tries again.
        if (this.#watched.get(queue) === watched) this.#watched.delete(queue);
        return null;
      });
    const watched = { listeners, unwatch };
    this.#watched.set(queue, watched);
    return watched;
  }

  #leave(queue: string, watched: Watched, onNews: OnNews): void {
    if (!watched.listeners.delete(onNews) || watched.listeners.size > 0) return;
    if (this.#watched.get(queue) === watched) this.#watched.delete(queue);
    void watched.unwatch.then((unwatch) => unwatch?.());
  }
}
