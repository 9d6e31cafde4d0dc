import { expect, test } from 'vitest';
import { FaultState } from './fault-state.ts';

test('an outage is news once, another error is news, and so is the next outage', () => {
  const state = new FaultState();

  expect([state.fail(new Error('down')), state.fail(new Error('down'))]).toEqual([true, false]);
  expect(state.fail(new TypeError('down'))).toBe(true);

  state.ok();
  expect(state.fail(new TypeError('down'))).toBe(true);
});

test('several parts that run into one outage make one piece of news', () => {
  const state = new FaultState();

  expect(state.fail(new Error('down'), 'claim')).toBe(true);
  expect(state.fail(new Error('down'), 'renew')).toBe(false);
  state.ok('claim');
  expect(state.fail(new Error('down'), 'claim')).toBe(false);

  expect(state.ok('claim')).toBe(false);
  expect(state.isClear).toBe(false);
  expect(state.ok('renew')).toBe(true);
  expect(state.ok('renew')).toBe(false);
  expect(state.isClear).toBe(true);
  expect(state.fail(new Error('down'), 'claim')).toBe(true);
});
