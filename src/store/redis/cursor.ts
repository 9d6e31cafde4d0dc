import { StoreError } from '../../errors.ts';
import type { Reply } from './reply.ts';

/** Reads what a script has said, in order. */
export class Cursor {
  readonly #said: readonly Reply[];
  #at = 0;

  constructor(said: readonly Reply[]) {
    this.#said = said;
  }

  get isEnd(): boolean {
    return this.#at >= this.#said.length;
  }

  next(): Reply {
    const reply = this.#said[this.#at];
    this.#at += 1;
    return reply ?? null;
  }

  number(): number {
    const reply = this.next();
    return typeof reply === 'number' ? reply : Number(String(reply));
  }

  numberOrNull(): number | null {
    const reply = this.next();
    return reply === null || reply === '' ? null : Number(String(reply));
  }
}
