import { describe, expect, test } from 'vitest';
import { SchemaMismatchError, TimeoutError, UnrecoverableError } from '../errors.ts';
import { discard, release, retryIn } from './control.ts';
import { type AttemptEnd, decideNext, type EndedAttempt, failureOf, finalCause } from './outcome.ts';
import type { JobPolicy } from './record.ts';

const POLICY: JobPolicy = {
  attempts: 3,
  backoff: { type: 'exponential', delayMs: 1_000, factor: 2, maxMs: 60_000, jitter: 0 },
  retryForMs: null,
  timeoutMs: null,
  ttlMs: null,
  deadLetterQueue: null,
  keepCompletedMs: null,
  keepFailedMs: null,
};

interface Case extends Partial<Omit<EndedAttempt, 'job' | 'end'>> {
  readonly policy?: Partial<JobPolicy>;
  readonly failures?: number;
}

function ended(end: AttemptEnd, { policy, failures = 0, ...rest }: Case = {}): EndedAttempt {
  return {
    job: { name: 'mail', policy: { ...POLICY, ...policy }, failures },
    end,
    elapsedMs: 0,
    strategyMs: null,
    random: { fraction: () => 0 },
    ...rest,
  };
}

const threw = (error: unknown = new Error('boom')): AttemptEnd => ({ how: 'threw', error });
const control = (value: ReturnType<typeof retryIn>): AttemptEnd => ({ how: 'control', control: value });

describe('ends that are no failure', () => {
  const result = new Uint8Array([123, 125]);
  test.each<[string, AttemptEnd, object]>([
    ['returning a value completes', { how: 'returned', result }, { to: 'completed', result }],
    ['returning nothing completes', { how: 'returned', result: null }, { to: 'completed', result: null }],
    [
      'a cancelled attempt ends the job as cancelled',
      { how: 'cancelled', reason: 'customer left' },
      { to: 'cancelled', reason: 'customer left', cause: 'cancelled' },
    ],
    [
      'an attempt stopped by shutdown is handed back at once',
      { how: 'shutdown', why: 'the worker closed' },
      { to: 'released', afterMs: 0, why: 'the worker closed' },
    ],
    [
      'discard ends the job as discarded',
      control(discard('too old')),
      { to: 'cancelled', reason: 'too old', cause: 'discarded' },
    ],
    [
      'release hands back with its delay',
      control(release({ afterMs: 50, why: 'busy' })),
      { to: 'released', afterMs: 50, why: 'busy' },
    ],
  ])('%s, also with the last attempt', (_name, end, expected) => {
    expect(decideNext(ended(end))).toEqual(expected);
    expect(decideNext(ended(end, { failures: 2, policy: { retryForMs: 1 }, elapsedMs: 99 }))).toEqual(
      expected,
    );
    expect(failureOf(end)).toBeNull();
    expect(finalCause(ended(end, { failures: 2 }))).toBeNull();
  });
});

describe('failures with attempts left', () => {
  test.each<[string, AttemptEnd, Case, number]>([
    ['the first failure waits the first delay', threw(), {}, 1_000],
    ['the second failure waits twice as long', threw(), { failures: 1 }, 2_000],
    ['without a backoff there is no wait', threw(), { policy: { backoff: null } }, 0],
    ['a timeout is retried as any failure', { how: 'timed-out', error: new TimeoutError('late') }, {}, 1_000],
    ['retryIn overrules the backoff', control(retryIn(77)), { failures: 1 }, 77],
    ['retryIn(0) runs again at once', control(retryIn(0)), {}, 0],
    ['a custom strategy decides the wait', threw(), { strategyMs: 5 }, 5],
    ['a custom strategy may say 0', threw(), { strategyMs: 0 }, 0],
    ['retrying within retryFor', threw(), { policy: { retryForMs: 5_000 }, elapsedMs: 4_000 }, 1_000],
    ['throwing undefined', threw(undefined), {}, 1_000],
  ])('%s', (_name, end, over, afterMs) => {
    expect(decideNext(ended(end, over))).toMatchObject({ to: 'retry', afterMs });
    expect(finalCause(ended(end, over))).toBeNull();
  });

  test('the error is kept with the retry', () => {
    expect(decideNext(ended(threw()))).toMatchObject({ error: { name: 'Error', message: 'boom' } });
    expect(decideNext(ended(control(retryIn(5, 'no ink'))))).toMatchObject({ error: { message: 'no ink' } });
  });

  test('chance comes from the given source only', () => {
    const jittery = { backoff: { type: 'fixed', delayMs: 100, jitter: 1 } } as const;
    const half = { fraction: () => 0.5 };
    expect(decideNext(ended(threw(), { policy: jittery, random: half }))).toMatchObject({ afterMs: 50 });
  });
});

describe('failures that are the last', () => {
  class FromAnotherCopy extends Error {
    override name = 'UnrecoverableError';
  }
  class Bankrupt extends UnrecoverableError {}
  const mismatch = new SchemaMismatchError('payload', []);

  test.each<[string, AttemptEnd, Case, string]>([
    ['the last attempt', threw(), { failures: 2 }, 'attempts-spent'],
    ['the only attempt', threw(), { policy: { attempts: 1 } }, 'attempts-spent'],
    ['more failures than attempts, after a redrive with fewer', threw(), { failures: 9 }, 'attempts-spent'],
    [
      'the last attempt by timeout',
      { how: 'timed-out', error: new Error('x') },
      { failures: 2 },
      'attempts-spent',
    ],
    ['the last attempt by retryIn', control(retryIn(1)), { failures: 2 }, 'attempts-spent'],
    ['UnrecoverableError', threw(new UnrecoverableError('no')), {}, 'unrecoverable'],
    ['a subclass of UnrecoverableError', threw(new Bankrupt('no')), {}, 'unrecoverable'],
    ['an UnrecoverableError of another package', threw(new FromAnotherCopy('no')), {}, 'unrecoverable'],
    ['UnrecoverableError at the last attempt', threw(new Bankrupt('no')), { failures: 2 }, 'unrecoverable'],
    ['a strategy that gives up', threw(), { strategyMs: 'give-up' }, 'unrecoverable'],
    ['SchemaMismatchError', threw(mismatch), {}, 'invalid-payload'],
    [
      'a payload or result refused by this side',
      { how: 'refused', error: new Error('x') },
      {},
      'invalid-payload',
    ],
    ['time over', threw(), { policy: { retryForMs: 5_000 }, elapsedMs: 5_001 }, 'retry-time-over'],
    [
      'a wait beyond the time',
      threw(),
      { policy: { retryForMs: 5_000 }, elapsedMs: 4_001 },
      'retry-time-over',
    ],
    ['retryIn beyond the time', control(retryIn(6)), { policy: { retryForMs: 5 } }, 'retry-time-over'],
    ['a strategy beyond the time', threw(), { policy: { retryForMs: 5 }, strategyMs: 6 }, 'retry-time-over'],
  ])('%s', (_name, end, over, cause) => {
    expect(decideNext(ended(end, over))).toMatchObject({ to: 'failed', cause });
  });

  test('a reason of any length and make is cut to what a store keeps', () => {
    const decision = decideNext(ended({ how: 'cancelled', reason: `\0${'r'.repeat(5_000)}` }));
    expect(decision.to === 'cancelled' ? Buffer.byteLength(decision.reason) : 0).toBe(1_024);
  });
});
