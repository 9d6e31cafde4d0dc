import assert from 'node:assert/strict';
import { DEFAULT_QUEUE_SETTINGS } from '../../job/queue-settings.ts';
import type { Backoff } from '../../job/record.ts';
import type { Topic } from './scene.ts';
import {
  add,
  applyOne,
  assertBytes,
  at,
  cancelled,
  claim,
  claimOne,
  configure,
  countsOf,
  failed,
  finish,
  jobOf,
  moveOk,
  newJob,
  parked,
  retry,
  stateOf,
  summaryOf,
  totalsOf,
  unchanged,
  utf8,
} from './support.ts';

const BACKOFFS: readonly Backoff[] = [
  { type: 'fixed', delayMs: 0, jitter: 0 },
  { type: 'exponential', delayMs: 1_000, factor: 1.5, maxMs: 3_600_000, jitter: 0.25 },
  { type: 'custom', name: 'by moon', delayMs: 7 },
];

export const addCases: Topic = (guarantee) => {
  guarantee('a job without delay waits at once, untouched', async ({ store, clock }) => {
    const outcomes = await add(store, { id: 'a' });

    assert.deepEqual(outcomes, [{ id: 'a', outcome: 'created' }]);
    const { body, policy, rank: _rank, ...job } = await jobOf(store);
    assertBytes(body, '{"n":1}');
    assert.deepEqual(policy, newJob().policy);
    assert.deepEqual(job, {
      queue: 'orders',
      id: 'a',
      name: 'mail',
      state: 'waiting',
      contentType: 'application/json',
      headers: {},
      priority: 0,
      addedAt: clock.now(),
      dueAt: null,
      readyAt: clock.now(),
      expiresAt: null,
      firstClaimedAt: null,
      claimedAt: null,
      finishedAt: null,
      generation: 1,
      claims: 0,
      failures: 0,
      crashes: 0,
      token: 0,
      worker: null,
      progress: null,
      result: null,
      error: null,
      cause: null,
      cancelReason: null,
      origin: null,
    });
  });

  guarantee('a job with a delay is delayed until it is due', async ({ store, clock }) => {
    await add(store, { delayMs: 5_000 });

    const job = await jobOf(store);
    assert.equal(job.state, 'delayed');
    assert.equal(job.dueAt, clock.now() + 5_000);
    assert.equal(job.readyAt, null);
    assert.equal(job.addedAt, clock.now());
  });

  guarantee(
    'the time to live counts from now, or from the time a delayed job is due',
    async ({ store, clock }) => {
      await add(
        store,
        { id: 'now', policy: { ttlMs: 700 } },
        { id: 'later', policy: { ttlMs: 700 }, delayMs: 5_000 },
        { id: 'ever' },
      );

      assert.equal((await jobOf(store, 'now')).expiresAt, clock.now() + 700);
      assert.equal((await jobOf(store, 'later')).expiresAt, clock.now() + 5_700);
      assert.equal((await jobOf(store, 'ever')).expiresAt, null);
    },
  );

  guarantee('what the owner said about the job is given back as it was', async ({ store }) => {
    const headers = { traceparent: '00-ab-cd-01', tenant: 7, premium: true, ratio: 0.5, empty: '' };
    const policy = {
      attempts: 1_000_000,
      retryForMs: 1,
      timeoutMs: 2,
      ttlMs: 3,
      deadLetterQueue: 'dead',
      keepCompletedMs: 4,
      keepFailedMs: 0,
    };
    for (const [index, backoff] of BACKOFFS.entries()) {
      const id = `job-${index}`;
      const sketch = { id, name: 'mail/ä 😀', headers, contentType: 'text/plain', priority: 2_097_151 };

      await add(store, { ...sketch, policy: { ...policy, backoff } });

      const job = await jobOf(store, id);
      assert.deepEqual(job.headers, headers);
      assert.deepEqual(job.policy, { ...policy, backoff });
      assert.deepEqual([job.name, job.contentType, job.priority], [sketch.name, 'text/plain', 2_097_151]);
    }
  });

  guarantee('adding an id again answers duplicate and leaves the first job alone', async ({ store }) => {
    await add(store, { id: 'a', name: 'first' });

    const outcomes = await add(store, { id: 'a', name: 'second', body: utf8('other'), priority: 5 });

    assert.deepEqual(outcomes, [{ id: 'a', outcome: 'duplicate' }]);
    const job = await jobOf(store);
    assert.equal(job.name, 'first');
    assert.equal(job.priority, 0);
    assertBytes(job.body, '{"n":1}');
    assert.deepEqual(await countsOf(store), { waiting: 1 });
    assert.deepEqual(await totalsOf(store), { added: 1, duplicates: 1 });
  });

  guarantee('an id is taken whatever the state of the job that has it', async ({ store }) => {
    const states = {
      waiting: () => add(store, { id: 'waiting' }),
      delayed: () => add(store, { id: 'delayed', delayMs: 1_000 }),
      completed: () => finish(store, undefined, { id: 'completed', queue: 'q1' }),
      failed: () => finish(store, failed(), { id: 'failed', queue: 'q2' }),
      cancelled: () => finish(store, cancelled(), { id: 'cancelled', queue: 'q3' }),
      parked: () => finish(store, parked(null), { id: 'parked', queue: 'q4' }),
      active: async () => {
        await add(store, { id: 'active', queue: 'q5' });
        await claimOne(store, { queue: 'q5' });
      },
    };
    const queues: Record<string, string> = {
      completed: 'q1',
      failed: 'q2',
      cancelled: 'q3',
      parked: 'q4',
      active: 'q5',
    };
    for (const [state, make] of Object.entries(states)) {
      const queue = queues[state] ?? 'orders';
      await make();

      const outcomes = await add(store, { id: state, queue });

      assert.deepEqual(outcomes, [{ id: state, outcome: 'duplicate' }]);
      assert.equal(await stateOf(store, state, queue), state);
    }
  });

  guarantee('the same id in two queues is two jobs', async ({ store }) => {
    const outcomes = await add(store, { queue: 'one', name: 'x' }, { queue: 'two', name: 'y' });

    assert.deepEqual(
      outcomes.map((each) => each.outcome),
      ['created', 'created'],
    );
    assert.equal((await jobOf(store, 'a', 'one')).name, 'x');
    assert.equal((await jobOf(store, 'a', 'two')).name, 'y');
  });

  guarantee('ids that only look alike are different jobs', async ({ store }) => {
    const ids = ['A', 'a', 'a ', ' a', '\u00e9', 'e\u0301', '1', '01', '1.0', 'a:b', 'a', 'null', '10'];

    const outcomes = await add(store, ...ids.map((id) => ({ id })));

    assert.equal(outcomes.filter((each) => each.outcome === 'created').length, 12);
    assert.equal((await jobOf(store, 'e\u0301')).id, 'e\u0301');
    assert.equal((await jobOf(store, '01')).id, '01');
  });

  guarantee('the id of a discarded job is free again', async ({ store }) => {
    await add(store, { id: 'a', name: 'first' });
    await moveOk(store, { op: 'discard', job: at('a') });

    const outcomes = await add(store, { id: 'a', name: 'second' });

    assert.deepEqual(outcomes, [{ id: 'a', outcome: 'created' }]);
    assert.equal((await jobOf(store)).name, 'second');
  });

  guarantee(
    'a queue comes into being with its first job, with the usual settings',
    async ({ store, clock }) => {
      assert.deepEqual(await store.queues(), []);

      await add(store, { queue: 'new.queue-1' });

      const summary = await summaryOf(store, 'new.queue-1');
      assert.deepEqual(summary.settings, DEFAULT_QUEUE_SETTINGS);
      assert.equal(summary.createdAt, clock.now());
    },
  );

  guarantee('adding no jobs makes no queue', async ({ store }) => {
    const result = await applyOne(store, { op: 'add', jobs: [] });

    assert.deepEqual(result, { op: 'add', jobs: [] });
    assert.deepEqual(await store.queues(), []);
  });

  guarantee('a paused queue still takes jobs', async ({ store }) => {
    await configure(store, { paused: true });

    await add(store, { id: 'a' });

    assert.equal(await stateOf(store), 'waiting');
  });

  guarantee('later jobs have higher ranks, and a lifo job has a negative one', async ({ store }) => {
    await add(store, { id: 'a' }, { id: 'b' });
    await add(store, { id: 'c', lifo: true }, { id: 'd' });

    const ranks = await Promise.all(['a', 'b', 'c', 'd'].map(async (id) => (await jobOf(store, id)).rank));
    assert.deepEqual(ranks, [1, 2, -3, 4]);
  });

  guarantee('what the caller does with its bytes afterwards does not reach the store', async ({ store }) => {
    const body = utf8('before');
    await add(store, { body });

    body.fill(0);

    assertBytes((await jobOf(store)).body, 'before');
  });

  guarantee('what a reader does with an answer does not reach the store', async ({ store }) => {
    await add(store, { body: utf8('before'), headers: { h: 'x' } });

    await unchanged(store, async () => {
      const job = await jobOf(store);
      job.body.fill(0);
      Object.assign(job, { priority: 9 });
    });

    assertBytes((await jobOf(store)).body, 'before');
  });

  guarantee('a job that waits for its retry keeps its id taken', async ({ store }) => {
    await finish(store, retry(1_000));

    assert.deepEqual(await add(store, { id: 'a' }), [{ id: 'a', outcome: 'duplicate' }]);
    assert.deepEqual((await claim(store)).jobs, []);
  });
};
