import { expect, test } from 'vitest';
import { deadlineOf, isPastDue, leaseEnd } from './lease.ts';

test('a lease never outlives the deadline of its job', () => {
  expect(deadlineOf(1_000, 100)).toBe(6_100);
  expect(leaseEnd(30_000, deadlineOf(1_000, 100), 100)).toBe(6_100);
  expect(leaseEnd(500, deadlineOf(1_000, 100), 100)).toBe(600);
  expect(leaseEnd(500, deadlineOf(null, 100), 100)).toBe(600);
});

test('a lease is past due at the very instant at which its time is over', () => {
  const timed = { expiresAt: 100, deadlineAt: null };
  expect(isPastDue(timed, null, 99)).toBe(false);
  expect(isPastDue(timed, 1_000, 100)).toBe(true);
});

test('a lease bound to a session lives as long as the session, and no longer than its deadline', () => {
  const bound = { expiresAt: null, deadlineAt: 500 };
  expect(isPastDue(bound, 200, 199)).toBe(false);
  expect(isPastDue(bound, 200, 200)).toBe(true);
  expect(isPastDue(bound, null, 0)).toBe(true);
  expect(isPastDue(bound, 1_000, 500)).toBe(true);
});
