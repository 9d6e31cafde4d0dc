import { expect, test } from 'vitest';
import { ClosedError, DriverMissingError } from '../errors.ts';
import { lazyStore } from './lazy.ts';
import { memoryStore } from './memory/index.ts';
import type { Store } from './store.ts';

const MEMORY = {
  kind: 'memory',
  can: { transactions: false, shared: false, searchBodies: true, ordered: false },
} as const;
const READS = ['durability', 'sessions', 'operations', 'verify', 'doctor'] as const;

test('a store is opened by the first call, once, however many calls come together', async () => {
  let opened = 0;
  const store = lazyStore({
    ...MEMORY,
    load: async () => {
      opened++;
      return memoryStore();
    },
  });
  expect(opened).toBe(0);
  await Promise.all(READS.map((verb) => store[verb]()));

  expect(opened).toBe(1);
});

test('every verb of a store is passed on', async () => {
  const called: string[] = [];
  const real = memoryStore();
  const spy = new Proxy(real, {
    get: (target, verb) => {
      called.push(String(verb));
      return Reflect.get(target, verb) as unknown;
    },
  });
  const store = lazyStore({ ...MEMORY, load: async () => spy });
  for (const [verb, call] of Object.entries(store)) {
    if (typeof call === 'function') await Promise.resolve(call()).catch(() => {});
    if (verb === 'dump') for await (const _ of store.dump());
  }

  const verbs = Object.entries(real).filter(([, value]) => typeof value === 'function');
  expect(new Set(called.filter((verb) => verb !== 'then'))).toEqual(new Set(verbs.map(([verb]) => verb)));
});

test('one that could not be opened is tried again by the next call', async () => {
  let tries = 0;
  const store = lazyStore({
    ...MEMORY,
    load: async () => {
      if (++tries === 1) throw new DriverMissingError('no driver');
      return memoryStore();
    },
  });

  await expect(store.queues()).rejects.toThrow(DriverMissingError);
  await expect(store.queues()).resolves.toEqual([]);
});

test('closing one that was never used opens nothing, and calls after it are refused', async () => {
  let opened = 0;
  const store = lazyStore({
    ...MEMORY,
    load: async () => {
      opened++;
      return memoryStore();
    },
  });
  await Promise.all([store.close(), store.close()]);

  expect(opened).toBe(0);
  await expect(store.queues()).rejects.toThrow(ClosedError);
});

test('closing while it opens closes what was opened', async () => {
  let closed = 0;
  const real = memoryStore();
  const counting: Store = {
    ...real,
    close: async () => {
      closed++;
    },
  };
  const store = lazyStore({ ...MEMORY, load: async () => counting });
  const used = store.queues();
  await store.close();

  expect(await used).toEqual([]);
  expect(closed).toBe(1);
});
