/** The parent's end of the way to a child, whichever kind it is. */

import type { ChildStart, FromChild, LastWords, ToChild } from './messages.ts';

export interface ChildEnd {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** What it could still say about it. */
  readonly words: LastWords | null;
}

export interface Link {
  /** `process 123`, `thread 4`. */
  readonly name: string;
  send(message: ToChild): void;
  /** At once, whatever it does. `LinkPort.ended` follows. */
  kill(): void;
}

export interface LinkPort {
  told(message: FromChild): void;
  /** Once. */
  ended(end: ChildEnd): void;
}

export interface LinkOptions {
  readonly start: ChildStart;
  /** Null: those of this process. */
  readonly execArgv: readonly string[] | null;
}

export type MakeLink = (options: LinkOptions, port: LinkPort) => Link;
