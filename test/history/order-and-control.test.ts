import { describe, expect, it } from 'vitest';
import { added, attempt, job, queue, Story } from './story.ts';

const ended = { state: 'completed', claims: 1, token: 1 };

describe('S4: all of a call or nothing', () => {
  const batch = (): Story =>
    new Story().call(
      'p',
      'apply',
      { requestId: 'r', effects: [{ op: 'add', jobs: [added('a'), added('b')] }] },
      undefined,
    );

  it('finds half of a call whose answer was lost', () => {
    expect(batch().dump(queue({})).broken()).toEqual([]);
    expect(
      batch()
        .dump(queue({ waiting: 2 }), job('a'), job('b'))
        .broken(),
    ).toEqual([]);
    expect(
      batch()
        .dump(queue({ waiting: 1 }), job('a'))
        .broken(),
    ).toEqual(['S4']);
  });
});

describe('S13 and S14: order', () => {
  it('finds a job that was claimed before one of higher priority that waited', () => {
    const story = (first: string, second: string): string[] =>
      new Story()
        .add('low', { priority: 5 })
        .add('high', { priority: 1 })
        .claim('w1', [{ id: first, token: 1, priority: 5 }])
        .claim('w1', [{ id: second, token: 2 }])
        .broken();
    expect(story('high', 'low')).toEqual([]);
    expect(story('low', 'high')).toEqual(['S13']);
  });

  it('finds a job that was claimed before one of its priority that had been added before it', () => {
    const story = (first: string, second: string): string[] =>
      new Story()
        .add('a')
        .add('b')
        .claim('w1', [{ id: first, token: 1 }])
        .claim('w1', [{ id: second, token: 2 }])
        .broken();
    expect(story('a', 'b')).toEqual([]);
    expect(story('b', 'a')).toEqual(['S14']);
  });

  it('does not expect an order of claims that ran beside each other on a server that lets them pass', () => {
    const story = (store: string, begunAt: number): string[] => {
      const told = new Story({ complete: true }, store).add('a').add('b').at(10);
      return told
        .claim('w1', [{ id: 'b', token: 1 }])
        .at(begunAt)
        .claim('w2', [{ id: 'a', token: 2 }])
        .broken();
    };
    expect(story('postgres', 10.5)).toEqual([]);
    expect(story('postgres', 5_000)).toEqual(['S14']);
    expect(story('sqlite', 10.5)).toEqual(['S14']);
  });

  it('finds a job that was passed over and waits still', () => {
    const story = new Story()
      .add('a')
      .add('b')
      .claim('w1', [{ id: 'b', token: 1 }])
      .settle('w1', 'b', 1);
    const rows = [queue({ waiting: 1, completed: 1 }), job('a'), job('b', ended), attempt('b', 1)];
    expect(story.dump(...rows).broken()).toEqual(['S14']);
  });

  it('does not expect an order of jobs that were delayed, put first, or moved by hand', () => {
    for (const more of [{ delayMs: 1 }, { lifo: true }]) {
      const story = new Story()
        .add('a', more)
        .add('b')
        .at(10)
        .claim('w1', [{ id: 'b', token: 1 }]);
      expect(story.claim('w1', [{ id: 'a', token: 2 }]).broken()).toEqual([]);
    }
    const moved = new Story().add('a').add('b').effect('p', { op: 'prioritize', queue: 'q', id: 'a' });
    expect(
      moved
        .claim('w1', [{ id: 'b', token: 1 }])
        .claim('w1', [{ id: 'a', token: 2 }])
        .broken(),
    ).toEqual([]);
  });
});

describe('S15: repeats', () => {
  it('finds a job that was created twice', () => {
    expect(new Story().add('a').add('a', { outcome: 'duplicate' }).broken()).toEqual([]);
    expect(new Story().add('a').add('a').broken()).toEqual(['S15']);
    const anew = new Story().add('a').effect('p', { op: 'discard', queue: 'q', id: 'a' }).add('a');
    expect(anew.broken()).toEqual([]);
  });

  it('finds a repeated request that was answered in another way', () => {
    const twice = (outcome: string): string[] =>
      new Story().add('a', { requestId: 'r' }).add('a', { requestId: 'r', outcome }).broken();
    expect(twice('created')).toEqual([]);
    expect(twice('duplicate')).toEqual(['S15']);
  });
});

describe('S18: pause', () => {
  const set = (story: Story, paused: boolean): Story =>
    story.effect('p', { op: 'configure', queue: 'q', patch: { paused } });

  it('finds a claim from a paused queue', () => {
    expect(
      set(new Story().add('a'), true)
        .claim('w1', [{ id: 'a', token: 1 }])
        .broken(),
    ).toEqual(['S18']);
    const resumed = set(set(new Story().add('a'), true), false);
    expect(resumed.claim('w1', [{ id: 'a', token: 1 }]).broken()).toEqual([]);
    const before = set(new Story().add('a').claim('w1', [{ id: 'a', token: 1 }]), true);
    expect(before.broken()).toEqual([]);
  });
});

describe('S22: the feed', () => {
  type Seen = readonly [cursor: number, kind: string];
  const read = (
    story: Story,
    after: number,
    changes: readonly Seen[],
    cursor: number,
    complete = true,
  ): Story =>
    story.call(
      'p',
      'feed',
      { queues: ['q'], after },
      {
        ...{ cursor, complete },
        changes: changes.map(([at, kind]) => ({ cursor: at, kind, queue: 'q', id: 'a' })),
      },
    );
  const all: Seen[] = [
    [1, 'added'],
    [2, 'active'],
    [3, 'completed'],
  ];

  it('passes when readers are told the same', () => {
    expect(read(read(new Story(), 0, all, 3), 1, all.slice(1), 3).broken()).toEqual([]);
  });

  it('finds a change that was left out, unless the page says that it is not complete', () => {
    expect(read(read(new Story(), 0, all, 3), 0, all.slice(1), 3).broken()).toEqual(['S22']);
    expect(read(read(new Story(), 0, all, 3), 0, all.slice(1), 3, false).broken()).toEqual([]);
  });

  it('finds changes out of order, told in two ways, or that cannot be', () => {
    expect(read(new Story(), 0, [...all].reverse(), 3).broken()).toEqual(['S22']);
    expect(read(read(new Story(), 0, all, 3), 2, [[3, 'failed']], 3).broken()).toEqual(['S22']);
    expect(
      read(
        new Story(),
        0,
        [
          [1, 'completed'],
          [2, 'active'],
        ],
        2,
      ).broken(),
    ).toEqual(['S22']);
    expect(
      read(
        new Story(),
        0,
        [
          [1, 'waiting'],
          [2, 'completed'],
        ],
        2,
      ).broken(),
    ).toEqual(['S22']);
  });
});

describe('S23: cancel', () => {
  const cancelled = (story: Story): Story => story.effect('p', { op: 'cancel', queue: 'q', id: 'a' });

  it('finds a cancelled job that was claimed, unless it was redriven', () => {
    expect(
      cancelled(new Story().add('a'))
        .claim('w1', [{ id: 'a', token: 1 }])
        .broken(),
    ).toEqual(['S23']);
    const redriven = cancelled(new Story().add('a')).effect('p', { op: 'redrive', queue: 'q', id: 'a' });
    expect(redriven.claim('w1', [{ id: 'a', token: 1, generation: 2 }]).broken()).toEqual([]);
  });

  it('finds a holder that was not told', () => {
    const told = (isTold: boolean): string[] =>
      cancelled(new Story().add('a').claim('w1', [{ id: 'a', token: 1 }]))
        .renew('w1', 'a', 1, 'ok', isTold)
        .broken();
    expect(told(true)).toEqual([]);
    expect(told(false)).toEqual(['S23']);
  });
});

describe('S24: retention', () => {
  it('finds a completed job that was removed before its time', () => {
    const done = new Story()
      .add('a')
      .claim('w1', [{ id: 'a', token: 1 }])
      .settle('w1', 'a', 1);
    expect(done.dump(queue({})).broken()).toEqual(['S24']);
    const own = new Story().add('a', { keepCompletedMs: 0 }).claim('w1', [{ id: 'a', token: 1 }]);
    expect(own.settle('w1', 'a', 1).dump(queue({})).broken()).toEqual([]);
  });
});

describe('A3 and A4: leaks and records', () => {
  it('finds what an obliterated queue left behind', () => {
    const story = (): Story =>
      new Story()
        .add('a')
        .call('p', 'apply', { effects: [{ op: 'obliterate', queue: 'q' }] }, [
          { op: 'obliterate', outcome: 'ok', removed: 1, more: false, before: 0 },
        ]);
    expect(story().dump().broken()).toEqual([]);
    expect(story().dump(job('a')).broken()).toEqual(['A3']);
    expect(
      story()
        .add('a')
        .dump(queue({ waiting: 1 }), job('a'))
        .broken(),
    ).toEqual([]);
  });

  it('finds a claim that is not on record, and a run that was not claimed', () => {
    expect(
      new Story()
        .add('a')
        .dump(queue({ waiting: 1 }), job('a', { claims: 1 }))
        .broken(),
    ).toEqual(['A4']);
    expect(
      new Story()
        .add('a')
        .run('w1', 'a', 7)
        .dump(queue({ waiting: 1 }), job('a'))
        .broken(),
    ).toEqual(['A4']);
  });
});

describe('L1 to L5: liveness', () => {
  const scope = { complete: true, faultsKnown: true };

  it('finds a job that is open when all should have come to rest', () => {
    const story = (): Story => new Story({ ...scope, rested: true }).add('a');
    expect(
      story()
        .dump(queue({ waiting: 1 }), job('a'))
        .broken(),
    ).toEqual(['L1']);
    expect(
      story()
        .dump(queue({ delayed: 1 }), job('a', { state: 'delayed', dueAt: 9e15 }))
        .broken(),
    ).toEqual([]);
  });

  it('finds a recovery that took too long', () => {
    const taken = (atMs: number): string[] =>
      new Story({ ...scope, recoveryMs: 3_000 })
        .add('a')
        .claim('w1', [{ id: 'a', token: 1 }])
        .fault({ fault: 'kill', target: 'w1' })
        .at(atMs)
        .reclaim('w2', 'a', 1)
        .claim('w2', [{ id: 'a', token: 2, claims: 2, crashes: 1 }])
        .broken();
    expect(taken(2_000)).toEqual([]);
    expect(taken(5_000)).toEqual(['L2']);
  });

  it('finds a job that waited too long, also where hints were withheld', () => {
    const waited = (more: object): string[] =>
      new Story({ ...scope, waitMs: 1_000, ...more })
        .add('a')
        .at(2_000)
        .claim('w1', [{ id: 'a', token: 1 }])
        .broken();
    expect(waited({})).toEqual(['L3']);
    expect(waited({ deaf: true })).toEqual(['L3', 'L5']);
    expect(waited({ waitMs: 3_000, deaf: true })).toEqual([]);
  });

  it('finds a lease that a worker left behind though it ended in good order', () => {
    const story = new Story()
      .add('a')
      .claim('w1', [{ id: 'a', token: 1 }])
      .call('w1', 'endSession', 'session-w1', 0);
    expect(story.at(2_000).reclaim('w2', 'a', 1).broken()).toEqual(['L4']);
  });
});
