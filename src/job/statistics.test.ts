import { expect, test } from 'vitest';
import { addSums } from './statistics.ts';

test('two minutes add up to one hour, number by number and bucket by bucket', () => {
  const one = { added: 1, completed: 2, failed: 3, retried: 4, wait: [1, 0, 2], run: [0, 5, 0] };
  const other = { added: 10, completed: 20, failed: 30, retried: 40, wait: [1, 1, 1], run: [2, 0, 0] };

  expect(addSums(one, other)).toEqual({
    ...{ added: 11, completed: 22, failed: 33, retried: 44 },
    wait: [2, 1, 3],
    run: [2, 5, 0],
  });
});
