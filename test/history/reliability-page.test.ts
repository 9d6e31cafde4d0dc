import { expect, it } from 'vitest';

const page: string = '../../scripts/reliability-page.mjs';
const { renderPage, quantile } = (await import(page)) as {
  renderPage(proofs: readonly object[], about: readonly string[]): string;
  quantile(values: readonly number[], part: number): number;
};

const checked = {
  ...{ histories: 2, operations: 1_234, acknowledged: 50, runs: 60, violations: 0, lost: 0 },
  ...{ lateAttempted: 7, lateRefused: 7, duplicatesExplained: { kill: 3 }, duplicatesUnexplained: 0 },
  ...{ recoveryMs: [900, 1_000, 2_000], judged: { S1: 50 }, promises: { S1: 'nothing is lost' } },
};
const proof = {
  ...{ name: 'one', section: 'faults', title: 'workers killed', command: 'npm test', seeds: [7] },
  ...{
    faults: { kill: 9 },
    figures: { 'longest, ms': 12 },
    checked,
    at: '2026-01-01T00:00:00Z',
    node: '20.0.0',
  },
};

it('sets out what the proofs say, and no number of its own', () => {
  const text = renderPage([proof], ['a machine']);
  for (const row of ['| kill | 9 |', '| S1 | nothing is lost | 50 |', '| late writes refused | 7 |']) {
    expect(text).toContain(row);
  }
  expect(text).toContain('| workers killed | 3 | 1,000 | 2,000 | 2,000 |');
  expect(text).toContain('| longest, ms | 12 |');
  expect(text).toContain('- a machine');
  expect(renderPage([], [])).not.toMatch(/\| *\d/);
});

it('shows a loss, and a planted bug that was not found, as what they are', () => {
  const planted = [{ bug: 'no fence', seed: null, check: 'S7' }];
  const text = renderPage([{ ...proof, planted, checked: { ...checked, lost: 2, violations: 2 } }], []);
  expect(text).toContain('| **acknowledged jobs lost** | 2 |');
  expect(text).toContain('| no fence | S7 | **not found** |');
});

it('takes quantiles of unsorted values', () => {
  expect([0.5, 0.99, 1].map((part) => quantile([3, 1, 2], part))).toEqual([2, 3, 3]);
});
