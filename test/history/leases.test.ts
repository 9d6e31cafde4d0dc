import { describe, expect, it } from 'vitest';
import { good, recovered, Story } from './story.ts';

describe('S5: one holder at a time', () => {
  it('finds a job that was given to a second worker while its lease went on', () => {
    const story = new Story().add('a').claim('w1', [{ id: 'a', token: 1 }]);
    expect(story.claim('w2', [{ id: 'a', token: 2, claims: 2 }]).broken()).toEqual(['D1', 'S5']);
  });

  it('finds a lease that was taken back before its time', () => {
    const early = new Story()
      .add('a')
      .claim('w1', [{ id: 'a', token: 1 }])
      .fault({})
      .at(900);
    early.reclaim('w2', 'a', 1).claim('w2', [{ id: 'a', token: 2, claims: 2, crashes: 1 }]);
    expect(early.broken()).toEqual(['S5']);
  });

  it('counts a lease from its last renewal', () => {
    const renewed = (reclaimedAt: number): string[] => {
      const story = new Story()
        .add('a')
        .claim('w1', [{ id: 'a', token: 1 }])
        .at(800)
        .renew('w1', 'a', 1);
      story.fault({}).at(reclaimedAt).reclaim('w2', 'a', 1);
      return story.claim('w2', [{ id: 'a', token: 2, claims: 2, crashes: 1 }]).broken();
    };
    expect(renewed(1_900)).toEqual([]);
    expect(renewed(1_500)).toEqual(['S5']);
  });

  it('knows that a server that ended may have forgotten a claim, and not one of long before', () => {
    const story = (endedAt: number): string[] =>
      new Story()
        .add('a')
        .claim('w1', [{ id: 'a', token: 1 }])
        .at(endedAt)
        .fault({ fault: 'store', target: '*', forgets: 'claims' })
        .claim('w2', [{ id: 'a', token: 2 }])
        .broken();
    expect(story(500)).toEqual([]);
    expect(story(9_000)).toEqual(['S10', 'S5', 'S6']);
  });

  it('does not hold a moved clock of the store against it', () => {
    const story = new Story().add('a').claim('w1', [{ id: 'a', token: 1 }]);
    story.fault({ fault: 'clock', target: '*', clock: 'store' }).at(900).reclaim('w2', 'a', 1);
    expect(story.claim('w2', [{ id: 'a', token: 2, claims: 2, crashes: 1 }]).broken()).toEqual([]);
  });
});

describe('S6: tokens rise for ever', () => {
  it('finds a token that was given out twice', () => {
    const story = new Story()
      .add('a')
      .add('b')
      .claim('w1', [{ id: 'a', token: 1 }]);
    expect(story.claim('w2', [{ id: 'b', token: 1 }]).broken()).toEqual(['S6']);
  });

  it('finds a token below one that was given out before', () => {
    const story = new Story()
      .add('a')
      .add('b')
      .at(10)
      .claim('w1', [{ id: 'a', token: 5 }])
      .at(20);
    expect(story.claim('w1', [{ id: 'b', token: 4 }]).broken()).toContain('S6');
  });

  it('takes the repeated answer to a repeated claim as the same claim', () => {
    const story = new Story()
      .add('a')
      .add('b')
      .claim('w1', [{ id: 'a', token: 1 }], { claimId: 'same' });
    story
      .at(10)
      .claim('w1', [{ id: 'b', token: 2 }])
      .at(20);
    expect(story.claim('w1', [{ id: 'a', token: 1 }], { claimId: 'same' }).broken()).toEqual([]);
  });
});

describe('S7: late writes change nothing', () => {
  it.each(['progress', 'log', 'data'])('finds a late %s that was accepted', (op) => {
    const late = (outcome: string): string[] =>
      recovered().at(2_000).effect('w1', { op, queue: 'q', id: 'a', token: 1, body: 'b' }, outcome).broken();
    expect(late('superseded')).toEqual([]);
    expect(late('ok')).toEqual(['S7']);
  });

  it('finds a late renewal that was accepted, and counts those that were refused', () => {
    const refused = recovered().at(2_000).renew('w1', 'a', 1, 'superseded');
    expect(refused.check().figures.lateWrites).toEqual({ attempted: 1, refused: 1 });
    expect(recovered().at(2_000).renew('w1', 'a', 1).broken()).toContain('S7');
  });

  it('finds a settlement that was accepted after the job had been taken back', () => {
    expect(recovered().at(2_000).settle('w1', 'a', 1, { to: 'retry' }).broken()).toContain('S7');
  });

  it('takes the repeated answer to a repeated settlement as the same settlement', () => {
    expect(good().settle('w1', 'a', 1).broken()).toEqual([]);
  });
});

describe('D1: duplicates have a cause', () => {
  it('finds a second run that no fault explains', () => {
    const story = new Story()
      .add('a')
      .claim('w1', [{ id: 'a', token: 1 }])
      .run('w1', 'a', 1)
      .at(1_500);
    story
      .reclaim('w2', 'a', 1)
      .claim('w2', [{ id: 'a', token: 2, claims: 2, crashes: 1 }])
      .run('w2', 'a', 2);
    expect(story.broken()).toEqual(['D1']);
    expect(story.check().figures.duplicates.unexplained).toBe(1);
  });

  it('does not take the fault of another process for a reason', () => {
    const story = new Story()
      .add('a')
      .claim('w1', [{ id: 'a', token: 1 }])
      .run('w1', 'a', 1);
    story.fault({ target: 'w2' }).at(1_500).reclaim('w2', 'a', 1);
    story.claim('w2', [{ id: 'a', token: 2, claims: 2, crashes: 1 }]).run('w2', 'a', 2);
    expect(story.broken()).toEqual(['D1']);
  });

  it('finds a claim that was run twice', () => {
    expect(good().run('w1', 'a', 1).broken()).toEqual(['D1']);
  });

  it('reads from the history of a process alone that it died, where faults were not written down', () => {
    const story = new Story({})
      .add('a')
      .claim('w1', [{ id: 'a', token: 1 }])
      .run('w1', 'a', 1)
      .at(1_500);
    story
      .reclaim('w2', 'a', 1)
      .claim('w2', [{ id: 'a', token: 2, claims: 2, crashes: 1 }])
      .run('w2', 'a', 2);
    expect(story.check().figures.duplicates).toEqual({ explained: { died: 1 }, unexplained: 0 });
  });
});
