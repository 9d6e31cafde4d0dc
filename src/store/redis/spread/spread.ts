/** A namespace whose queues have a hash tag each: docs/decisions/0028-spread-queues.md. */

import { Engine, type EngineParts } from '../engine.ts';
import type { Idle } from '../idle.ts';
import { Cells, HOME, prefixOf } from './cells.ts';
import { Outbox } from './outbox.ts';
import { spreadReads } from './reads.ts';
import { SpreadSessions } from './sessions.ts';
import { type SpreadParts, spreadWrites } from './writes.ts';

export class Spread {
  readonly cells: Cells;
  readonly #outbox: Outbox;
  readonly #me: string;
  readonly #engines: Engine[] = [];
  readonly #calls = new Set<Promise<unknown>>();
  #ids = 0;

  constructor(parts: EngineParts) {
    const { place } = parts;
    this.#me = parts.me;
    const home = new Engine({ ...parts, onSent: () => this.#outbox.deliver(HOME) });
    this.cells = new Cells(home, (queue) => {
      const own = { ...place, prefix: prefixOf(place.namespace, queue) };
      const onSent = (): Promise<void> => this.#outbox.deliver(queue);
      const cell = new Engine({ ...parts, place: own, over: home, onSent });
      this.#engines.push(cell);
      return cell;
    });
    this.#outbox = new Outbox(this.cells);
  }

  verbs(idle: Idle): ReturnType<typeof spreadWrites> & ReturnType<typeof spreadReads> {
    const parts: SpreadParts = {
      cells: this.cells,
      outbox: this.#outbox,
      sessions: new SpreadSessions(this.cells),
      idle,
      newId: () => this.#newId(),
    };
    const { dump, ...reads } = spreadReads(parts);
    return { ...this.#counted(spreadWrites(parts)), ...this.#counted(reads), dump };
  }

  /** A verb may be several calls, and closing waits for all of them. */
  #counted<Verbs extends object>(verbs: Verbs): Verbs {
    const entries = Object.entries(verbs).map(
      ([name, verb]: [string, (...args: unknown[]) => Promise<unknown>]) => [
        name,
        async (...args: unknown[]) => {
          const call = verb(...args);
          this.#calls.add(call);
          return call.finally(() => this.#calls.delete(call));
        },
      ],
    );
    return Object.fromEntries(entries) as Verbs;
  }

  #newId(): string {
    this.#ids += 1;
    return `${this.#me}:${this.#ids}`;
  }

  /** The connection is home's, which is closed after. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#calls);
    await Promise.all(this.#engines.map((engine) => engine.close()));
  }
}
