import { ProcessorCrashedError, ProcessorMemoryError } from '../../errors.ts';
import { restoreError } from './carry-error.ts';
import type { ChildEnd } from './link.ts';

/** The error of an attempt whose child ended before it did. `what`: the child and the job. */
export function errorOfEnd(end: ChildEnd, what: string, maxMemoryMb: number | null): Error {
  if (end.words?.kind === 'memory') return memoryError(end.words.usedMb, what, maxMemoryMb);
  const cause = end.words === null ? undefined : restoreError(end.words.error);
  const how = howIt(end);
  const reason = cause === undefined ? '' : `, by an error that nothing caught: ${String(cause)}`;
  return new ProcessorCrashedError(`${what} ended ${how} before the attempt did${reason}.`, {
    exitCode: end.exitCode,
    signal: end.signal,
    ...(cause !== undefined && { cause }),
  });
}

function howIt({ exitCode, signal }: ChildEnd): string {
  if (signal === 'SIGKILL') return 'by SIGKILL (somebody killed it, perhaps the system for want of memory)';
  if (signal !== null) return `by ${signal}`;
  return exitCode === null ? 'as it began' : `with exit code ${exitCode}`;
}

function memoryError(usedMb: number, what: string, maxMemoryMb: number | null): ProcessorMemoryError {
  const used = usedMb === 0 ? 'more memory than it may have' : `${usedMb} MB of memory`;
  const limit = maxMemoryMb === null ? 'the limit of Node' : `${maxMemoryMb} MB (maxMemoryMb)`;
  return new ProcessorMemoryError(
    `${what} used ${used}, and was ended. The limit is ${limit}; raise it with maxMemoryMb, or read the work in parts.`,
  );
}
