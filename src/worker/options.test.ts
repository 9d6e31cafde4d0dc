import { expect, test } from 'vitest';
import { InvalidOptionError } from '../errors.ts';
import { resolveWorkerOptions, type WorkerOptions } from './options.ts';

const processor = async (): Promise<void> => undefined;
const resolve = (options: WorkerOptions) => resolveWorkerOptions('mail', processor, options);

function problemsOf(go: () => unknown): string[] {
  try {
    go();
  } catch (error) {
    if (error instanceof InvalidOptionError)
      return error.problems.map(({ path, message }) => `${path}: ${message}`);
    throw error;
  }
  return [];
}

test('without options a worker has the documented defaults', () => {
  expect(resolve({})).toMatchObject({
    ...{ concurrency: 1, limiter: null, leaseMs: 30_000, closeTimeoutMs: 30_000, autorun: true, label: null },
    ...{ strategies: { named: {}, general: null }, maxPayloadBytes: 1_048_576, mode: 'lenient' },
  });
});

test('durations may be text, and lockDuration is another name of leaseMs', () => {
  const options = {
    lockDuration: '10s',
    closeTimeout: '1m30s',
    limiter: { max: 5, duration: '1h' },
  } as const;

  expect(resolve(options)).toMatchObject({
    leaseMs: 10_000,
    closeTimeoutMs: 90_000,
    limiter: { max: 5, durationMs: 3_600_000 },
  });
});

test('all problems are told at once, with what was probably meant', () => {
  const wrong = {
    ...{ concurency: 5, concurrency: 0, limiter: { max: 1 }, leaseMs: 5, lockDuration: 5_000, mode: 'lax' },
    ...{
      backoffStrategies: { tides: 5 },
      settings: { backofStrategy: processor },
      schemas: { a: { data: 1 } },
    },
  };

  const problems = problemsOf(() => resolveWorkerOptions('no spaces please', null, wrong as never));

  for (const expected of [
    'name: must be a queue name',
    'processor: must be a function',
    'options.concurency: is not an option. Did you mean "concurrency"?',
    'options.concurrency: must be a whole number from 1 to 10000',
    'options.limiter.duration: is missing',
    'options.leaseMs: must be a whole number from 100',
    'options.lockDuration: is another name of leaseMs',
    'options.mode: must be one of strict, lenient',
    'options.backoffStrategies.tides: must be a function',
    'options.settings.backofStrategy: is not an option. Did you mean "backoffStrategy"?',
    'options.schemas.a.data: must be a Standard Schema',
  ]) {
    expect(problems).toContainEqual(expect.stringContaining(expected));
  }
  expect(problems).toHaveLength(11);
});

test.each([null, 5, 'fast', []])('options that are %s are refused', (options) => {
  expect(problemsOf(() => resolve(options as never))).toEqual([
    expect.stringContaining('options: must be an object'),
  ]);
});
