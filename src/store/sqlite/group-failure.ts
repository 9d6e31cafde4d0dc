/** What goes wrong with a group of calls, and which of them it is told to. */

import { StoreFullError } from '../../errors.ts';
import { addsJobs } from './room.ts';
import type { Call } from './verbs.ts';

/** A failure of the database that concerns every call of the group alike. */
export class GroupFailure extends Error {
  readonly reason: Error;

  constructor(reason: Error) {
    super(reason.message);
    this.reason = reason;
  }
}

/** A failure of one call of the group. */
export class CallFailure extends Error {
  readonly call: Call;
  readonly reason: unknown;

  constructor(call: Call, reason: unknown) {
    super('one call of the group failed');
    this.call = call;
    this.reason = reason;
  }
}

/** Why, and which of the calls. */
export function failedOf(
  calls: readonly Call[],
  error: unknown,
): readonly [reason: unknown, failed: readonly Call[]] {
  if (error instanceof CallFailure) return [error.reason, [error.call]];
  const reason = error instanceof GroupFailure ? error.reason : error;
  return [reason, reason instanceof StoreFullError ? firstToFail(calls) : calls];
}

/** On a full disk new jobs give way to what becomes of those that are there, which takes less room. */
function firstToFail(calls: readonly Call[]): readonly Call[] {
  const adding = calls.filter(addsJobs);
  return adding.length === 0 ? calls : adding;
}
