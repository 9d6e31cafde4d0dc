import { InvalidOptionError, LimitExceededError, type Problem } from '../errors.ts';

/**
 * Gathers what is wrong with a call, all of it, before anything is thrown. The path is kept as its parts and is
 * spelled only when there is something to say, so that checking a good batch costs no strings.
 */
export class Problems {
  readonly #path: (string | number)[] = [];
  /** Null while there are none: nearly all calls are right. */
  #found: { readonly invalid: Problem[]; readonly beyond: Problem[] } | null = null;
  #payloadBytes = 0;

  /** Everything said until `leave` is about this part of what is checked. */
  enter(part: string | number): void {
    this.#path.push(part);
  }

  leave(): void {
    this.#path.pop();
  }

  /** The shape is wrong: a name, a type, a number out of its range. */
  invalid(part: string | number | null, message: string): void {
    this.#findings.invalid.push({ path: this.#spell(part), message });
  }

  /** The shape is right and there is too much of it: bytes, entries. */
  beyond(part: string | number | null, message: string): void {
    this.#findings.beyond.push({ path: this.#spell(part), message });
  }

  /** Counts towards the payload bytes of the whole call. */
  countPayload(bytes: number): void {
    this.#payloadBytes += bytes;
  }

  get payloadBytes(): number {
    return this.#payloadBytes;
  }

  /** `subject`: what was checked; a function when to name it takes more than a word. */
  throwIfAny(subject: string | (() => string)): void {
    if (this.#found === null) return;
    const { invalid, beyond } = this.#found;
    const named = typeof subject === 'string' ? subject : subject();
    if (invalid.length > 0) throw new InvalidOptionError(named, [...invalid, ...beyond]);
    const lines = beyond.map((problem) => `${problem.path} ${problem.message}`);
    throw new LimitExceededError(`${named} is beyond a limit: ${lines.join('; ')}. Nothing was written.`);
  }

  get #findings(): { readonly invalid: Problem[]; readonly beyond: Problem[] } {
    this.#found ??= { invalid: [], beyond: [] };
    return this.#found;
  }

  #spell(part: string | number | null): string {
    let spelled = '';
    for (const step of part === null ? this.#path : [...this.#path, part]) {
      if (typeof step === 'number') spelled += `[${step}]`;
      else spelled += spelled === '' ? step : `.${step}`;
    }
    return spelled;
  }
}
