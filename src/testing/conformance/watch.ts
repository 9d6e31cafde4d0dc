import assert from 'node:assert/strict';
import type { Hint, Store, Unwatch } from '../../store/store.ts';
import type { FakeClock } from '../fake-clock.ts';
import type { Scene, Topic } from './scene.ts';
import {
  add,
  addNamed,
  at,
  claimOne,
  configure,
  failed,
  LEASE_MS,
  moveOk,
  RELEASED,
  reclaimTwice,
  retry,
  settle,
} from './support.ts';

/** Turns that a hint may take from the step to the watcher: it may come from another thread. */
const PATIENCE = 200;

interface Watching {
  readonly hints: Hint[];
  readonly unwatch: Unwatch;
  /** Waits until such a hint has come. A store that cannot tell may say `unknown` instead. */
  heard(news: Hint['news'], queue?: string): Promise<void>;
  forget(): void;
}

async function watching({ store, clock }: Scene, queues: readonly string[] = ['orders']): Promise<Watching> {
  const hints: Hint[] = [];
  const unwatch = await store.watch(queues, (hint) => hints.push(hint));
  return {
    hints,
    unwatch,
    forget: () => hints.splice(0),
    heard: async (news, queue = 'orders') => {
      const isIt = (hint: Hint): boolean =>
        hint.news === 'unknown' || (hint.news === news && hint.queue === queue);
      for (let turn = 0; turn < PATIENCE && !hints.some(isIt); turn += 1) await clock.advance(0);
      assert.ok(hints.some(isIt), `no hint ${news} of ${queue}; there were ${JSON.stringify(hints)}`);
    },
  };
}

async function quiet(clock: FakeClock): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await clock.advance(0);
}

async function held(store: Store): ReturnType<typeof claimOne> {
  await add(store);
  return claimOne(store);
}

export const watchCases: Topic = (guarantee) => {
  guarantee('a watcher hears that jobs are ready', async (scene) => {
    const watcher = await watching(scene);

    await add(scene.store);

    await watcher.heard('ready');
  });

  guarantee('a watcher hears of a delayed job, which may be the next one due', async (scene) => {
    const watcher = await watching(scene);

    await add(scene.store, { delayMs: 5_000 });

    await watcher.heard('ready');
  });

  guarantee('a watcher hears that a job was handed back, retried or taken back', async (scene) => {
    const { store, clock } = scene;
    for (const next of [RELEASED, retry()]) {
      const { lease } = await held(store);
      const watcher = await watching(scene);
      await settle(store, lease, next);
      await watcher.heard('ready');
      watcher.unwatch();
      await moveOk(store, { op: 'discard', job: at('a') });
    }
    await held(store);
    await clock.advance(LEASE_MS);
    const watcher = await watching(scene);

    await reclaimTwice(store);

    await watcher.heard('ready');
  });

  guarantee('a watcher hears that a job was promoted, redriven or that its queue resumed', async (scene) => {
    const { store } = scene;
    await add(store, { id: 'd', delayMs: 5_000 });
    const watcher = await watching(scene);
    await moveOk(store, { op: 'promote', job: at('d') });
    await watcher.heard('ready');
    const { lease } = await claimOne(store);
    await settle(store, lease, failed());
    watcher.forget();
    await moveOk(store, { op: 'redrive', job: at('d'), toQueue: null });
    await watcher.heard('ready');
    await configure(store, { paused: true });
    watcher.forget();

    await configure(store, { paused: false });

    await watcher.heard('ready');
    await watcher.heard('settings');
  });

  guarantee('a watcher hears that a job ended, however it did', async (scene) => {
    const { store } = scene;
    const { lease } = await held(store);
    const watcher = await watching(scene);
    await settle(store, lease);
    await watcher.heard('ended');
    await add(store, { id: 'b' });
    watcher.forget();

    await moveOk(store, { op: 'cancel', job: at('b'), reason: 'x' });

    await watcher.heard('ended');
  });

  guarantee('a watcher hears that a running job should stop', async (scene) => {
    await held(scene.store);
    const watcher = await watching(scene);

    await moveOk(scene.store, { op: 'cancel', job: at('a'), reason: 'x' });

    await watcher.heard('cancel');
  });

  guarantee('a watcher of all queues hears of every queue', async (scene) => {
    const watcher = await watching(scene, []);

    await add(scene.store, { queue: 'one' }, { queue: 'two' });

    await watcher.heard('ready', 'one');
    await watcher.heard('ready', 'two');
  });

  guarantee('a watcher hears nothing of other queues', async (scene) => {
    const watcher = await watching(scene);

    await add(scene.store, { queue: 'other' });
    await quiet(scene.clock);

    assert.deepEqual(
      watcher.hints.filter((hint) => hint.queue === 'other'),
      [],
    );
  });

  guarantee('who does not watch any more hears nothing, and stopping twice is fine', async (scene) => {
    const watcher = await watching(scene);
    watcher.unwatch();
    watcher.unwatch();

    await add(scene.store);
    await quiet(scene.clock);

    assert.deepEqual(watcher.hints, []);
  });

  guarantee('several watchers hear the same news', async (scene) => {
    const watchers = [await watching(scene), await watching(scene), await watching(scene, [])];

    await add(scene.store);

    for (const watcher of watchers) await watcher.heard('ready');
  });

  guarantee('a refused call is no news', async (scene) => {
    await add(scene.store);
    await quiet(scene.clock);
    const watcher = await watching(scene);

    await moveOk(scene.store, { op: 'discard', job: at('a') });
    await scene.store.apply([{ op: 'promote', job: at('none') }]);
    await quiet(scene.clock);

    assert.deepEqual(
      watcher.hints.filter((hint) => hint.news === 'ready'),
      [],
    );
    await addNamed(scene.store, 'b');
  });
};
