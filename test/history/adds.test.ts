import { describe, expect, it } from 'vitest';
import { good, job, queue, recovered, Story, settings } from './story.ts';

describe('a good history', () => {
  it('passes, and says what was looked at', () => {
    const report = good().check();
    const judged = new Map(report.made.map((made) => [made.check, made.judged]));

    expect(report.violations).toEqual([]);
    for (const check of ['S1', 'S2', 'S6', 'S9', 'S10', 'S11', 'A1', 'A2'] as const) {
      expect([check, (judged.get(check) ?? 0) > 0]).toEqual([check, true]);
    }
    expect(report.notMade.find(({ check }) => check === 'S20')?.reason).toBe(
      'the feature does not exist yet',
    );
  });

  it('passes with a killed worker, whose duplicate is explained and whose recovery is timed', () => {
    const { violations, figures } = recovered().check();
    expect(violations).toEqual([]);
    expect(figures.duplicates).toEqual({ explained: { kill: 1 }, unexplained: 0 });
    expect(figures.recoveryMs).toHaveLength(1);
    expect(figures.recoveryMs[0]).toBeGreaterThan(1_400);
  });
});

describe('S1: acknowledged jobs are not lost', () => {
  it('finds a job that is gone though it never ran', () => {
    expect(new Story().add('a').dump(queue({})).broken()).toEqual(['S1']);
  });

  it('finds a job that was claimed, never ended, and is gone', () => {
    expect(
      new Story()
        .add('a')
        .claim('w1', [{ id: 'a', token: 1 }])
        .dump(queue({}))
        .broken(),
    ).toEqual(['S1']);
  });

  it('takes a job whose adding has no answer as neither lost nor from nowhere', () => {
    expect(new Story().add('a', { outcome: 'unknown' }).dump(queue({})).broken()).toEqual([]);
    expect(
      new Story()
        .add('a', { outcome: 'unknown' })
        .claim('w1', [{ id: 'a', token: 1 }])
        .broken(),
    ).toEqual([]);
  });

  it('takes a job that was discarded, or completed and pruned, as gone for a reason', () => {
    const discarded = new Story().add('a').effect('p', { op: 'discard', queue: 'q', id: 'a' });
    expect(discarded.dump(queue({})).broken()).toEqual([]);
    const pruning = settings({ ageMs: 0, count: null });
    const pruned = new Story()
      .add('a')
      .claim('w1', [{ id: 'a', token: 1 }])
      .settle('w1', 'a', 1);
    expect(pruned.dump(queue({}, { settings: pruning })).broken()).toEqual([]);
  });

  it('finds a job under the queue to which it moved', () => {
    const moved = { queue: 'dead', from: 'q' };
    expect(new Story().add('a').dump(job('a', moved)).broken()).toEqual([]);
  });

  it('is not made when nobody vouches for the history, when it is cut, and without a dump', () => {
    const reason = (story: Story): string | undefined =>
      story.check().notMade.find(({ check }) => check === 'S1')?.reason;
    const cut = good();
    cut.lines.splice(4, 1);
    expect(reason(new Story({}).add('a').dump())).toMatch(/vouches/);
    expect(reason(cut)).toMatch(/missing/);
    expect(reason(new Story().add('a'))).toMatch(/dump/);
  });
});

describe('S2: nothing comes from nowhere', () => {
  it('finds a claimed job that nobody added', () => {
    expect(new Story().claim('w1', [{ id: 'a', token: 1 }]).broken()).toEqual(['S2']);
  });

  it('finds a body that changed by itself, in a claim and in the store', () => {
    expect(
      new Story()
        .add('a')
        .claim('w1', [{ id: 'a', token: 1, body: 'x' }])
        .broken(),
    ).toEqual(['S2']);
    expect(
      new Story()
        .add('a')
        .dump(job('a', { body: 'x' }))
        .broken(),
    ).toEqual(['S2']);
  });

  it('takes a body that was replaced by its holder as right', () => {
    const story = new Story().add('a').effect('p', { op: 'data', queue: 'q', id: 'a', body: 'x' });
    expect(story.claim('w1', [{ id: 'a', token: 1, body: 'x' }]).broken()).toEqual([]);
  });
});

describe('S3: refused means refused', () => {
  it('finds a job whose adding was refused', () => {
    const story = new Story().add('a', { outcome: 'refused' });
    expect(story.broken()).toEqual([]);
    expect(story.claim('w1', [{ id: 'a', token: 1 }]).broken()).toEqual(['S2', 'S3']);
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
