import type { Hint, Unwatch } from './store.ts';

interface Watcher {
  readonly queues: ReadonlySet<string>;
  readonly onNews: (hint: Hint) => void;
}

/** Those in this process who want to know. Told on a turn of their own: their errors are not those of a verb. */
export class Watchers {
  readonly #watchers = new Set<Watcher>();

  get isEmpty(): boolean {
    return this.#watchers.size === 0;
  }

  /** Empty `queues`: all of them. */
  add(queues: readonly string[], onNews: (hint: Hint) => void): Unwatch {
    const watcher = { queues: new Set(queues), onNews };
    this.#watchers.add(watcher);
    return () => {
      this.#watchers.delete(watcher);
    };
  }

  tell(hints: readonly Hint[]): void {
    for (const watcher of this.#watchers) {
      for (const hint of hints)
        if (watcher.queues.size === 0 || watcher.queues.has(hint.queue)) this.#say(watcher, hint);
    }
  }

  clear(): void {
    this.#watchers.clear();
  }

  /** Something may have been missed. */
  tellAll(): void {
    for (const watcher of this.#watchers) {
      const queues = watcher.queues.size === 0 ? [''] : watcher.queues;
      for (const queue of queues) this.#say(watcher, { queue, news: 'unknown' });
    }
  }

  #say(watcher: Watcher, hint: Hint): void {
    void Promise.resolve().then(() => {
      if (this.#watchers.has(watcher)) watcher.onNews(hint);
    });
  }
}
