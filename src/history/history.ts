/** The one who writes: gives every line its place and its times, and hands it on. */

import { type Head, HISTORY_VERSION, type HistoryLine, type LineKind } from './line.ts';

/** Takes lines in order. Must have kept a line when it returns: what a killed process wrote must not be lost. */
export type Sink = (line: HistoryLine) => void;

export interface HistoryTimes {
  readonly mono: () => number;
  readonly wall: () => number;
}

export interface HistoryOptions {
  readonly sink: Sink;
  /** Name of this life of this process. */
  readonly process: string;
  readonly times: HistoryTimes;
  readonly head: Omit<Head, 'version'>;
}

export class History {
  readonly process: string;
  readonly #sink: Sink;
  readonly #times: HistoryTimes;
  #seq = 0;

  constructor({ sink, process, times, head }: HistoryOptions) {
    this.process = process;
    this.#sink = sink;
    this.#times = times;
    this.#write('head', 'history', { args: { version: HISTORY_VERSION, ...head } });
  }

  /** Answers the number by which the end of the call is known. */
  invoke(op: string, args?: unknown): number {
    return this.#write('invoke', op, args === undefined ? {} : { args });
  }

  /** `ok`: it was answered. `fail`: it was refused, nothing was written. `info`: nobody knows. */
  end(kind: 'ok' | 'fail' | 'info', op: string, call: number, answer?: unknown): void {
    this.#write(kind, op, answer === undefined ? { call } : { call, answer });
  }

  event(op: string, args?: unknown): void {
    this.#write('event', op, args === undefined ? {} : { args });
  }

  #write(kind: LineKind, op: string, rest: Pick<HistoryLine, 'call' | 'args' | 'answer'>): number {
    const seq = ++this.#seq;
    const { mono, wall } = this.#times;
    this.#sink({ seq, mono: mono(), wall: wall(), process: this.process, kind, op, ...rest });
    return seq;
  }
}
