import { expect, test } from 'vitest';
import type { Clock } from './clock.ts';
import { uuid7 } from './ids.ts';
import { seededRandom, systemRandom } from './random.ts';

function clockAt(times: readonly number[]): Clock {
  let index = 0;
  const now = (): number => times[Math.min(index++, times.length - 1)] ?? 0;
  return { now, monotonic: now, after: () => ({ cancel: () => {} }) };
}

test('an id is a UUID of version 7 that begins with the time', () => {
  const id = uuid7(clockAt([0x0199_1234_5678]), seededRandom(1))();

  expect(id).toMatch(/^01991234-5678-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('ids of one process sort in the order in which they were made, also within a millisecond and when the clock goes back', () => {
  const makeId = uuid7(clockAt([5_000, 5_000, 5_000, 4_000, 4_000, 6_000]), systemRandom);
  const ids = Array.from({ length: 10_000 }, () => makeId());

  expect(ids).toEqual([...ids].sort());
});

test('no id comes twice', () => {
  const makeId = uuid7(clockAt([1]), systemRandom);

  expect(new Set(Array.from({ length: 20_000 }, makeId)).size).toBe(20_000);
});

test('random bytes differ from call to call, small and large', () => {
  const seen = new Set(
    Array.from({ length: 2_000 }, () => Buffer.from(systemRandom.bytes(8)).toString('hex')),
  );

  expect(seen.size).toBe(2_000);
  expect(systemRandom.bytes(10_000)).toHaveLength(10_000);
});
