/**
 * Lets one attempt have its process for itself. All attempts of all workers of a process pass through one gate: an
 * ordinary one just enters, a suspect waits until nobody is inside, and while it runs nobody else enters.
 */

import { type Clock, systemClock, type Timer } from '../runtime/clock.ts';

interface Waiting {
  readonly admit: () => void;
}

export class Gate {
  #inside = 0;
  #taken = false;
  /** Somebody was told, or may have seen, that no more work is welcome. */
  #wasClosed = false;
  readonly #waiting = new Set<Waiting>();
  readonly #listeners = new Set<() => void>();

  /** Nobody is alone here, or waits to be: more work is welcome. */
  get isOpen(): boolean {
    return !this.#taken && this.#waiting.size === 0;
  }

  /** Somebody is alone here. */
  get isTaken(): boolean {
    return this.#taken;
  }

  /** For who may have company, while the gate is not taken. */
  enter(): void {
    this.#inside += 1;
  }

  leave(): void {
    this.#inside -= 1;
    this.#next();
  }

  /**
   * True once the caller is alone; false when that is not so within `ms`, or when the signal aborts. Those that come
   * in the same turn go first: who was claimed together with a suspect need not wait for it.
   */
  beAlone(clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      let timer: Timer | null = null;
      const end = (admitted: boolean): void => {
        this.#waiting.delete(waiting);
        timer?.cancel();
        signal.removeEventListener('abort', give);
        resolve(admitted);
        if (!admitted) this.#next();
      };
      const give = (): void => end(false);
      const waiting: Waiting = { admit: () => end(true) };
      this.#waiting.add(waiting);
      this.#wasClosed = true;
      signal.addEventListener('abort', give, { once: true });
      timer = clock.after(ms, give, { background: true });
      void Promise.resolve().then(() => this.#next());
    });
  }

  /** Who was alone goes on like everybody else. */
  haveCompany(): void {
    this.#taken = false;
    this.#inside += 1;
    this.#next();
  }

  leaveAlone(): void {
    this.#taken = false;
    this.#next();
  }

  /** Called whenever more work is welcome again. Answers how to stop listening. */
  onOpen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #next(): void {
    if (this.#taken) return;
    const [first] = this.#waiting;
    if (first === undefined) {
      if (!this.#wasClosed) return;
      this.#wasClosed = false;
      for (const listener of [...this.#listeners]) listener();
    } else if (this.#inside === 0) {
      this.#taken = true;
      first.admit();
    }
  }
}

const KEY = Symbol.for('millrace.gate.1');
const host = globalThis as typeof globalThis & { [KEY]?: Gate };
const gates = new WeakMap<object, Gate>();

/**
 * The gate of this process, whichever copy of this package asks. Under a clock that somebody turns by hand several
 * processes are acted out in one, each with a client of its own.
 */
export function gateOf(client: { readonly clock: Clock }): Gate {
  if (client.clock === systemClock) {
    host[KEY] ??= new Gate();
    return host[KEY];
  }
  const gate = gates.get(client) ?? new Gate();
  gates.set(client, gate);
  return gate;
}
