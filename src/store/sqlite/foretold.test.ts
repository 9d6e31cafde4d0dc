import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newJob } from '../../testing/conformance/support.ts';
import type { ClaimRequest, Hint, NewJob } from '../store.ts';
import { Engine } from './engine.ts';
import { queuesFed } from './foretold.ts';
import type { Call } from './verbs.ts';

const READY: Hint = { queue: 'orders', news: 'ready' };
const TAKEN: Hint = { queue: 'orders', news: 'taken' };

const addCall = (id: string, over: Partial<NewJob> = {}): Call => {
  const args = [[{ op: 'add', jobs: [newJob({ id, ...over })] }]];
  return { id: 1, verb: 'apply', args, now: null, foretold: true };
};
const claimCall = (over: Partial<ClaimRequest> = {}): Call => {
  const request = { claimId: 'c', queue: 'orders', limit: 5, worker: 'w', leaseMs: 1_000, ...over };
  return { id: 2, verb: 'claim', args: [[request]], now: null };
};

describe('jobs whose coming was told', () => {
  let directory: string;
  let engine: Engine;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'millrace-'));
    engine = new Engine({ path: join(directory, 'x.db'), patienceMs: 20 });
  });
  afterEach(() => {
    engine.close();
    rmSync(directory, { recursive: true });
  });
  const hintsOf = (...calls: readonly Call[]): readonly Hint[] => engine.run(calls).hints;

  it('are told of again when they are there', () => {
    expect(hintsOf(addCall('a'))).toEqual([READY]);
  });

  it('are told to be taken when a claim behind them found the end of the queue', () => {
    expect(hintsOf(addCall('a'), claimCall())).toEqual([TAKEN]);
  });

  it.each<[string, Call, Call]>([
    ['a claim has left some', addCall('a'), claimCall({ limit: 1 })],
    ['a claim was of another queue', addCall('a'), claimCall({ queue: 'others' })],
    ['the session of the claim was over', addCall('a'), claimCall({ leaseMs: null })],
    ['nobody was told before', { ...addCall('a'), foretold: false }, claimCall()],
    ['they wait for a time', addCall('a', { delayMs: 50 }), claimCall()],
  ])('are told of again when %s', (_why, add, claim) => {
    expect(hintsOf(add, claim)).toEqual([READY]);
  });

  it('are told of again when the claim came first', () => {
    expect(hintsOf(claimCall(), addCall('a'))).toEqual([READY]);
  });

  it('are those that can run at once', () => {
    const [delayed, elsewhere] = [newJob({ id: 'a', delayMs: 5 }), newJob({ id: 'b', queue: 'others' })];
    const cancel = { op: 'cancel', job: { queue: 'orders', id: 'a' } };

    expect([...queuesFed('apply', [[{ op: 'add', jobs: [delayed, elsewhere] }, cancel]])]).toEqual([
      'others',
    ]);
    expect([...queuesFed('claim', [[]])]).toEqual([]);
  });
});
