import { expect, test } from 'vitest';
import { allowanceOf, operationFilter } from './operation.ts';

test('an operation means the states in which it can do something, unless its filter says which', () => {
  expect(operationFilter('redrive', { queues: ['q'] })).toEqual({ queues: ['q'], states: ['failed'] });
  expect(operationFilter('discard', {}).states).not.toContain('active');
  expect(operationFilter('redrive', { states: ['cancelled'] }).states).toEqual(['cancelled']);
});

test('a rate allows as many jobs as whole ones fit into the time since the start', () => {
  expect(allowanceOf(null, 0, 5)).toBe(Number.POSITIVE_INFINITY);
  expect(allowanceOf(2, 1_499, 0)).toBe(2);
  expect(allowanceOf(2, 1_500, 1)).toBe(2);
  expect(allowanceOf(2, 1_000, 9)).toBe(0);
  expect(allowanceOf(2, -1_000, 0)).toBe(0);
});
