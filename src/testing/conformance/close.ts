import assert from 'node:assert/strict';
import { ClosedError } from '../../errors.ts';
import type { Store } from '../../store/store.ts';
import type { Topic } from './scene.ts';
import {
  add,
  at,
  claimRequest,
  countsOf,
  dumpOf,
  FIRST_PAGE,
  findJob,
  newJob,
  session,
  upkeep,
} from './support.ts';

/** Every verb, called rightly. */
const VERBS: Readonly<Record<string, (store: Store) => Promise<unknown>>> = {
  durability: (store) => store.durability(),
  apply: (store) => store.apply([{ op: 'add', jobs: [newJob()] }]),
  claim: (store) => store.claim([claimRequest()]),
  commit: (store) => store.commit([], [claimRequest()]),
  renew: (store) => store.renew([{ ...at('a'), token: 1 }], 1_000),
  beat: (store) => store.beat([session()]),
  endSession: (store) => store.endSession('worker-1'),
  upkeep: (store) => upkeep(store),
  job: (store) => store.job(at('a')),
  attempts: (store) => store.attempts(at('a')),
  logs: (store) => store.logs(at('a'), 0, 1),
  find: (store) => store.find({}, FIRST_PAGE),
  queues: (store) => store.queues(),
  stats: (store) => store.stats({ queue: 'orders', step: 'minute', withinMs: 1 }),
  sessions: (store) => store.sessions(),
  feed: (store) => store.feed({ queues: ['orders'], after: null, limit: 1, keepMs: 0 }),
  operations: (store) => store.operations(),
  audit: (store) => store.audit(1),
  watch: (store) => store.watch([], () => undefined),
  verify: (store) => store.verify(),
  doctor: (store) => store.doctor(),
  dump: (store) => dumpOf(store),
};

export const closeCases: Topic = (guarantee) => {
  guarantee('a closed store answers every verb with ClosedError', async ({ store }) => {
    await add(store);
    await store.close();

    for (const [verb, call] of Object.entries(VERBS)) {
      await assert.rejects(call(store), ClosedError, verb);
    }
  });

  guarantee('a store may be closed twice, also at once, and without having been used', async ({ store }) => {
    await Promise.all([store.close(), store.close()]);
    await store.close();

    await assert.rejects(store.verify(), ClosedError);
  });

  guarantee('calls that are under way when a store is closed finish first', async ({ store }) => {
    const calls = Array.from({ length: 20 }, (_, n) => add(store, { id: `job-${n}` }));

    const closed = store.close();
    const outcomes = await Promise.all(calls);
    await closed;

    assert.ok(outcomes.flat().every((each) => each.outcome === 'created'));
  });

  guarantee(
    'what was acknowledged before the end is there at the next start',
    async (scene) => {
      const calls = Array.from({ length: 20 }, (_, n) => add(scene.store, { id: `job-${n}` }));
      await Promise.all([...calls, scene.store.close()]);

      const store = await scene.reopen();

      assert.deepEqual(await countsOf(store), { waiting: 20 });
    },
    'reopen',
  );

  guarantee('a closed store tells its watchers nothing any more', async ({ store, clock }) => {
    let heard = 0;
    const unwatch = await store.watch([], () => {
      heard += 1;
    });
    await store.close();
    for (let turn = 0; turn < 5; turn += 1) await clock.advance(1_000);

    assert.equal(heard, 0);
    unwatch();
  });

  guarantee(
    'closing one handle leaves the others open',
    async (scene) => {
      const other = await scene.reopen();
      await scene.store.close();

      await add(other);

      assert.equal((await findJob(other))?.state, 'waiting');
    },
    'reopen',
  );
};
