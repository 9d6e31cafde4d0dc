import { describe, expect, it } from 'vitest';
import { attempt, good, job, queue, Story } from './story.ts';

describe('S8 and S9: an end is an end', () => {
  it('finds a job that completed twice', () => {
    const story = good()
      .claim('w2', [{ id: 'a', token: 2, claims: 2 }])
      .settle('w2', 'a', 2);
    expect(story.broken()).toEqual(['S8', 'S9']);
  });

  it('finds two completed attempts on record', () => {
    const twice = new Story().dump(job('a', { state: 'completed' }), attempt('a', 1), attempt('a', 2));
    expect(twice.broken()).toContain('S8');
  });

  it('finds a job that was claimed after it had failed, and lets a redriven one run', () => {
    const failed = (): Story =>
      new Story()
        .add('a')
        .claim('w1', [{ id: 'a', token: 1 }])
        .settle('w1', 'a', 1, { to: 'failed' });
    expect(
      failed()
        .claim('w1', [{ id: 'a', token: 2, claims: 2 }])
        .broken(),
    ).toContain('S9');
    const redriven = failed().effect('p', { op: 'redrive', queue: 'q', id: 'a', toQueue: null });
    expect(redriven.claim('w1', [{ id: 'a', token: 2, claims: 2, generation: 2 }]).broken()).toEqual([]);
  });
});

describe('S10: claims are counted', () => {
  it('finds a claim that was not counted', () => {
    const story = new Story()
      .add('a')
      .claim('w1', [{ id: 'a', token: 1 }])
      .settle('w1', 'a', 1, { to: 'retry' });
    expect(story.claim('w1', [{ id: 'a', token: 2, failures: 1 }]).broken()).toEqual(['S10', 'S6']);
  });

  it('finds a crash and a failure that were not counted', () => {
    const crashed = new Story()
      .add('a')
      .claim('w1', [{ id: 'a', token: 1 }])
      .fault({})
      .at(1_500)
      .reclaim('w2', 'a', 1);
    expect(crashed.claim('w2', [{ id: 'a', token: 2, claims: 2 }]).broken()).toEqual(['S10']);
    const retried = new Story()
      .add('a')
      .claim('w1', [{ id: 'a', token: 1 }])
      .settle('w1', 'a', 1, { to: 'retry' });
    expect(retried.claim('w1', [{ id: 'a', token: 2, claims: 2 }]).broken()).toEqual(['S10']);
  });

  it('finds a job that runs though its attempts are spent, or its crashes are too many', () => {
    const spent = { id: 'a', token: 1, failures: 3 };
    const crashed = { id: 'a', token: 1, crashes: 4 };
    expect(new Story().add('a').claim('w1', [spent]).broken()).toEqual(['S10']);
    expect(new Story().add('a').claim('w1', [crashed]).broken()).toEqual(['S10']);
  });

  it('lets a claim whose answer was lost leave a gap', () => {
    const gap = { id: 'a', token: 2, claims: 2 };
    expect(new Story().add('a').claim('w1', [gap]).broken()).toEqual(['S10']);
    const lost = new Story().add('a').call('w1', 'claim', [{ claimId: 'x', queue: 'q' }], undefined);
    expect(lost.claim('w1', [gap]).broken()).toEqual([]);
  });
});

describe('S11: nothing starts early', () => {
  it('finds a delayed job that was claimed early, by the clock of the store or by that of the world', () => {
    const delayed = (atMs: number, grant: Record<string, unknown> = {}): string[] =>
      new Story()
        .add('a', { delayMs: 500 })
        .at(atMs)
        .claim('w1', [{ id: 'a', token: 1, ...grant }])
        .broken();
    expect(delayed(501)).toEqual([]);
    expect(delayed(400)).toEqual(['S11']);
    expect(delayed(400, { claimedAt: 1_700_000_000_600 })).toEqual(['S11']);
  });

  it('finds a retry that did not wait for its backoff', () => {
    const retried = (atMs: number): string[] =>
      new Story()
        .add('a')
        .claim('w1', [{ id: 'a', token: 1 }])
        .settle('w1', 'a', 1, { to: 'retry', afterMs: 500 })
        .at(atMs)
        .claim('w1', [{ id: 'a', token: 2, claims: 2, failures: 1 }])
        .broken();
    expect(retried(600)).toEqual([]);
    expect(retried(300)).toEqual(['S11']);
  });

  it('finds a job that was claimed before it was ready, and lets a promoted one go', () => {
    const soon = { id: 'a', token: 1, readyAt: 1_700_000_009_000 };
    expect(new Story().add('a').claim('w1', [soon]).broken()).toEqual(['S11']);
    const promoted = new Story()
      .add('a', { delayMs: 500 })
      .effect('p', { op: 'promote', queue: 'q', id: 'a' });
    expect(promoted.claim('w1', [{ id: 'a', token: 1 }]).broken()).toEqual([]);
  });
});

describe('S19: dead letters are kept', () => {
  const failed = (): Story =>
    new Story()
      .add('a')
      .claim('w1', [{ id: 'a', token: 1 }])
      .settle('w1', 'a', 1, { to: 'failed' });
  const letter = { state: 'failed', claims: 1, token: 1, hasError: true };
  const record = { outcome: 'failed', hasError: true };

  it('passes with a dead letter in its place, or moved', () => {
    expect(
      failed()
        .dump(queue({ failed: 1 }), job('a', letter), attempt('a', 1, record))
        .broken(),
    ).toEqual([]);
    const moved = { ...letter, state: 'waiting', queue: 'dead', from: 'q' };
    const there = [job('a', moved), attempt('a', 1, { ...record, queue: 'dead' })];
    expect(
      failed()
        .dump(queue({}), ...there)
        .broken(),
    ).toEqual([]);
  });

  it('finds one that is gone, stands twice, or lost its error or its attempts', () => {
    const moved = { ...letter, queue: 'dead', from: 'q' };
    const kept = attempt('a', 1, record);
    expect(failed().dump(queue({})).broken()).toEqual(['S19']);
    expect(
      failed()
        .dump(queue({ failed: 1 }), job('a', letter), job('a', moved), kept)
        .broken(),
    ).toContain('S19');
    expect(
      failed()
        .dump(queue({ failed: 1 }), job('a', { ...letter, hasError: false }), kept)
        .broken(),
    ).toEqual(['S19']);
    expect(
      failed()
        .dump(queue({ failed: 1 }), job('a', letter))
        .broken(),
    ).toEqual(['A4', 'S19']);
  });
});

describe('A1 and A2: the books', () => {
  it('finds counts that are wrong, and a recount that says so', () => {
    expect(
      new Story()
        .add('a')
        .dump(queue({ waiting: 2 }), job('a'))
        .broken(),
    ).toEqual(['A1']);
    expect(new Story().call('w1', 'verify', undefined, ['counts']).broken()).toEqual(['A1']);
    expect(new Story().call('w1', 'verify', undefined, []).broken()).toEqual([]);
  });

  it('finds what belongs to nothing', () => {
    const lease = { row: 'lease', value: { queue: 'q', id: 'a', token: 1 } };
    expect(
      new Story()
        .add('a')
        .dump(job('a', { state: 'active', token: 1, claims: 1 }), lease)
        .broken(),
    ).toEqual([]);
    expect(
      new Story()
        .add('a')
        .dump(job('a', { state: 'active', token: 1, claims: 1 }))
        .broken(),
    ).toEqual(['A2']);
    expect(new Story().dump(attempt('a', 1)).broken()).toEqual(['A2']);
  });
});
