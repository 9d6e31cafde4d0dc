import type { Engine } from '../engine.ts';
import { listOf, textOf } from '../reply.ts';

/** Each queue's own hash tag, and what runs there. See docs/decisions/0028-spread-queues.md. */
export class Cells {
  /** Of what belongs to no queue. */
  readonly home: Engine;
  readonly #make: (queue: string) => Engine;
  readonly #cells = new Map<string, Engine>();
  readonly #noted = new Set<string>();

  constructor(home: Engine, make: (queue: string) => Engine) {
    this.home = home;
    this.#make = make;
  }

  /** Home for ''. */
  at(queue: string): Engine {
    if (queue === HOME) return this.home;
    const known = this.#cells.get(queue);
    if (known !== undefined) return known;
    const made = this.#make(queue);
    this.#cells.set(queue, made);
    return made;
  }

  /** Before anything is written to a cell that may not be there yet, so that none is ever out of sight. */
  async note(queues: Iterable<string>): Promise<void> {
    const fresh = [...new Set(queues)].filter((queue) => queue !== HOME && !this.#noted.has(queue));
    if (fresh.length === 0) return;
    await this.home.call('SADD', this.#key, ...fresh);
    for (const queue of fresh) this.#noted.add(queue);
  }

  /** All queues that were ever noted, by name. Home may have forgotten some if it lost its latest writes. */
  async names(): Promise<string[]> {
    const known = listOf(await this.home.call('SMEMBERS', this.#key)).map(textOf);
    const lost = [...this.#noted].filter((queue) => !known.includes(queue));
    if (lost.length > 0) {
      await this.home.call('SET', `${this.home.place.prefix}mode`, 'queue', 'NX');
      await this.home.call('SADD', this.#key, ...lost);
    }
    return [...known, ...lost].sort();
  }

  async all(): Promise<Engine[]> {
    return (await this.names()).map((queue) => this.at(queue));
  }

  get #key(): string {
    return `${this.home.place.prefix}cells`;
  }
}

export const HOME = '';

/** Of the keys of a queue that has a hash tag of its own. */
export function prefixOf(namespace: string, queue: string): string {
  return `{${namespace}/${queue}}:`;
}
