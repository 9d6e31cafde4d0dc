import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvalidOptionError, type Problem } from '../errors.ts';
import type { JobFilter } from './filter.ts';
import { END_CAUSES, JOB_STATES } from './record.ts';
import { formatSearch, parseSearch } from './search.ts';

function problemsOf(text: string): readonly Problem[] {
  try {
    parseSearch(text);
    return [];
  } catch (error) {
    if (error instanceof InvalidOptionError) return error.problems;
    throw error;
  }
}

test('every condition of the grammar is read', () => {
  const text =
    'state:failed queue:emails name:welcome data.user.id:42 error:"ECONNRESET" since:2h attempts:>2 ' +
    'priority:<5 cause:attempts-spent id:order-7 fingerprint:ab12 older:1d';

  expect(parseSearch(text)).toEqual({
    ...{ states: ['failed'], queues: ['emails'], names: ['welcome'], ids: ['order-7'] },
    ...{ fingerprints: ['ab12'], causes: ['attempts-spent'], errorText: 'ECONNRESET' },
    ...{ withinMs: 7_200_000, olderThanMs: 86_400_000 },
    ...{ attempts: { is: '>', value: 2 }, priority: { is: '<', value: 5 } },
    data: [{ path: ['user', 'id'], value: '42' }],
  });
});

test('values joined by commas and keys that stand again are alternatives', () => {
  expect(parseSearch('state:failed,active name:a state:completed name:"b,c"')).toEqual({
    states: ['failed', 'active', 'completed'],
    names: ['a', 'b,c'],
  });
});

test('quotes hold white space, commas and, escaped, quotes and backslashes', () => {
  expect(parseSearch(String.raw`error:"say \"no\", \\ or" data."first name"."a.b":" x "`)).toEqual({
    errorText: String.raw`say "no", \ or`,
    data: [{ path: ['first name', 'a.b'], value: ' x ' }],
  });
});

test('values may hold colons and dots without quotes', () => {
  expect(parseSearch('id:order:7 error:10.0.0.1:5432')).toEqual({
    ids: ['order:7'],
    errorText: '10.0.0.1:5432',
  });
});

test('nothing to say means every job', () => {
  expect(parseSearch('')).toEqual({});
  expect(parseSearch(' \n ')).toEqual({});
});

test.each([
  ['3', '=', 3],
  ['=3', '=', 3],
  ['>=3', '>=', 3],
  ['<=0', '<=', 0],
])('attempts:%s compares', (text, is, value) => {
  expect(parseSearch(`attempts:${text}`).attempts).toEqual({ is, value });
});

describe('problems', () => {
  test('all of them are told, each with the condition it is in', () => {
    const problems = problemsOf('stat:failed state:faild cause:spent since:yesterday attempts:many welcome');

    expect(problems.map(({ path }) => path)).toEqual([
      'stat:failed',
      'state:faild',
      'cause:spent',
      'since:yesterday',
      'attempts:many',
      'welcome',
    ]);
  });

  test('a misspelt condition or state is answered with what may have been meant', () => {
    expect(problemsOf('stat:failed')[0]?.message).toContain('Did you mean "state:"?');
    expect(problemsOf('state:faild')[0]?.message).toContain('Did you mean "failed"?');
  });

  test.each([
    ['a word alone', 'welcome'],
    ['a missing value', 'name:'],
    ['a missing alternative', 'name:a,,b'],
    ['a quote that is not closed', 'error:"time'],
    ['text behind a quote', 'error:"a"b'],
    ['data without a path', 'data:42'],
    ['two values where one has a meaning', 'error:a,b'],
    ['the same age twice', 'since:1h since:2h'],
    ['a path where there is none', 'state.x:failed'],
    ['a key of every object', 'constructor:1'],
    ['a number beyond what is exact', 'attempts:9999999999999999999'],
  ])('%s is refused', (_, text) => {
    expect(problemsOf(text)).toHaveLength(1);
  });

  test('a slip does not spoil the conditions behind it', () => {
    expect(problemsOf('error:"a"b state:faild').map(({ path }) => path)).toEqual([
      'error:"a"b',
      'state:faild',
    ]);
  });
});

const text = fc.oneof(fc.string({ minLength: 1 }), fc.constantFrom('a b', '"', '\\', 'a:b', 'a.b', ',', ' '));
const comparison = fc.record({
  is: fc.constantFrom('=' as const, '<' as const, '<=' as const, '>' as const, '>=' as const),
  value: fc.nat(),
});
const filters: fc.Arbitrary<JobFilter> = fc.record(
  {
    states: fc.uniqueArray(fc.constantFrom(...JOB_STATES), { minLength: 1 }),
    ...{ queues: fc.array(text, { minLength: 1 }), names: fc.array(text, { minLength: 1 }) },
    ...{ ids: fc.array(text, { minLength: 1 }), fingerprints: fc.array(text, { minLength: 1 }) },
    causes: fc.uniqueArray(fc.constantFrom(...END_CAUSES), { minLength: 1 }),
    ...{ errorText: text, withinMs: fc.nat(), olderThanMs: fc.nat() },
    ...{ attempts: comparison, priority: comparison },
    data: fc.array(fc.record({ path: fc.array(text, { minLength: 1 }), value: text }), { minLength: 1 }),
  },
  { requiredKeys: [] },
);

test('a filter written as text reads back as the same filter, whatever characters are in it', async () => {
  await fc.assert(
    fc.property(filters, (filter) => {
      expect(parseSearch(formatSearch(filter))).toEqual(filter);
    }),
    { numRuns: 500 },
  );
});

test('any text is either a filter or refused with problems, and never fails otherwise', async () => {
  const words = fc.constantFrom('state:', 'data.', '"', '\\', ',', ':', ' ', 'failed', '>', 'a');
  await fc.assert(
    fc.property(
      fc.array(fc.oneof(words, fc.string())).map((parts) => parts.join('')),
      (search) => {
        const problems = problemsOf(search);
        if (problems.length === 0)
          expect(parseSearch(formatSearch(parseSearch(search)))).toEqual(parseSearch(search));
      },
    ),
    { numRuns: 500 },
  );
});
