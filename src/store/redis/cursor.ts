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

  text(): string {
    return String(this.next() ?? '');
  }

  textOrNull(): string | null {
    const reply = this.next();
    return reply === null ? null : String(reply);
  }

  number(): number {
    const reply = this.next();
    return typeof reply === 'number' ? reply : Number(String(reply));
  }

  /** null for what a script says as ''. */
  numberOrNull(): number | null {
    const text = this.text();
    return text === '' ? null : Number(text);
  }

  bytes(): Buffer {
    const reply = this.next();
    return Buffer.isBuffer(reply) ? reply : NOTHING;
  }
}

const NOTHING = Buffer.alloc(0);
