import { afterEach, expect, test } from 'vitest';
import { StoreUnavailableError } from '../errors.ts';
import { settle } from '../runtime/settle.ts';
import type { Store } from '../store/store.ts';
import { testStore } from '../testing/index.ts';
import { Worker } from './worker.ts';

const stray: unknown[] = [];
const onStray = (thrown: unknown): void => void stray.push(thrown);

afterEach(() => {
  process.off('unhandledRejection', onStray);
});

test('a store that is away at the start is an error of the worker, and not one that ends the process', async () => {
  process.on('unhandledRejection', onStray);
  const t = testStore();
  const store: Store = {
    ...t.store,
    beat: () => Promise.reject(new StoreUnavailableError('away')),
    watch: () => new Promise(() => undefined),
  };
  const worker = new Worker('mail', () => undefined, { connection: { ...t.connection, store } });
  worker.on('error', () => undefined);

  await settle();

  expect(stray).toEqual([]);
  void worker.close({ force: true });
  await t.advance('30s');
});
