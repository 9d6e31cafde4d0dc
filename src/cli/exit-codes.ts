/** What the shell is told. Documented in `docs/reference/cli.md`; scripts rely on these numbers. */

import {
  InvalidOptionError,
  InvalidPayloadError,
  JobNotFoundError,
  LimitExceededError,
  NotFoundError,
  TimeoutError,
} from '../errors.ts';

export const EXIT = {
  ok: 0,
  /** Something went wrong, or part of the work could not be done. */
  error: 1,
  /** The command line itself is wrong; nothing was done. */
  usage: 2,
  /** A check did not pass: `status` found work that does not flow, `doctor` found an error. */
  checkFailed: 3,
  /** The store, queue, job or operation is not there. */
  notFound: 4,
  /** What was waited for did not come in time. */
  timedOut: 5,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The exit code that belongs to an error. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof InvalidOptionError || error instanceof InvalidPayloadError) return EXIT.usage;
  if (error instanceof LimitExceededError) return EXIT.usage;
  if (error instanceof JobNotFoundError || error instanceof NotFoundError) return EXIT.notFound;
  if (error instanceof TimeoutError) return EXIT.timedOut;
  return EXIT.error;
}
