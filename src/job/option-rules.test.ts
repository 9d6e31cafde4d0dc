import { expect, test } from 'vitest';
import { InvalidOptionError, type Problem } from '../errors.ts';
import {
  between,
  checkOptions,
  choice,
  duration,
  flag,
  key,
  methods,
  orNull,
  queueName,
  type Rules,
  shape,
  whole,
} from './option-rules.ts';

const RULES: Rules = {
  attempts: whole({ min: 1, max: 9 }),
  share: between({ min: 0, max: 1 }),
  delay: duration({ min: 0, max: 60_000 }),
  lifo: flag,
  mode: choice(['strict', 'lenient']),
  id: key,
  target: orNull(queueName),
  store: methods('apply'),
  limiter: shape({ max: whole({ min: 1, max: 10 }) }),
};

function problemsOf(options: unknown): readonly Problem[] {
  try {
    checkOptions('the thing', options, RULES);
    return [];
  } catch (error) {
    if (error instanceof InvalidOptionError) return error.problems;
    throw error;
  }
}

test('options that keep to the rules pass, and undefined counts as left out', () => {
  const options = {
    attempts: 3,
    share: 0.5,
    delay: '30s',
    lifo: true,
    mode: 'strict',
    id: 'a b',
    target: null,
    store: { apply() {} },
    limiter: { max: 2 },
    unsaid: undefined,
  };
  const { unsaid, ...known } = options;

  expect(problemsOf(known)).toEqual([]);
  expect(problemsOf({ attempts: undefined })).toEqual([]);
  expect(unsaid).toBeUndefined();
});

test('all problems are told at once, each with its path', () => {
  const problems = problemsOf({
    attempts: 0,
    share: 2,
    delay: 'soon',
    lifo: 'yes',
    mode: 'strickt',
    id: '',
    target: 'no queue',
    store: {},
    limiter: { max: 0, duration: 1 },
    attemps: 3,
  });

  expect(problems.map(({ path }) => path)).toEqual([
    'attempts',
    'share',
    'delay',
    'lifo',
    'mode',
    'id',
    'target',
    'store',
    'limiter.max',
    'limiter.duration',
    'attemps',
  ]);
});

test('a misspelt name is answered with what it may have been meant to be', () => {
  expect(problemsOf({ attemps: 3 })[0]?.message).toContain('Did you mean "attempts"?');
  expect(problemsOf({ mode: 'strickt' })[0]?.message).toContain('Did you mean "strict"?');
});

test('a name like nothing known is answered with all that are known', () => {
  expect(problemsOf({ concurrency: 3 })[0]?.message).toContain('attempts, share, delay');
});

test.each(['__proto__', 'constructor', 'toString'])('"%s" is an unknown option like any other', (name) => {
  const options: unknown = JSON.parse(`{"${name}": 1}`);

  expect(problemsOf(options).map(({ path }) => path)).toEqual([name]);
});

test.each([null, 7, 'x', []])('%s instead of options is refused', (options) => {
  expect(problemsOf(options)).toHaveLength(1);
});

test('a duration out of its range is refused with the range', () => {
  expect(problemsOf({ delay: '61s' })[0]?.message).toContain('from 0 to 60000 ms');
});
