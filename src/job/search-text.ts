/** Cuts the text of a search into its conditions; what they mean is the matter of `search.ts`. */

export interface Condition {
  /** As it was written, for messages. */
  readonly text: string;
  /** What stands before the colon, split at its dots: `data.user.id` in three. */
  readonly key: readonly string[];
  /** Alternatives, at least one unless there is a problem. */
  readonly values: readonly string[];
  readonly problem: string | null;
}

export function readConditions(text: string): Condition[] {
  const reader = new Reader(text);
  const conditions: Condition[] = [];
  while (reader.skipSpace()) conditions.push(reader.condition());
  return conditions;
}

/** Ends of a bare word, in a key and in a value. A value may hold dots and colons: `id:a:b`, `error:10.0.0.1`. */
const KEY_END = /[\s",:.]/u;
const VALUE_END = /[\s",]/u;

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** False at the end of the text. */
  skipSpace(): boolean {
    while (/\s/u.test(this.#peek())) this.#at++;
    return this.#at < this.#text.length;
  }

  condition(): Condition {
    const start = this.#at;
    const key = this.#separated('.', KEY_END);
    if (key === null || !this.#take(':')) return this.#broken(start, KEY_ADVICE);
    const values = this.#separated(',', VALUE_END);
    if (values === null) return this.#broken(start, VALUE_ADVICE);
    if (!this.#atBreak()) return this.#broken(start, 'is not closed by white space after the quotes');
    return { text: this.#text.slice(start, this.#at), key, values, problem: null };
  }

  /** Words with a separator between them; null when one is missing or a quote is not closed. */
  #separated(separator: string, end: RegExp): string[] | null {
    const words: string[] = [];
    do {
      const word = this.#peek() === '"' ? this.#quoted() : this.#bare(end);
      if (word === null) return null;
      words.push(word);
    } while (this.#take(separator));
    return words;
  }

  #bare(end: RegExp): string | null {
    const start = this.#at;
    while (this.#at < this.#text.length && !end.test(this.#peek())) this.#at++;
    return this.#at === start ? null : this.#text.slice(start, this.#at);
  }

  #quoted(): string | null {
    let word = '';
    this.#at++;
    while (this.#at < this.#text.length) {
      if (this.#take('"')) return word;
      if (this.#peek() === '\\') this.#at++;
      word += this.#peek();
      this.#at++;
    }
    return null;
  }

  /** Goes on after the next white space, so that one slip does not spoil the conditions behind it. */
  #broken(start: number, problem: string): Condition {
    while (!this.#atBreak()) this.#at++;
    const text = this.#text.slice(start, this.#at);
    return { text, key: [], values: [], problem };
  }

  #atBreak(): boolean {
    return this.#at >= this.#text.length || /\s/u.test(this.#peek());
  }

  #take(character: string): boolean {
    if (this.#peek() !== character) return false;
    this.#at++;
    return true;
  }

  #peek(): string {
    return this.#text[this.#at] ?? '';
  }
}

const KEY_ADVICE = 'is not a condition. Write key:value, for example name:welcome or error:"timed out".';
const VALUE_ADVICE = 'has no value, or a quote that is not closed.';
