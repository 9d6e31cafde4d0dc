import assert from 'node:assert/strict';
import type { Topic } from './scene.ts';
import {
  add,
  at,
  COMPLETED,
  cancelled,
  claimOne,
  errorOf,
  failed,
  finish,
  moveOk,
  parked,
  RELEASED,
  retry,
  settle,
  settleOk,
  unchanged,
} from './support.ts';

export const attemptsCases: Topic = (guarantee) => {
  guarantee(
    'every attempt leaves a record of who, when, how it ended and with which error',
    async ({ store, clock }) => {
      await add(store);
      const { lease } = await claimOne(store, { worker: 'w-1' });
      const startedAt = clock.now();
      await clock.advance(120);
      await settle(store, lease, retry(3_000, 'timeout'), { traceId: 'abc123' });

      assert.deepEqual(await store.attempts(at('a')), [
        {
          number: 1,
          generation: 1,
          token: lease.token,
          worker: 'w-1',
          startedAt,
          endedAt: startedAt + 120,
          outcome: 'retried',
          error: errorOf('timeout'),
          retryAfterMs: 3_000,
          traceId: 'abc123',
        },
      ]);
    },
  );

  guarantee('the record says how the attempt ended, whichever way it was', async ({ store }) => {
    const ends = {
      completed: COMPLETED,
      failed: failed('f'),
      retried: retry(0, 'r'),
      released: RELEASED,
      cancelled: cancelled(),
      parked: parked(1_000),
    };
    for (const [outcome, next] of Object.entries(ends)) {
      await finish(store, next, { id: outcome, queue: outcome });
      const [attempt] = await store.attempts(at(outcome, outcome));
      assert.equal(attempt?.outcome, outcome);
      assert.equal(attempt.retryAfterMs, outcome === 'retried' ? 0 : null);
      const message = { failed: 'f', retried: 'r' }[outcome];
      assert.equal(attempt.error?.message, message);
      assert.equal(attempt.traceId, null);
    }
  });

  guarantee(
    'a retry that a cancel turned around is recorded as cancelled, with its error',
    async ({ store }) => {
      await add(store);
      const { lease } = await claimOne(store);
      await moveOk(store, { op: 'cancel', job: at('a'), reason: 'stop' });
      await settleOk(store, lease, retry(1_000, 'aborted'));

      const [attempt] = await store.attempts(at('a'));

      assert.equal(attempt?.outcome, 'cancelled');
      assert.deepEqual(attempt.error, errorOf('aborted'));
    },
  );

  guarantee('attempts are numbered by claim and listed in order', async ({ store }) => {
    await add(store);
    for (const next of [RELEASED, retry(), parked(0), failed()]) {
      const { lease } = await claimOne(store);
      await settleOk(store, lease, next);
    }

    const attempts = await store.attempts(at('a'));

    assert.deepEqual(
      attempts.map((each) => each.number),
      [1, 2, 3, 4],
    );
    assert.deepEqual(
      attempts.map((each) => each.outcome),
      ['released', 'retried', 'parked', 'failed'],
    );
  });

  guarantee('a refused settlement leaves no record', async ({ store }) => {
    await add(store);
    const { lease } = await claimOne(store);

    await unchanged(store, () => settle(store, { ...lease, token: lease.token + 1 }, failed()));

    assert.deepEqual(await store.attempts(at('a')), []);
  });

  guarantee('a running attempt is not recorded yet', async ({ store }) => {
    await add(store);
    await claimOne(store);

    assert.deepEqual(await store.attempts(at('a')), []);
    assert.deepEqual(await store.attempts(at('none')), []);
  });

  guarantee(
    'only the newest thousand attempts of a job are kept, under their own numbers',
    async ({ store }) => {
      await add(store);
      let lease = (await claimOne(store)).lease;
      for (let n = 0; n < 1_002; n += 1) {
        const { claimed } = await store.commit(
          [{ lease, next: RELEASED, mode: 'strict' }],
          [{ claimId: `again-${n}`, queue: 'orders', limit: 1, worker: 'w', leaseMs: 1_000 }],
        );
        const next = claimed[0]?.jobs[0];
        assert.ok(next !== undefined);
        lease = next.lease;
      }

      const attempts = await store.attempts(at('a'));

      assert.equal(attempts.length, 1_000);
      assert.deepEqual([attempts[0]?.number, attempts.at(-1)?.number], [3, 1_002]);
    },
  );

  guarantee('discarding a job takes its attempts and its log away', async ({ store }) => {
    await finish(store);
    await moveOk(store, { op: 'log', job: at('a'), lines: ['x'] });
    await moveOk(store, { op: 'discard', job: at('a') });
    await add(store);

    assert.deepEqual(await store.attempts(at('a')), []);
    assert.deepEqual(await store.logs(at('a'), 0, 10), []);
  });

  guarantee(
    'an attempt may end before it began when the clock goes back, but takes no negative time',
    async ({ store, clock }) => {
      await add(store);
      const { lease } = await claimOne(store);
      clock.shift(-1_000);
      await settleOk(store, lease);

      const points = await store.stats({ queue: 'orders', step: 'minute', withinMs: 3_600_000 });

      const runs = points.flatMap((point) => point.run.slice(0, 1));
      assert.equal(Math.max(...runs), 1);
    },
  );
};
