import { asError } from './emitter.ts';

/**
 * What does not work now, and by which error: so that an outage of an hour is told once and not a thousand times,
 * though several parts run into it.
 */
export class FaultState {
  readonly #failing = new Map<string, string>();

  /** True when this is news: no part fails in this way already. */
  fail(thrown: unknown, part = ''): boolean {
    const error = asError(thrown);
    const shown = `${error.name}: ${error.message}`;
    const known = [...this.#failing.values()].includes(shown);
    this.#failing.set(part, shown);
    return !known;
  }

  get isClear(): boolean {
    return this.#failing.size === 0;
  }

  /** This part works. True when it was the last one that did not. */
  ok(part = ''): boolean {
    return this.#failing.delete(part) && this.isClear;
  }
}
