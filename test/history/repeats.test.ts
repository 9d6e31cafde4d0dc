import { describe, expect, it } from 'vitest';
import { added, job, queue, Story } from './story.ts';

const add = (id: string): object => ({ requestId: 'r', effects: [{ op: 'add', jobs: [added(id)] }] });
const answer = (id: string, outcome: string): object[] => [{ op: 'add', jobs: [{ id, outcome }] }];
const granted = { queue: 'q', body: 'b', addedAt: 1, claimedAt: 2, readyAt: 1, rank: 1, generation: 1 };
const grant = (id: string, token: number): object => ({ ...granted, id, token, claims: 1, attempts: 3 });

describe('S15: what is repeated is done once', () => {
  it('finds a request that was carried out twice', () => {
    const story = new Story().call('p', 'apply', add('a'), answer('a', 'created'));
    expect(story.call('p', 'apply', add('a'), answer('a', 'duplicate')).broken()).toEqual(['S15']);
  });

  it('takes the same answer for the same request', () => {
    const story = new Story().call('p', 'apply', add('a'), answer('a', 'created'));
    expect(story.call('p', 'apply', add('a'), answer('a', 'created')).broken()).toEqual([]);
  });

  it('finds a repeated claim that took other jobs', () => {
    const request = [{ claimId: 'c', queue: 'q', limit: 8, worker: 's', leaseMs: 1_000 }];
    const claimed = (again: number): string[] => {
      const story = new Story().add('a').add('b');
      story.call('w1', 'claim', request, [{ claimId: 'c', jobs: [grant('a', 1)] }]);
      return story
        .call('w1', 'claim', request, [{ claimId: 'c', jobs: [grant(again === 1 ? 'a' : 'b', again)] }])
        .broken();
    };
    expect(claimed(2)).toEqual(['S15']);
    expect(claimed(1)).toEqual([]);
  });

  it('finds a second job of the same id', () => {
    const row = queue({ waiting: 1 }, {});
    const settings = { ...(row.value['settings'] as object), deadLetterQueue: null };
    const again = (outcome: string): string[] =>
      new Story()
        .add('a')
        .add('a', { outcome })
        .dump({ ...row, value: { ...row.value, settings } }, job('a'))
        .broken();
    expect(again('created')).toEqual(['S15']);
    expect(again('duplicate')).toEqual([]);
  });

  it('dates a write whose request was repeated back to the first time it was asked for', () => {
    const log = { requestId: 'l', effects: [{ op: 'log', queue: 'q', id: 'a', token: 1 }] };
    const story = new Story().add('a').claim('w1', [{ id: 'a', token: 1 }]);
    story.call('w1', 'apply', log, undefined);
    story.fault({ fault: 'pause' }).at(1_500).reclaim('w2', 'a', 1);
    expect(story.call('w1', 'apply', log, [{ op: 'log', outcome: 'ok' }]).broken()).toEqual([]);
    const late = { ...log, requestId: 'm' };
    expect(story.call('w1', 'apply', late, [{ op: 'log', outcome: 'ok' }]).broken()).toEqual(['S7']);
  });
});
