import type { FaultKind, LoggedFault } from '../../src/history/line.ts';
import type { Book } from './book.ts';
import type { SimProcess } from './sim-process.ts';

export interface Told {
  readonly fault: FaultKind;
  /** Of the process; null for the store's own machine. */
  readonly process: SimProcess | null;
  readonly note: string;
  readonly clock?: 'store' | 'process';
}

/** What the nemesis did, and the network: written into the histories, so that the checks know what to expect. */
export class FaultLog {
  readonly counts: Map<string, number> = new Map();
  readonly #books: readonly Book[];
  #made = 0;

  constructor(books: readonly Book[]) {
    this.#books = books;
  }

  /** Answers how to say that it is over. */
  tell({ fault, process, note, clock }: Told): () => void {
    this.count(note);
    this.#made += 1;
    const id = `fault-${this.#made}`;
    const target = process?.name ?? '*';
    const args: LoggedFault = { id, fault, target, note, ...(clock !== undefined && { clock }) };
    this.#write('fault', args);
    return () => this.#write('fault-end', { id });
  }

  /** Over as soon as it is done. */
  tellOnce(told: Told): void {
    this.tell(told)();
  }

  /** What touches nobody's jobs is counted only. */
  count(note: string): void {
    this.counts.set(note, (this.counts.get(note) ?? 0) + 1);
  }

  #write(event: string, args: object): void {
    for (const book of this.#books) book.nemesis.event(event, args);
  }
}
