import { expect, test } from 'vitest';
import type { Hint, Store } from '../store/store.ts';
import { testStore } from '../testing/index.ts';
import { Worker } from './worker.ts';

/** What an idle worker that hears this news asks of its store then, without any time passing. */
async function claimsAfter(news: Hint['news']): Promise<number> {
  const t = testStore();
  let claims = 0;
  const heard: ((hint: Hint) => void)[] = [];
  const store: Store = {
    ...t.store,
    claim: (requests) => {
      claims += 1;
      return t.store.claim(requests);
    },
    watch: async (_queues, onNews) => {
      heard.push(onNews);
      return () => {};
    },
  };
  const worker = new Worker('mail', () => null, { connection: { ...t.connection, store } });
  await t.advance(0);
  const before = claims;
  for (const tell of heard) tell({ queue: 'mail', news });
  await t.advance(0);
  const after = claims;
  void worker.close({ force: true });
  await t.advance('20s');
  expect(before).toBe(1);
  return after - before;
}

test.each<Hint['news']>(['ready', 'coming', 'unknown'])(
  'an idle worker claims when it hears "%s"',
  async (news) => {
    expect(await claimsAfter(news)).toBe(1);
  },
);

test.each<Hint['news']>(['taken', 'ended', 'cancel'])(
  'an idle worker does not claim when it hears "%s"',
  async (news) => {
    expect(await claimsAfter(news)).toBe(0);
  },
);
