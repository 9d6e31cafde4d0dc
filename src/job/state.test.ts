import { expect, test } from 'vitest';
import { JOB_STATES } from './record.ts';
import { canMove, FINISHED_STATES, isFinished, isJobState, isOpen, MOVES, OPEN_STATES } from './state.ts';

test('every state is either open or finished', () => {
  expect([...OPEN_STATES, ...FINISHED_STATES].sort()).toEqual([...JOB_STATES].sort());
  for (const state of JOB_STATES) expect(isOpen(state)).toBe(!isFinished(state));
});

test('a job that has ended goes nowhere but back to waiting, by a redrive', () => {
  for (const state of FINISHED_STATES) expect(MOVES[state]).toEqual(['waiting']);
});

test('every state can be reached from waiting, except by edges, and leads back to it', () => {
  const reached = new Set(['waiting']);
  for (let size = 0; size < reached.size; ) {
    size = reached.size;
    for (const state of JOB_STATES)
      if (reached.has(state)) for (const next of MOVES[state]) reached.add(next);
  }

  expect(JOB_STATES.filter((state) => !reached.has(state))).toEqual(['blocked']);
  for (const state of JOB_STATES.filter((name) => name !== 'active'))
    expect(MOVES[state]).toContain('waiting');
});

test('only a claim makes a job active, so only a waiting job becomes active', () => {
  expect(JOB_STATES.filter((state) => canMove(state, 'active'))).toEqual(['waiting']);
});

test('only an attempt can fail a job', () => {
  expect(JOB_STATES.filter((state) => canMove(state, 'failed'))).toEqual(['active']);
});

test('every open state can be cancelled', () => {
  expect(JOB_STATES.filter((state) => canMove(state, 'cancelled'))).toEqual(OPEN_STATES);
});

test('names of other systems are no states', () => {
  expect(['waiting', 'wait', 'prioritized', 'toString', 7].map(isJobState)).toEqual([
    true,
    false,
    false,
    false,
    false,
  ]);
});
