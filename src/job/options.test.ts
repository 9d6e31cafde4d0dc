import { describe, expect, test } from 'vitest';
import { InvalidOptionError, type Problem } from '../errors.ts';
import { checkPolicy } from './check-policy.ts';
import { DEFAULTS, type JobOptions, mergeJobOptions, resolveJobOptions } from './options.ts';
import { KEEP_FOR_EVER_MS, optionsOf } from './options-of.ts';
import { Problems } from './problems.ts';
import type { Backoff, JobRecord } from './record.ts';

const resolve = (options: JobOptions): ReturnType<typeof resolveJobOptions> =>
  resolveJobOptions('the job', options);

/** As a caller without types would pass them. */
function problemsOf(options: unknown): readonly Problem[] {
  try {
    resolve(options as JobOptions);
    return [];
  } catch (error) {
    if (error instanceof InvalidOptionError) return error.problems;
    throw error;
  }
}

const backoffOf = (backoff: JobOptions['backoff']): Backoff | null =>
  resolve(backoff === undefined ? {} : { backoff }).policy.backoff;

describe('defaults', () => {
  test('a job without options runs once, at once, and its queue decides how long it is kept', () => {
    expect(resolveJobOptions('the job', undefined)).toBe(DEFAULTS);
    expect(resolve({})).toEqual(DEFAULTS);
    expect(DEFAULTS.policy).toMatchObject({ attempts: 1, backoff: null, keepCompletedMs: null });
  });

  test('they cannot be changed', () => {
    expect(Object.isFrozen(DEFAULTS)).toBe(true);
    expect(Object.isFrozen(DEFAULTS.policy)).toBe(true);
    expect(Object.isFrozen(DEFAULTS.headers)).toBe(true);
  });

  test("a queue's defaults hold where the job says nothing, and headers are joined", () => {
    const defaults = mergeJobOptions({ attempts: 5, delay: '1m', headers: { a: 1, b: 1 } }, DEFAULTS);
    const { policy, delayMs, headers } = resolveJobOptions(
      'the job',
      { attempts: 2, headers: { b: 2, c: 3 } },
      defaults,
    );

    expect({ attempts: policy.attempts, delayMs }).toEqual({ attempts: 2, delayMs: 60_000 });
    expect(headers).toEqual({ a: 1, b: 2, c: 3 });
  });
});

describe('durations', () => {
  test('are milliseconds or text with a unit', () => {
    const { delayMs, policy } = resolve({ delay: '1h30m', timeout: 5_000, ttl: '2d', retryFor: '90s' });

    expect(delayMs).toBe(5_400_000);
    expect(policy).toMatchObject({ timeoutMs: 5_000, ttlMs: 172_800_000, retryForMs: 90_000 });
  });

  test('beyond a year of delay are refused', () => {
    expect(problemsOf({ delay: '366d' })).toEqual([]);
    expect(problemsOf({ delay: '367d' })[0]?.path).toBe('options.delay');
  });
});

describe('backoff', () => {
  test('a number is a fixed wait', () => {
    expect(backoffOf(2_000)).toEqual({ type: 'fixed', delayMs: 2_000, jitter: 0 });
  });

  test('exponential doubles, with jitter on and a cap of an hour', () => {
    expect(backoffOf({ type: 'exponential', delay: 2_000 })).toEqual({
      ...{ type: 'exponential', delayMs: 2_000, factor: 2, maxMs: 3_600_000, jitter: 0.5 },
    });
  });

  test('the cap is never below the first wait unless it was asked for, which is refused', () => {
    expect(backoffOf({ type: 'exponential', delay: '2h' })).toMatchObject({ maxMs: 7_200_000 });
    expect(problemsOf({ backoff: { type: 'exponential', delay: '2h', max: '1h' } })[0]?.path).toBe(
      'options.backoff.max',
    );
  });

  test('any other name is a strategy of the worker, but one that is nearly a type is a slip', () => {
    expect(backoffOf({ type: 'office-hours', delay: 10 })).toEqual({
      ...{ type: 'custom', name: 'office-hours', delayMs: 10 },
    });
    expect(problemsOf({ backoff: { type: 'exponental', delay: 1 } })[0]?.message).toContain(
      'Did you mean "exponential"?',
    );
  });

  test('what has no meaning with a type is refused instead of ignored', () => {
    expect(problemsOf({ backoff: { type: 'fixed', delay: 1, factor: 3 } })[0]?.path).toBe(
      'options.backoff.factor',
    );
    expect(problemsOf({ backoff: { delay: 1 } })[0]?.path).toBe('options.backoff.type');
    expect(problemsOf({ backoff: 'exponential' })[0]?.path).toBe('options.backoff');
  });
});

describe('retention', () => {
  test.each([
    [true, 0],
    [false, KEEP_FOR_EVER_MS],
    [{ age: 3_600 }, 3_600_000],
    [{ age: '7d' as const }, 604_800_000],
  ])('removeOnComplete: %j keeps the job for %d ms', (removeOnComplete, keepMs) => {
    expect(resolve({ removeOnComplete }).policy.keepCompletedMs).toBe(keepMs);
  });

  test.each([100, { count: 100 }, { age: 5, count: 100 }])(
    'a count (%j) is refused with the advice to set it on the queue',
    (removeOnFail) => {
      expect(problemsOf({ removeOnFail })[0]).toMatchObject({ path: 'options.removeOnFail' });
      expect(problemsOf({ removeOnFail })[0]?.message).toContain('retention');
    },
  );

  test.each(['7d', {}, { age: -1 }, { age: '1y' }, { age: 1, limit: 5 }, null])('%j is refused', (keep) => {
    expect(problemsOf({ removeOnComplete: keep })).toHaveLength(1);
  });
});

test('all problems of the options are told at once, with what may have been meant', () => {
  const problems = problemsOf({
    attemps: 3,
    priority: -1,
    lifo: 1,
    jobId: '',
    deadLetterQueue: 'no queue',
    headers: { a: {} },
    delay: 'tomorrow',
  });

  expect(problems.map(({ path }) => path)).toEqual([
    'options.attemps',
    'options.priority',
    'options.lifo',
    'options.jobId',
    'options.deadLetterQueue',
    'options.headers.a',
    'options.delay',
  ]);
  expect(problems[0]?.message).toContain('Did you mean "attempts"?');
});

test.each(['a:b', '123', 'x'.repeat(256), 'Ünï'])('an own id may be %s', (jobId) => {
  expect(resolve({ jobId }).jobId).toBe(jobId);
});

test.each([7, '', 'x'.repeat(257), 'é'.repeat(129), 'a\nb', 'a\ud800'])(
  'an own id may not be %j',
  (jobId) => {
    expect(problemsOf({ jobId })[0]?.path).toBe('options.jobId');
  },
);

test('whatever is accepted here is accepted by the stores', () => {
  const everything: JobOptions = {
    ...{ delay: '366d', priority: 2_097_151, attempts: 1_000_000, timeout: 1, ttl: '100d', retryFor: 0 },
    backoff: { type: 'exponential', delay: 1, factor: 1_000, max: '366d', jitter: 1 },
    ...{ deadLetterQueue: 'dead', removeOnComplete: false, removeOnFail: { age: 1.5 } },
  };
  const problems = new Problems();
  checkPolicy(problems, 'policy', resolve(everything).policy);

  expect(() => problems.throwIfAny('the policy')).not.toThrow();
});

test('options read back from a record resolve to the same policy', () => {
  const given: JobOptions = {
    ...{ jobId: 'j', attempts: 4, priority: 3, timeout: '5s', ttl: '1h', retryFor: '1d', lifo: true },
    ...{ deadLetterQueue: 'dead', removeOnComplete: true, removeOnFail: false, headers: { a: 1 } },
    backoff: { type: 'exponential', delay: '2s', factor: 3, max: '1h', jitter: 0.1 },
  };
  const resolved = resolve(given);
  const record = { ...resolved, id: 'j', rank: -1, dueAt: null, addedAt: 0 } as unknown as JobRecord;

  expect(resolve(optionsOf(record))).toEqual(resolved);
});

test('retries wait also when nobody said how long, and are at once only for who asks', () => {
  const backoffOf = (options: JobOptions): Backoff | null => resolve(options).policy.backoff;

  expect(backoffOf({})).toBeNull();
  expect(backoffOf({ attempts: 3 })).toMatchObject({ type: 'exponential', delayMs: 1_000, jitter: 0.5 });
  expect(backoffOf({ attempts: 3, backoff: 0 })).toMatchObject({ type: 'fixed', delayMs: 0 });
});
