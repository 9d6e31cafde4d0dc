import assert from 'node:assert/strict';
import type { Topic } from './scene.ts';
import {
  add,
  addNamed,
  assertBytes,
  at,
  COMPLETED,
  cancelled,
  claim,
  claimIds,
  claimOne,
  claimRequest,
  countsOf,
  errorOf,
  failed,
  findJob,
  finish,
  jobOf,
  newJob,
  parked,
  RELEASED,
  retry,
  settle,
  settleOk,
  stateOf,
  totalsOf,
  unchanged,
  utf8,
} from './support.ts';

export const settleCases: Topic = (guarantee) => {
  guarantee(
    'a completed job keeps its result and forgets the error of an earlier attempt',
    async ({ store, clock }) => {
      await finish(store, retry(0, 'first try'));
      const { lease } = await claimOne(store);
      await store.apply([{ op: 'progress', job: lease, value: utf8('99') }]);
      await clock.advance(40);

      const job = await settleOk(store, lease, { to: 'completed', result: utf8('{"sent":true}') });

      assertBytes(job.result, '{"sent":true}');
      assertBytes(job.progress, '99');
      assert.deepEqual([job.state, job.error, job.cause], ['completed', null, null]);
      assert.equal(job.finishedAt, clock.now());
      assert.deepEqual([job.failures, job.claims], [1, 2]);
      assert.deepEqual(await countsOf(store), { completed: 1 });
      assert.deepEqual(await totalsOf(store), { added: 1, completed: 1, attemptsFailed: 1 });
    },
  );

  guarantee('a result may be empty, which is not the same as none', async ({ store }) => {
    const none = await finish(store, COMPLETED, { id: 'none' });
    const empty = await finish(store, { to: 'completed', result: new Uint8Array() }, { id: 'empty' });

    assert.equal(none.result, null);
    assertBytes(empty.result, '');
  });

  guarantee('a failed job keeps error and cause and stays for people', async ({ store, clock }) => {
    await add(store);
    const { lease } = await claimOne(store);
    await clock.advance(5);

    const job = await settleOk(store, lease, {
      to: 'failed',
      error: errorOf('no such address'),
      cause: 'unrecoverable',
    });

    assert.deepEqual(job.error, errorOf('no such address'));
    assert.deepEqual([job.state, job.cause, job.failures], ['failed', 'unrecoverable', 1]);
    assert.equal(job.finishedAt, clock.now());
    assert.equal(job.origin, null);
    assert.deepEqual(await totalsOf(store), { added: 1, failed: 1, attemptsFailed: 1 });
  });

  guarantee(
    'a processor that wants no more of a job cancels it, with the reason',
    async ({ store, clock }) => {
      const job = await finish(store, { to: 'cancelled', reason: 'customer left', cause: 'discarded' });

      assert.deepEqual(
        [job.state, job.cause, job.cancelReason, job.finishedAt, job.failures],
        ['cancelled', 'discarded', 'customer left', clock.now(), 0],
      );
      assert.deepEqual(await totalsOf(store), { added: 1, cancelled: 1 });
    },
  );

  guarantee('a parked job holds no lease and comes back when its time is over', async ({ store, clock }) => {
    const parkedJob = await finish(store, parked(2_000));
    assert.deepEqual(
      [parkedJob.state, parkedJob.dueAt, parkedJob.readyAt, parkedJob.failures],
      ['parked', clock.now() + 2_000, null, 0],
    );
    await clock.advance(1_999);
    assert.deepEqual(await claimIds(store), []);
    await clock.advance(1);

    const { job } = await claimOne(store);

    assert.deepEqual([job.readyAt, job.dueAt, job.claims], [clock.now(), null, 2]);
  });

  guarantee('a job parked without a time waits for ever', async ({ store, clock }) => {
    const job = await finish(store, parked(null));
    await clock.advance(300 * 86_400_000);

    assert.deepEqual([job.state, job.dueAt, job.readyAt], ['parked', null, null]);
    assert.deepEqual(await claim(store, { claimId: 'c' }), {
      claimId: 'c',
      jobs: [],
      nextDueInMs: null,
      paused: false,
    });
  });

  guarantee('settling again with the same lease answers ok and writes nothing', async ({ store }) => {
    for (const next of [COMPLETED, failed(), retry(1_000), retry(), RELEASED, cancelled(), parked(null)]) {
      const id = `${next.to}-${JSON.stringify(next)}`.slice(0, 60);
      await add(store, { id, queue: next.to });
      const { lease } = await claimOne(store, { queue: next.to });
      const { state } = await settleOk(store, lease, next);

      await unchanged(store, async () => {
        assert.deepEqual(await settle(store, lease, next), { outcome: 'ok', state });
        assert.deepEqual(await settle(store, lease, COMPLETED), { outcome: 'ok', state });
      });
      await claim(store, { queue: next.to });
    }
  });

  guarantee(
    'a repeated settlement tells where the job is now, also after others took it',
    async ({ store }) => {
      await add(store);
      const { lease } = await claimOne(store);
      await settle(store, lease, retry());
      await claimOne(store, { worker: 'worker-2' });

      await unchanged(store, async () => {
        assert.deepEqual(await settle(store, lease, retry()), { outcome: 'ok', state: 'active' });
      });
    },
  );

  guarantee('of two settlements of one lease in a call only the first counts', async ({ store }) => {
    await add(store);
    const { lease } = await claimOne(store);

    const { settled } = await store.commit([
      { lease, next: { to: 'completed', result: utf8('1') }, mode: 'strict' },
      { lease, next: failed(), mode: 'strict' },
    ]);

    assert.deepEqual(settled, [
      { outcome: 'ok', state: 'completed' },
      { outcome: 'ok', state: 'completed' },
    ]);
    assertBytes((await jobOf(store)).result, '1');
    assert.deepEqual(await totalsOf(store), { added: 1, completed: 1 });
  });

  guarantee('an old lease stays refused after a newer one was settled', async ({ store }) => {
    await add(store);
    const { lease: old } = await claimOne(store);
    await settle(store, old, RELEASED);
    const { lease } = await claimOne(store);
    await settle(store, lease, COMPLETED);

    assert.deepEqual(await settle(store, old, failed()), { outcome: 'superseded', state: null });
    assert.deepEqual(await settle(store, lease, failed()), { outcome: 'ok', state: 'completed' });
  });

  guarantee('each settlement of a call stands or falls on its own', async ({ store }) => {
    await addNamed(store, 'a', 'b', 'c');
    const { jobs } = await claim(store, { limit: 3 });
    const [a, b, c] = jobs.map(({ lease }) => lease);
    assert.ok(a && b && c);

    const { settled } = await store.commit([
      { lease: a, next: COMPLETED, mode: 'strict' },
      { lease: { ...b, token: 99 }, next: COMPLETED, mode: 'strict' },
      { lease: { ...c, id: 'none' }, next: COMPLETED, mode: 'strict' },
      { lease: c, next: failed(), mode: 'strict' },
    ]);

    assert.deepEqual(settled, [
      { outcome: 'ok', state: 'completed' },
      { outcome: 'superseded', state: null },
      { outcome: 'gone', state: null },
      { outcome: 'ok', state: 'failed' },
    ]);
    assert.deepEqual(await countsOf(store), { completed: 1, active: 1, failed: 1 });
  });

  guarantee('one call settles and claims, and the claim sees what was settled', async ({ store }) => {
    await addNamed(store, 'a', 'b');
    const { lease } = await claimOne(store);

    const { settled, claimed } = await store.commit(
      [{ lease, next: RELEASED, mode: 'strict' }],
      [claimRequest({ claimId: 'next', limit: 5 })],
    );

    assert.deepEqual(settled, [{ outcome: 'ok', state: 'waiting' }]);
    assert.deepEqual(
      claimed.map((answer) => [answer.claimId, ...answer.jobs.map(({ job }) => job.id)]),
      [['next', 'a', 'b']],
    );
  });

  guarantee('a call may only claim, or do nothing at all', async ({ store }) => {
    await addNamed(store, 'a');

    const { settled, claimed } = await store.commit([], [claimRequest()]);

    assert.deepEqual([settled, claimed.length, claimed[0]?.jobs.length], [[], 1, 1]);
    assert.deepEqual(await store.commit([]), { settled: [], claimed: [] });
  });

  guarantee('the effects of a settlement happen with it', async ({ store }) => {
    await add(store);
    const { lease } = await claimOne(store);

    await settle(store, lease, COMPLETED, {
      effects: [
        { op: 'add', jobs: [newJob({ id: 'follow-up', queue: 'other' })] },
        { op: 'progress', job: lease, value: utf8('100') },
        { op: 'log', job: lease, lines: ['done'] },
      ],
    });

    assert.equal(await stateOf(store, 'follow-up', 'other'), 'waiting');
    assertBytes((await jobOf(store)).progress, '100');
    assert.deepEqual(
      (await store.logs(at('a'), 0, 10)).map((line) => line.text),
      ['done'],
    );
  });

  guarantee('the effects of a refused settlement do not happen', async ({ store, clock }) => {
    await add(store);
    const { lease } = await claimOne(store);
    const effects = [
      { op: 'add', jobs: [newJob({ id: 'follow-up' })] },
      { op: 'cancel', job: at('a'), reason: 'x' },
    ] as const;

    await unchanged(store, async () => {
      await settle(store, { ...lease, token: lease.token + 1 }, COMPLETED, { effects });
      await settle(store, { ...lease, id: 'none' }, COMPLETED, { effects });
    });
    await clock.advance(60_000);
    await unchanged(store, async () => {
      assert.equal((await settle(store, lease, COMPLETED, { effects })).outcome, 'expired');
    });
  });

  guarantee('the effects of a settlement happen once however often it is repeated', async ({ store }) => {
    await add(store);
    const { lease } = await claimOne(store);
    const effects = [{ op: 'log', job: at('a'), lines: ['once'] }] as const;

    await settle(store, lease, COMPLETED, { effects });
    await settle(store, lease, COMPLETED, { effects });

    assert.equal((await store.logs(at('a'), 0, 10)).length, 1);
  });

  guarantee('an effect that comes to nothing does not hinder its settlement', async ({ store }) => {
    await add(store);
    const { lease } = await claimOne(store);

    const result = await settle(store, lease, COMPLETED, {
      effects: [
        { op: 'promote', job: at('none') },
        { op: 'discard', job: at('a') },
        { op: 'add', jobs: [newJob({ id: 'a' })] },
      ],
    });

    assert.deepEqual(result, { outcome: 'ok', state: 'completed' });
    assert.equal((await findJob(store))?.state, 'completed');
  });

  guarantee("a settled job is nobody's any more: its lease writes nothing", async ({ store }) => {
    await add(store);
    const { lease } = await claimOne(store);
    await settleOk(store, lease);

    await unchanged(store, async () => {
      const results = await store.apply([
        { op: 'progress', job: lease, value: utf8('1') },
        { op: 'log', job: lease, lines: ['x'] },
      ]);
      assert.deepEqual(results, [
        { op: 'progress', outcome: 'superseded' },
        { op: 'log', outcome: 'superseded' },
      ]);
    });
  });

  guarantee('a job that hid one which had moved on hides it no longer once it is gone', async ({ store }) => {
    await finish(store, failed(), { id: 'a' });
    await store.apply([{ op: 'redrive', job: at('a'), toQueue: 'two' }]);
    await add(store, { id: 'a', policy: { keepCompletedMs: 0 } });
    const { lease } = await claimOne(store);

    const { settled } = await store.commit([
      { lease, next: COMPLETED, mode: 'strict' },
      { lease: { ...lease, token: lease.token + 1 }, next: COMPLETED, mode: 'strict' },
    ]);

    assert.deepEqual(
      settled.map(({ outcome }) => outcome),
      ['ok', 'superseded'],
    );
  });
};
