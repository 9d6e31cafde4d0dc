/** The store is away for a while: the worker says so once, keeps trying, and says when all is well again. */

import { expect, test } from 'vitest';
import { StoreUnavailableError } from '../errors.ts';
import { Queue } from '../queue/queue.ts';
import type { Store } from '../store/store.ts';
import { type TestStore, testStore } from '../testing/index.ts';
import { Worker } from './worker.ts';

const VERBS = ['apply', 'claim', 'commit', 'renew', 'beat', 'upkeep', 'watch', 'feed', 'durability'] as const;

/** A store that can be away, with what was told of it. */
function failing(t: TestStore): { store: Store; setAway(away: boolean): void } {
  let isAway = false;
  const verbs = VERBS.map((verb) => {
    const call = t.store[verb] as (...args: unknown[]) => Promise<unknown>;
    return [
      verb,
      async (...args: unknown[]) => {
        if (isAway) throw new StoreUnavailableError('the disk is gone.');
        return call(...args);
      },
    ];
  });
  const setAway = (away: boolean): void => {
    isAway = away;
  };
  return { store: { ...t.store, ...Object.fromEntries(verbs) } as Store, setAway };
}

function start(t: TestStore, store: Store): { worker: Worker; told: string[] } {
  const told: string[] = [];
  const worker = new Worker('mail', () => undefined, { connection: { ...t.connection, store } });
  worker.on('error', (error) => told.push(error.message));
  worker.on('ready', () => told.push('ready'));
  worker.on('completed', ({ id }) => told.push(`completed ${id}`));
  worker.on('recovered', (downMs) => told.push(`recovered after ${Math.floor(downMs / 1_000)} s or more`));
  return { worker, told };
}

test('a worker that finds no store at its start works within five seconds of the store coming up', async () => {
  const t = testStore();
  const { store, setAway } = failing(t);
  await new Queue('mail', { connection: t.connection }).add('letter', {}, { jobId: 'a' });
  setAway(true);
  const { worker, told } = start(t, store);
  await expect(worker.waitUntilReady()).rejects.toThrow('the disk is gone.');
  await t.advance('60s');
  expect(told).toEqual(['the disk is gone.']);

  setAway(false);
  await t.advance('5s');

  const end = expect.stringMatching(/^recovered after 6\d s or more$/);
  expect(told).toHaveLength(4);
  expect(told).toEqual(expect.arrayContaining(['completed a', 'ready', end]));
  await worker.close({ force: true });
});

test('each outage is told once, and its end', async () => {
  const t = testStore();
  const { store, setAway } = failing(t);
  const { worker, told } = start(t, store);
  await t.advance('1s');
  for (let outage = 0; outage < 2; outage++) {
    setAway(true);
    await t.advance('60s');
    setAway(false);
    await t.advance('5s');
  }

  const end = expect.stringMatching(/^recovered after/);
  expect(told).toEqual(['ready', 'the disk is gone.', end, 'the disk is gone.', end]);
  await worker.close({ force: true });
});
