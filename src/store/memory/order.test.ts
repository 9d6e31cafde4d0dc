import fc from 'fast-check';
import { expect, test } from 'vitest';
import { order } from './order.ts';

test('members stand in order after any sequence of additions and removals', () => {
  const additions = fc.array(fc.record({ rank: fc.integer({ min: 0, max: 20 }), isLeaving: fc.boolean() }));
  fc.assert(
    fc.property(additions, (given) => {
      const members = given.map((member, seq) => ({ ...member, seq }));
      const sorted = order<(typeof members)[number]>((a, b) => a.rank - b.rank || a.seq - b.seq);
      for (const member of members) sorted.add(member);
      for (const member of members.filter(({ isLeaving }) => isLeaving)) sorted.remove(member);

      const expected = members
        .filter(({ isLeaving }) => !isLeaving)
        .toSorted((a, b) => a.rank - b.rank || a.seq - b.seq);
      expect(sorted.members).toEqual(expected);
    }),
  );
});

test('removing what is not a member removes nothing', () => {
  const numbers = order<number>((a, b) => a - b);
  numbers.add(1);
  numbers.add(3);

  numbers.remove(2);

  expect(numbers.members).toEqual([1, 3]);
});
