import { expect, test } from 'vitest';
import { InvalidOptionError } from '../errors.ts';
import { discard, isControl, release, retryIn } from './control.ts';

test('the three are told from results, also from results that look alike', () => {
  expect([retryIn(5), discard(), release()].map(isControl)).toEqual([true, true, true]);
  for (const value of [undefined, null, 0, 'retry', [], {}, { to: 'retry', afterMs: 5 }]) {
    expect(isControl(value)).toBe(false);
  }
});

test('a control value made by another copy of the package is known', () => {
  expect(isControl({ [Symbol.for('millrace.control')]: true, to: 'released', afterMs: 0, why: 'x' })).toBe(
    true,
  );
});

test('fractions of a millisecond are rounded up, so that nothing runs early', () => {
  expect(retryIn(1.2)).toMatchObject({ to: 'retry', afterMs: 2 });
  expect(release({ afterMs: 0.5, why: 'busy' })).toMatchObject({ to: 'released', afterMs: 1, why: 'busy' });
});

test('the reason of a retry is an error that points at the caller', () => {
  const given = new Error('mail server is down');
  expect(retryIn(5, given)).toMatchObject({ error: given });

  const made = retryIn(5, 'too early');
  expect(made).toMatchObject({ error: { name: 'RetryRequestedError', message: 'too early' } });
  const frame = made.to === 'retry' ? made.error.stack?.split('\n')[1] : '';
  expect(frame).toContain('control.test.ts');
});

test.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 367 * 86_400_000, '5' as never])(
  'a delay of %s is refused with the name of the argument',
  (ms) => {
    expect(() => retryIn(ms)).toThrow(InvalidOptionError);
    expect(() => release({ afterMs: ms })).toThrow(/afterMs/);
  },
);

test('a reason that no store could keep is made so that it can', () => {
  expect(discard(`no\0${'x'.repeat(2_000)}`)).toMatchObject({
    to: 'discarded',
    reason: expect.stringMatching(/^no\uFFFDx+…$/),
  });
});
