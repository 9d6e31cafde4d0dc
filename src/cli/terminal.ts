/**
 * What a command says and asks. Answers go to standard output, everything else (progress, questions, errors) to
 * standard error, so that a pipe carries the answer alone.
 */

import { createInterface } from 'node:readline/promises';

export interface Sink {
  readonly isTerminal: boolean;
  readonly colour: boolean;
  readonly columns: number;
  write(text: string): void;
}

export interface Terminal {
  readonly out: Sink;
  readonly err: Sink;
  /** Standard input, chunk by chunk. */
  input(): AsyncIterable<Uint8Array>;
  /** Somebody can answer a question. */
  readonly interactive: boolean;
  ask(question: string): Promise<string>;
  /** Aborts when nobody reads the answers any more (`| head`). */
  readonly unread: AbortSignal;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** `NO_COLOR` (https://no-color.org) wins over `FORCE_COLOR`, both over what the stream is. */
export function wantsColour(env: Environment, isTerminal: boolean): boolean {
  if (env['NO_COLOR'] !== undefined && env['NO_COLOR'] !== '') return false;
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined && forced !== '') return forced !== '0' && forced !== 'false';
  return isTerminal && env['TERM'] !== 'dumb';
}

function sinkOf(stream: NodeJS.WriteStream, env: Environment, unread: AbortSignal): Sink {
  const isTerminal = stream.isTTY === true;
  return {
    isTerminal,
    colour: wantsColour(env, isTerminal),
    get columns() {
      return isTerminal ? Math.max(40, stream.columns || 80) : Number.POSITIVE_INFINITY;
    },
    write: (text) => {
      if (!unread.aborted) stream.write(text);
    },
  };
}

/**
 * The terminal of this process. A reader that goes away is no error: nothing more is written, and the command
 * ends in its own way, so that no job is dropped half done.
 */
export function processTerminal(process: NodeJS.Process): Terminal {
  const gone = new AbortController();
  const silent = new AbortController();
  process.stdout.on('error', () => gone.abort());
  process.stderr.on('error', () => silent.abort());
  const err = sinkOf(process.stderr, process.env, silent.signal);
  return {
    out: sinkOf(process.stdout, process.env, gone.signal),
    err,
    input: () => process.stdin,
    interactive: process.stdin.isTTY === true && err.isTerminal,
    ask: (question) => askOn(process, question),
    unread: gone.signal,
  };
}

async function askOn(process: NodeJS.Process, question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    // End of input (Ctrl-D) answers nothing, which is no.
    const ended = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
    return await Promise.race([lines.question(question), ended]);
  } finally {
    lines.close();
  }
}

/** Resolves when what was written has left the process. */
export function flushed(process: NodeJS.Process): Promise<void> {
  const drained = (stream: NodeJS.WriteStream): Promise<void> =>
    new Promise((resolve) => {
      if (stream.writableNeedDrain || stream.writableLength > 0) stream.write('', () => resolve());
      else resolve();
    });
  return Promise.all([drained(process.stdout), drained(process.stderr)]).then(() => undefined);
}
