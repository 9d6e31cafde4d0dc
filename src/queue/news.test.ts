import { expect, test } from 'vitest';
import { StoreUnavailableError } from '../errors.ts';
import { settle } from '../runtime/settle.ts';
import type { Hint, Store } from '../store/store.ts';
import { News } from './news.ts';

/** A store that can be watched, and says how often it is. */
function watchable(fails = 0): { readonly store: Store; readonly watches: string[]; tell(hint: Hint): void } {
  const watchers = new Set<{ readonly name: string; readonly onNews: (hint: Hint) => void }>();
  const watches: string[] = [];
  let left = fails;
  const watch: Store['watch'] = async ([name = ''], onNews) => {
    if (left-- > 0) throw new StoreUnavailableError('away');
    const watcher = { name, onNews };
    watches.push(name);
    watchers.add(watcher);
    return () => {
      if (watchers.delete(watcher)) watches.splice(watches.indexOf(name), 1);
    };
  };
  const tell = (hint: Hint): void => {
    for (const { name, onNews } of watchers) if (name === hint.queue) onNews(hint);
  };
  return { store: { watch } as Store, watches, tell };
}

const READY: Hint = { queue: 'a', news: 'ready' };

test('all listeners of a queue share one watch, which ends with the last of them', async () => {
  const { store, watches, tell } = watchable();
  const news = new News(store);
  const told: string[] = [];
  const [first, second] = await Promise.all(['x', 'y'].map((who) => news.watch('a', () => told.push(who))));
  const other = await news.watch('b', () => told.push('z'));
  tell(READY);

  expect(watches).toEqual(['a', 'b']);
  expect(told).toEqual(['x', 'y']);
  first?.();
  tell(READY);
  expect(told).toEqual(['x', 'y', 'y']);
  second?.();
  other();
  await settle();
  expect(watches).toEqual([]);
});

test('leaving twice takes nobody else along', async () => {
  const { store, watches, tell } = watchable();
  const news = new News(store);
  const told: string[] = [];
  const leave = await news.watch('a', () => {});
  leave();
  await news.watch('a', () => told.push('new'));
  leave();
  await settle();
  tell(READY);

  expect(watches).toEqual(['a']);
  expect(told).toEqual(['new']);
});

test('a store that cannot be watched is tried again by the next one, and rejects nobody', async () => {
  const { store, watches } = watchable(1);
  const news = new News(store);
  const leave = await news.watch('a', () => {});
  expect(watches).toEqual([]);
  await news.watch('a', () => {});
  leave();
  await settle();

  expect(watches).toEqual(['a']);
});

test('a listener may leave while it is being told', async () => {
  const { store, tell } = watchable();
  const news = new News(store);
  const told: string[] = [];
  const leave = await news.watch('a', () => {
    told.push('x');
    leave();
  });
  await news.watch('a', () => told.push('y'));
  tell(READY);
  tell(READY);

  expect(told).toEqual(['x', 'y', 'y']);
});
