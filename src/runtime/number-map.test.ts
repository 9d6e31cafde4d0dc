import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NumberMap } from './number-map.ts';

/** Close together, so that they get into each other's way, and from the far end of what a number can be. */
const KEY = fc.oneof(
  fc.integer({ min: 0, max: 40 }),
  fc.integer({ min: 0, max: 8 }).map((at) => at * 16),
  fc.integer({ min: Number.MAX_SAFE_INTEGER - 8, max: Number.MAX_SAFE_INTEGER }),
);
const STEP = fc.oneof(
  fc.record({ how: fc.constant('set' as const), key: KEY, value: fc.nat() }),
  fc.record({ how: fc.constant('delete' as const), key: KEY, value: fc.constant(0) }),
);

test('answers what a Map would, whatever comes and goes', () => {
  fc.assert(
    fc.property(fc.array(STEP, { maxLength: 200 }), (steps) => {
      const map = new Map<number, number>();
      const numbers = new NumberMap<number>();
      for (const { how, key, value } of steps) {
        if (how === 'delete') expect(numbers.delete(key)).toBe(map.delete(key));
        else {
          map.set(key, value);
          numbers.set(key, value);
        }
        expect([numbers.size, numbers.has(key), numbers.get(key)]).toEqual([
          map.size,
          map.has(key),
          map.get(key),
        ]);
      }
      const inOrder = [...map].sort(([a], [b]) => a - b).map(([, value]) => value);
      expect(numbers.values()).toEqual(inOrder);
    }),
    { numRuns: 300 },
  );
});

test('is empty when it was cleared, and can be filled again', () => {
  const numbers = new NumberMap<string>();
  for (let key = 0; key < 100; key++) numbers.set(key, `${key}`);

  numbers.clear();

  expect([numbers.size, numbers.get(7), numbers.values()]).toEqual([0, undefined, []]);
  numbers.set(7, 'again');
  expect(numbers.values()).toEqual(['again']);
});
