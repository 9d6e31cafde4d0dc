import { CommanderError } from 'commander';
import { MillraceError } from '../errors.ts';
import type { Speaker } from './cli.ts';
import { EXIT, type ExitCode, exitCodeOf } from './exit-codes.ts';
import { toJson } from './json-text.ts';
import { safeLines } from './safe-text.ts';
import { paintFor } from './style.ts';

/** Says what went wrong: one message with its code, no stack unless asked for. Answers the exit code. */
export function reportError(speaker: Speaker, error: unknown): ExitCode {
  // The parser of the command line has told the user itself.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  const { cli, options } = speaker;
  const { err } = cli.terminal;
  const known = error instanceof MillraceError;
  const message = error instanceof Error ? error.message : String(error);
  const code = known ? error.code : null;
  if (options.json === true) {
    err.write(`${toJson({ error: { code, message } })}\n`);
    return exitCodeOf(error);
  }
  const label = paintFor(err)('bad', 'millrace:');
  const tail = code === null ? '' : ` (${code})`;
  err.write(`${label} ${safeLines(message).join('\n')}${tail}\n`);
  if (options.verbose === true) err.write(`${safeLines(stackOf(error)).join('\n')}\n`);
  else if (!known) err.write('Say --verbose to see where it happened.\n');
  return exitCodeOf(error);
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  const cause = error.cause === undefined ? '' : `\ncaused by ${stackOf(error.cause) || String(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
