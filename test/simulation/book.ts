/** The histories of all processes of one simulation, kept in memory. */

import { createHash } from 'node:crypto';
import { History } from '../../src/history/history.ts';
import type { HistoryLine } from '../../src/history/line.ts';
import { EPOCH_MS, type Timeline } from './timeline.ts';

/** So small that it moves no time, and so large that every line has a time of its own. */
const LINE_MS = 1e-6;

export class Book {
  readonly lines: HistoryLine[] = [];
  readonly #timeline: Timeline;
  readonly #histories = new Map<string, History>();
  #lastMs = 0;

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
  }

  /** Of whoever makes things go wrong, and looks at the store at the end. */
  get nemesis(): History {
    return this.of('nemesis', () => EPOCH_MS + Math.floor(this.#timeline.nowMs));
  }

  /** `wall`: what the clock on the wall of that process says. */
  of(process: string, wall: () => number): History {
    const known = this.#histories.get(process);
    if (known !== undefined) return known;
    const history = new History({
      process,
      sink: (line) => this.lines.push(line),
      times: { mono: () => this.#mono(), wall },
      head: { host: 'simulated', boot: 'simulated', pid: this.#histories.size + 1, store: 'memory' },
    });
    this.#histories.set(process, history);
    return history;
  }

  /** What is written later has a later time, so that the order of the lines is known exactly. */
  #mono(): number {
    this.#lastMs = Math.max(this.#timeline.nowMs, this.#lastMs + LINE_MS);
    return this.#lastMs;
  }

  text(): string[] {
    const own = `:${process.pid}:`;
    return this.lines.map((line) => JSON.stringify(line).replaceAll(own, ':0:'));
  }

  /** Same for the same history, in whatever process of the machine it is told. */
  hash(): string {
    const hash = createHash('sha256');
    for (const line of this.text()) hash.update(`${line}\n`);
    return hash.digest('hex');
  }
}
