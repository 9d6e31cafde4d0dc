import { type AttemptEnd, type Decision, failureOf } from '../job/outcome.ts';
import type { JobRecord } from '../job/record.ts';
import { asError } from '../runtime/emitter.ts';
import type { Attempt, Ran } from './attempt.ts';
import type { Tell } from './events.ts';
import type { Settled } from './outbox.ts';

export interface Ending {
  readonly attempt: Attempt;
  readonly ran: Ran;
  readonly decision: Decision;
  readonly settled: Settled;
}

/** Tells what an attempt has become, once the store has it. `nowMs` stands for its clock in what listeners see. */
export function report(tell: Tell, ending: Ending, nowMs: number): void {
  const { attempt, decision, settled } = ending;
  if (settled.outcome !== 'ok') {
    const why = settled.outcome === 'unknown' ? 'the store did not answer in time' : settled.outcome;
    tell('lease-lost', attempt.job, why);
    return;
  }
  attempt.job.ended(changesOf(ending, nowMs));
  if (settled.refusal !== null) tell('failed', attempt.job, settled.refusal);
  else if (settled.state === 'cancelled' && decision.to !== 'cancelled') {
    tell('cancelled', attempt.job, 'somebody asked for it while it ran');
  } else tellDecision(tell, ending);
}

/** The end of an attempt whose queue delivers at most once: the store had it as completed all along. */
export function reportUnsettled(tell: Tell, attempt: Attempt, { end, value }: Ran): void {
  const error = end === null ? null : errorOf(attempt, end);
  if (error === null) tell('completed', attempt.job, value);
  else tell('failed', attempt.job, error);
}

function tellDecision(tell: Tell, { attempt, ran, decision }: Ending): void {
  switch (decision.to) {
    case 'completed':
      tell('completed', attempt.job, ran.value);
      return;
    case 'failed':
      tell('failed', attempt.job, thrown(ran));
      return;
    case 'retry':
      tell('retrying', attempt.job, thrown(ran), decision.afterMs);
      return;
    case 'released':
      tell('released', attempt.job, decision.why);
      return;
    case 'cancelled':
      tell('cancelled', attempt.job, decision.reason);
      return;
    default:
      decision satisfies never;
  }
}

function changesOf({ attempt, decision, settled }: Ending, nowMs: number): Partial<JobRecord> {
  const { job } = attempt.claimed;
  const state = settled.state ?? job.state;
  const finishedAt = nowMs;
  switch (decision.to) {
    case 'completed':
      return { state, result: decision.result, error: null, finishedAt };
    case 'failed':
      return { state, error: decision.error, cause: decision.cause, failures: job.failures + 1, finishedAt };
    case 'retry': {
      const dueAt = state === 'delayed' ? nowMs + decision.afterMs : null;
      return { state, error: decision.error, failures: job.failures + 1, dueAt };
    }
    case 'released':
      return { state, dueAt: state === 'delayed' ? nowMs + decision.afterMs : null };
    case 'cancelled':
      return { state, cause: decision.cause, cancelReason: decision.reason, finishedAt };
    default:
      return decision satisfies never;
  }
}

function thrown({ end }: Ran): Error {
  const failure = end === null ? null : failureOf(end);
  return asError(failure?.error);
}

/** What a run that was not to be settled went wrong by; null when it went well. */
function errorOf(attempt: Attempt, end: AttemptEnd): Error | null {
  const failure = failureOf(end);
  if (failure !== null) return asError(failure.error);
  return attempt.stopped?.error ?? null;
}
