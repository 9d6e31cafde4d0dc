/**
 * A typed emitter whose listeners cannot hurt the one who emits: what a listener throws, or rejects with, goes to
 * 'error', and an 'error' nobody listens to goes to `onUnheard` instead of ending the process.
 */

/** Event name → arguments of its listeners. Every emitter has `error`. */
export type EventMap = { error: [error: Error] };

export type Listener<Args> = Args extends readonly unknown[] ? (...args: Args) => unknown : never;

interface Entry {
  readonly listener: (...args: never[]) => unknown;
  readonly once: boolean;
}

export class Emitter<Events extends EventMap> {
  readonly #entries = new Map<keyof Events, readonly Entry[]>();
  readonly #onUnheard: (error: Error) => void;

  /** `onUnheard` gets every 'error' that has no listener. */
  constructor(onUnheard: (error: Error) => void) {
    this.#onUnheard = onUnheard;
  }

  on<E extends keyof Events>(event: E, listener: Listener<Events[E]>): this {
    return this.#add(event, { listener, once: false });
  }

  once<E extends keyof Events>(event: E, listener: Listener<Events[E]>): this {
    return this.#add(event, { listener, once: true });
  }

  off<E extends keyof Events>(event: E, listener: Listener<Events[E]>): this {
    const entries = this.#entries.get(event) ?? [];
    const index = entries.findLastIndex((entry) => entry.listener === listener);
    if (index >= 0) this.#entries.set(event, entries.toSpliced(index, 1));
    return this;
  }

  /** Same as `off`; with it, `once(emitter, event)` of `node:events` works here too. */
  removeListener<E extends keyof Events>(event: E, listener: Listener<Events[E]>): this {
    return this.off(event, listener);
  }

  listenerCount(event: keyof Events): number {
    return this.#entries.get(event)?.length ?? 0;
  }

  /** Calls the listeners in the order of their coming; true if there were any. For the owner of the emitter. */
  protected emit<E extends keyof Events>(event: E, ...args: Events[E] & readonly unknown[]): boolean {
    return this.#emit(event, args);
  }

  #emit(event: keyof Events, args: readonly unknown[]): boolean {
    const entries = this.#entries.get(event);
    if (entries === undefined || entries.length === 0) {
      if (event === 'error') this.#unheard(args[0]);
      return false;
    }
    if (entries.some((entry) => entry.once)) this.#forgetOnce(event, entries);
    for (const entry of entries) this.#call(event, entry, args);
    return true;
  }

  #add(event: keyof Events, entry: Entry): this {
    this.#entries.set(event, [...(this.#entries.get(event) ?? []), entry]);
    return this;
  }

  /** Before any listener runs, so that one which emits again does not meet itself. */
  #forgetOnce(event: keyof Events, entries: readonly Entry[]): void {
    this.#entries.set(
      event,
      entries.filter((entry) => !entry.once),
    );
  }

  #call(event: keyof Events, entry: Entry, args: readonly unknown[]): void {
    try {
      const answer = entry.listener(...(args as never[]));
      if (answer instanceof Promise) answer.catch((thrown: unknown) => this.#complain(event, thrown));
    } catch (thrown) {
      this.#complain(event, thrown);
    }
  }

  /** A listener of 'error' that throws must not be asked about its own error: that would never end. */
  #complain(event: keyof Events, thrown: unknown): void {
    const error = asError(thrown);
    if (event === 'error') this.#unheard(error);
    else this.#emit('error', [error]);
  }

  #unheard(thrown: unknown): void {
    this.#onUnheard(asError(thrown));
  }
}

/** Whatever was thrown, as an Error. */
export function asError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  try {
    return new Error(String(thrown), { cause: thrown });
  } catch {
    return new Error('a value was thrown that cannot be shown as text', { cause: thrown });
  }
}
