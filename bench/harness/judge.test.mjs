/** The bench's own arithmetic: `node --test bench/harness/judge.test.mjs`. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rowsOf } from './judge.mjs';
import { median, percentile } from './statistics.mjs';
import { tableOf } from './table.mjs';

const TITLES = { millrace: 'Millrace', bullmq: 'BullMQ' };

const question = {
  peers: ['millrace', 'bullmq'],
  rows: ({ jobs }) => [
    { key: 'rate', title: `${jobs} jobs`, unit: 'jobs/s', goals: [{ beside: 'bullmq', atLeast: 4 }] },
    { key: 'ms', title: 'wait', unit: 'ms', goals: [{ atMost: 5 }, { beside: 'bullmq' }] },
  ],
};

const answersOf = (millrace, bullmq) => ({ size: { jobs: 10 }, series: { millrace, bullmq } });
const outcomes = (answers) => tableOf(rowsOf(question, answers), TITLES).map((cells) => cells.at(-1));

test('the median of an even series lies between its middle values', () => {
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(median([9, 1, 5]), 5);
});

test('a percentile is a value of the series that the share of all does not exceed', () => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index);
  assert.equal(percentile(values, 0.5), 50);
  assert.equal(percentile(values, 0.99), 99);
  assert.equal(percentile([7], 0.99), 7);
});

test('a goal beside a peer is judged by the ratio of the medians', () => {
  const ours = [900, 100, 800].map((rate) => ({ rate, ms: 4 }));
  const theirs = [200, 200, 1000].map((rate) => ({ rate, ms: 2 }));
  assert.deepEqual(outcomes(answersOf(ours, theirs)), ['Outcome', '4.00 ×, reached', 'reached; 2.00 ×']);
  assert.deepEqual(outcomes(answersOf([{ rate: 799, ms: 6 }], [{ rate: 200, ms: 2 }])), [
    'Outcome',
    '4.00 ×, MISSED',
    'MISSED; 3.00 ×',
  ]);
});

test('what was not measured is said, and is no goal reached', () => {
  const [row] = rowsOf(question, answersOf([{ rate: 1, ms: 1 }], []));
  assert.deepEqual([row.figures.bullmq, row.goals[0].reached], [null, null]);
  assert.deepEqual(outcomes(answersOf([{ rate: 1, ms: 1 }], [])), [
    'Outcome',
    'not measured',
    'reached; not measured',
  ]);
});
