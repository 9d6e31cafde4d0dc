/** The command line in a test: what it writes is kept, what it asks is answered from a list. */

import { type Connection, connect } from '../connect.ts';
import { type Clock, systemClock } from '../runtime/clock.ts';
import { uuid7 } from '../runtime/ids.ts';
import { systemRandom } from '../runtime/random.ts';
import type { ExitCode } from './exit-codes.ts';
import { run } from './run.ts';
import type { Sink, Terminal } from './terminal.ts';

export interface CaptureOptions {
  /** Where the commands work, whatever `--store` says. */
  readonly connection?: Connection;
  /** As if standard output and error were terminals of this width. */
  readonly columns?: number;
  /** Answers to questions, in order; without them nobody can be asked. */
  readonly answers?: readonly string[];
  readonly input?: string | AsyncIterable<Uint8Array>;
  readonly env?: Readonly<Record<string, string>>;
  /** Of the command line itself, not of the store. */
  readonly clock?: Clock;
}

export interface Captured {
  readonly code: ExitCode;
  readonly out: string;
  readonly err: string;
}

export async function capture(argv: readonly string[], options: CaptureOptions = {}): Promise<Captured> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await run(argv, {
    terminal: captured(out, err, options),
    env: options.env ?? {},
    clock: options.clock ?? systemClock,
    makeId: uuid7(systemClock, systemRandom),
    actor: 'ada@example (cli)',
    connect: (url) => connect(options.connection ?? url),
    endProcess: () => {},
  });
  return { code, out: out.join(''), err: err.join('') };
}

function captured(out: string[], err: string[], options: CaptureOptions): Terminal {
  const answers = [...(options.answers ?? [])];
  return {
    out: sinkTo(out, options.columns),
    err: sinkTo(err, options.columns),
    input: () => inputOf(options.input ?? ''),
    interactive: options.answers !== undefined,
    ask: async (question) => {
      err.push(question);
      return answers.shift() ?? '';
    },
    unread: new AbortController().signal,
  };
}

function sinkTo(parts: string[], columns?: number): Sink {
  return {
    isTerminal: columns !== undefined,
    colour: false,
    columns: columns ?? Number.POSITIVE_INFINITY,
    write: (text) => {
      parts.push(text);
    },
  };
}

async function* inputOf(input: string | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (typeof input === 'string') yield new TextEncoder().encode(input);
  else yield* input;
}
