import type { Engine } from '../engine.ts';
import { bytesOf, listOf, numberOf, type Reply, textOf } from '../reply.ts';
import { DELIVER_APPLY, DELIVER_ENTRY, DROP_ENTRY } from '../scripts.ts';
import type { Cells } from './cells.ts';
import { argsIn } from './wire.ts';

const PAGE = 100;
/** Pages of one cell that one call delivers; upkeep goes on with the rest. */
const PAGES = 100;
/** Cells that one call goes on to, as what is delivered may be passed on. */
const CELLS = 100;

interface Entry {
  readonly seq: string;
  readonly target: string;
  readonly kind: string;
  readonly change: number;
  readonly payload: Buffer;
}

interface Pass {
  readonly running: Promise<unknown>;
  next: Promise<ReadonlySet<string>> | null;
}

/**
 * Delivers what cells have written for others. Of one target an entry is gone from its source before the next is sent, and the
 * target knows the number of the last: so an entry is delivered once, whoever tries, and however often.
 */
export class Outbox {
  readonly #cells: Cells;
  readonly #passes = new Map<string, Pass>();

  constructor(cells: Cells) {
    this.#cells = cells;
  }

  /** All that was there at the call, unless a target cannot be reached: that is left to upkeep. Never rejects. */
  async deliver(queue: string): Promise<void> {
    const seen = new Set([queue]);
    for (const source of seen) {
      if (seen.size > CELLS) return;
      for (const other of await this.#after(source)) seen.add(other);
    }
  }

  /** A pass that runs may have read before our entry was there, so the next one is ours; many share it. */
  #after(source: string): Promise<ReadonlySet<string>> {
    const known = this.#passes.get(source);
    if (known !== undefined) {
      known.next ??= known.running.then(() => this.#start(source));
      return known.next;
    }
    return this.#start(source);
  }

  #start(source: string): Promise<ReadonlySet<string>> {
    const running = this.#pass(source);
    const pass: Pass = { running, next: null };
    this.#passes.set(source, pass);
    void running.then(() => {
      if (pass.next === null) this.#passes.delete(source);
    });
    return running;
  }

  /** Answers the cells that have something to deliver themselves now. */
  async #pass(source: string): Promise<ReadonlySet<string>> {
    const others = new Set<string>();
    const stuck = new Set<string>();
    let from = '-';
    try {
      for (let page = 0; page < PAGES; page += 1) {
        const entries = await entriesOf(this.#cells.at(source), from);
        from = `(${entries.at(-1)?.seq ?? '0'}-0`;
        for (const entry of entries) await this.#try(source, entry, { others, stuck });
        if (entries.length < PAGE) break;
      }
    } catch {
      // It stays in the outbox, and upkeep tries again.
    }
    return others;
  }

  async #try(
    source: string,
    entry: Entry,
    { others, stuck }: { readonly others: Set<string>; readonly stuck: Set<string> },
  ): Promise<void> {
    // In their order: what comes later must not overtake what could not be delivered.
    if (stuck.has(entry.target)) return;
    try {
      if (await this.#send(source, entry)) others.add(entry.target);
    } catch {
      stuck.add(entry.target);
    }
  }

  async #send(source: string, { seq, target, kind, change, payload }: Entry): Promise<boolean> {
    await this.#cells.note([target]);
    const head = [source === '' ? '/' : source, seq, change, kind];
    const isApply = kind === 'apply';
    const { said, sent } = await this.#cells
      .at(target)
      .writeOnly(isApply ? DELIVER_APPLY : DELIVER_ENTRY, [
        ...head,
        ...(isApply ? argsIn(payload) : [payload]),
      ]);
    await this.#cells.at(source).writeOnly(DROP_ENTRY, [seq, textOf(said[0])]);
    return sent;
  }
}

async function entriesOf(engine: Engine, from: string): Promise<Entry[]> {
  const key = `${engine.place.prefix}ob`;
  return listOf(await engine.call('XRANGE', key, from, '+', 'COUNT', PAGE)).map(entryOf);
}

function entryOf(reply: Reply): Entry {
  const [id, fields] = listOf(reply);
  const [, target, , kind, , change, , payload] = listOf(fields);
  return {
    seq: textOf(id).replace(/-0$/, ''),
    target: textOf(target),
    kind: textOf(kind),
    change: numberOf(change),
    payload: bytesOf(payload),
  };
}
