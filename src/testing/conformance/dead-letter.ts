import assert from 'node:assert/strict';
import type { Store } from '../../store/store.ts';
import type { Topic } from './scene.ts';
import {
  add,
  assertBytes,
  at,
  claimIds,
  claimOne,
  configure,
  countsOf,
  errorOf,
  failed,
  findJob,
  finish,
  jobOf,
  LEASE_MS,
  moveOk,
  reclaimTwice,
  retry,
  settle,
  settleOk,
  stateOf,
  totalsOf,
  unchanged,
  utf8,
} from './support.ts';

const TO_DEAD = { policy: { deadLetterQueue: 'dead' } };

async function failIn(store: Store, queue: string, message = 'broken'): Promise<void> {
  const { lease } = await claimOne(store, { queue });
  assert.equal((await settle(store, lease, failed(message))).outcome, 'ok');
}

export const deadLetterCases: Topic = (guarantee) => {
  guarantee(
    'a dead letter moves to the queue that its policy names, in the same step',
    async ({ store, clock }) => {
      await add(store, { ...TO_DEAD, priority: 4 });
      const { lease } = await claimOne(store);
      await clock.advance(10);

      const result = await settle(store, lease, {
        to: 'failed',
        error: errorOf('x'),
        cause: 'unrecoverable',
      });

      assert.deepEqual(result, { outcome: 'ok', state: 'waiting' });
      const job = await jobOf(store, 'a', 'dead');
      assert.deepEqual(job.origin, { queue: 'orders', cause: 'unrecoverable', movedAt: clock.now() });
      assert.deepEqual([job.queue, job.state, job.readyAt], ['dead', 'waiting', clock.now()]);
      assert.deepEqual([job.generation, job.failures, job.crashes], [2, 0, 0]);
      assert.deepEqual(
        [job.dueAt, job.expiresAt, job.firstClaimedAt, job.finishedAt, job.cause],
        [null, null, null, null, null],
      );
      assert.deepEqual([await countsOf(store), await countsOf(store, 'dead')], [{}, { waiting: 1 }]);
    },
  );

  guarantee('a dead letter takes its whole history along', async ({ store, clock }) => {
    const body = Uint8Array.of(0, 255, 128, 10);
    const headers = { tenant: 'é', n: 1.5, on: false };
    await finish(store, retry(0, 'first'), { ...TO_DEAD, body, headers, name: 'bill', priority: 3 });
    await store.apply([
      { op: 'log', job: at('a'), lines: ['one', 'two'] },
      { op: 'progress', job: at('a'), value: utf8('50') },
    ]);
    const before = await jobOf(store);
    await clock.advance(100);

    await failIn(store, 'orders', 'second');

    const job = await jobOf(store, 'a', 'dead');
    assertBytes(job.body, body);
    assert.deepEqual([job.headers, job.name, job.contentType], [headers, 'bill', 'application/json']);
    assert.deepEqual([job.policy, job.priority, job.rank], [before.policy, 3, before.rank]);
    assert.deepEqual([job.addedAt, job.claims], [before.addedAt, 2]);
    assert.deepEqual(job.error, errorOf('second'));
    const attempts = await store.attempts(at('a', 'dead'));
    assert.deepEqual(
      attempts.map((attempt) => [attempt.number, attempt.outcome, attempt.error?.message]),
      [
        [1, 'retried', 'first'],
        [2, 'failed', 'second'],
      ],
    );
    assert.equal((await store.logs(at('a', 'dead'), 0, 10)).length, 2);
  });

  guarantee('both queues count a dead letter once', async ({ store }) => {
    await add(store, TO_DEAD);
    await failIn(store, 'orders');

    assert.deepEqual(await totalsOf(store), { added: 1, failed: 1, attemptsFailed: 1, removed: 1 });
    assert.deepEqual(await totalsOf(store, 'dead'), { added: 1 });
  });

  guarantee('the queue says where its dead letters go unless the job does', async ({ store }) => {
    await configure(store, { deadLetterQueue: 'queue-dead' });
    await add(store, { id: 'a' }, { id: 'b', policy: { deadLetterQueue: 'job-dead' } });

    await failIn(store, 'orders');
    await failIn(store, 'orders');

    assert.equal((await findJob(store, 'a', 'queue-dead'))?.queue, 'queue-dead');
    assert.equal((await findJob(store, 'b', 'job-dead'))?.queue, 'job-dead');
  });

  guarantee('a dead letter of the dead-letter queue itself stays there', async ({ store }) => {
    await add(store, TO_DEAD);
    await failIn(store, 'orders');
    await failIn(store, 'dead', 'again');

    const job = await jobOf(store, 'a', 'dead');
    assert.deepEqual([job.queue, job.state, job.generation], ['dead', 'failed', 2]);
    assert.deepEqual(await totalsOf(store, 'dead'), { added: 1, failed: 1, attemptsFailed: 1 });
  });

  guarantee('a dead letter stays where it is when its id is taken in the other queue', async ({ store }) => {
    await add(store, { ...TO_DEAD }, { queue: 'dead', name: 'other' });
    await failIn(store, 'orders');

    const job = await jobOf(store);
    assert.deepEqual([job.queue, job.state, job.origin], ['orders', 'failed', null]);
    assert.equal((await jobOf(store, 'a', 'dead')).name, 'other');
    assert.deepEqual(await totalsOf(store), { added: 1, failed: 1, attemptsFailed: 1 });
  });

  guarantee('a job that is kept for no time still moves instead of being lost', async ({ store }) => {
    await add(store, { policy: { deadLetterQueue: 'dead', keepFailedMs: 0 } });

    await failIn(store, 'orders');

    assert.equal(await stateOf(store, 'a', 'dead'), 'waiting');
  });

  guarantee('a moved job is still found under its old queue', async ({ store }) => {
    await add(store, TO_DEAD);
    await store.apply([{ op: 'log', job: at('a'), lines: ['x'] }]);
    await failIn(store, 'orders');

    assert.equal((await jobOf(store, 'a', 'orders')).queue, 'dead');
    assert.equal((await store.attempts(at('a'))).length, 1);
    assert.equal((await store.logs(at('a'), 0, 10)).length, 1);
  });

  guarantee('a new job with its id hides a moved one from the old queue', async ({ store }) => {
    await add(store, { ...TO_DEAD, name: 'old' });
    await failIn(store, 'orders');

    const outcomes = await add(store, { id: 'a', name: 'new' });

    assert.deepEqual(outcomes, [{ id: 'a', outcome: 'created' }]);
    assert.equal((await jobOf(store, 'a', 'orders')).name, 'new');
    assert.equal((await jobOf(store, 'a', 'dead')).name, 'old');
    assert.deepEqual(await store.attempts(at('a')), []);
  });

  guarantee(
    'repeating the settlement that moved a job answers ok, under its old queue',
    async ({ store }) => {
      await add(store, TO_DEAD);
      const { lease } = await claimOne(store);
      await settle(store, lease, failed());

      await unchanged(store, async () => {
        assert.deepEqual(await settle(store, lease, failed()), { outcome: 'ok', state: 'waiting' });
      });
    },
  );

  guarantee(
    'a late worker is told superseded after its job moved on as a dead letter',
    async ({ store, clock }) => {
      await configure(store, { maxCrashes: 0 });
      await add(store, TO_DEAD);
      const { lease } = await claimOne(store);
      await clock.advance(LEASE_MS);
      await reclaimTwice(store);

      await unchanged(store, async () => {
        assert.equal((await settle(store, lease)).outcome, 'superseded');
      });
    },
  );

  guarantee('a dead letter runs in its new queue like any other job', async ({ store }) => {
    await add(store, { id: 'old', ...TO_DEAD });
    await add(store, { id: 'new', queue: 'dead' });
    await failIn(store, 'orders');

    assert.deepEqual(await claimIds(store, 10, 'dead'), ['old', 'new']);
    assert.equal((await store.attempts(at('old', 'dead'))).length, 1);
  });

  guarantee(
    'a job that crashed too often is a dead letter with the cause crashed',
    async ({ store, clock }) => {
      await configure(store, { maxCrashes: 1 });
      await add(store, TO_DEAD);
      for (const state of ['waiting', 'waiting']) {
        await claimOne(store);
        await clock.advance(LEASE_MS);
        const [taken] = await reclaimTwice(store);
        assert.equal(taken?.state, state);
      }

      const job = await jobOf(store, 'a', 'dead');
      assert.equal(job.origin?.cause, 'crashed');
      assert.equal(job.error?.name, 'LeaseExpired');
      assert.deepEqual([job.crashes, job.generation], [0, 2]);
      assert.deepEqual(await totalsOf(store), { added: 1, failed: 1, reclaimed: 2, removed: 1 });
    },
  );

  guarantee('a job may move on from queue to queue, and its last origin counts', async ({ store }) => {
    await add(store, { id: 'a' });
    await configure(store, { deadLetterQueue: 'two' });
    await configure(store, { deadLetterQueue: 'three' }, 'two');
    await failIn(store, 'orders');
    await failIn(store, 'two');

    assert.equal((await jobOf(store, 'a', 'three')).origin?.queue, 'two');
    assert.equal((await jobOf(store, 'a', 'two')).queue, 'three');
    assert.equal((await store.attempts(at('a', 'three'))).length, 2);
  });

  guarantee(
    'of two jobs that moved away under one id the last one is found under the old name',
    async ({ store, clock }) => {
      await add(store, { name: 'first', policy: { deadLetterQueue: 'dead-1' } });
      await failIn(store, 'orders');
      await clock.advance(1_000);
      await add(store, { name: 'second', policy: { deadLetterQueue: 'dead-2' } });
      await failIn(store, 'orders');
      assert.equal((await jobOf(store)).name, 'second');
      await clock.advance(1_000);
      await moveOk(store, { op: 'redrive', job: at('a', 'dead-1'), toQueue: 'orders' });
      await moveOk(store, { op: 'redrive', job: at('a', 'orders'), toQueue: 'dead-1' });

      assert.equal((await jobOf(store)).name, 'first');
    },
  );

  guarantee('a discarded dead letter is gone under both names', async ({ store }) => {
    await add(store, TO_DEAD);
    await failIn(store, 'orders');

    await moveOk(store, { op: 'discard', job: at('a', 'dead') });

    assert.equal(await findJob(store, 'a', 'orders'), null);
    assert.equal(await findJob(store, 'a', 'dead'), null);
    assert.deepEqual(await totalsOf(store, 'dead'), { added: 1, removed: 1 });
  });

  guarantee('a failed job without another queue is itself the dead letter', async ({ store }) => {
    await add(store);
    const { lease } = await claimOne(store);

    const job = await settleOk(store, lease, failed());

    assert.deepEqual([job.queue, job.state, job.generation, job.origin], ['orders', 'failed', 1, null]);
  });
};
