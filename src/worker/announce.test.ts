import { expect, test } from 'vitest';
import { testStore } from '../testing/index.ts';
import { announceWorker, type MadeWorker, onWorkerMade } from './announce.ts';
import { Worker } from './worker.ts';

test('a worker is announced with its store while somebody listens, and not after', async () => {
  const t = testStore();
  const made: MadeWorker[] = [];
  const stop = onWorkerMade((each) => made.push(each));

  const worker = new Worker('emails', async () => {}, { connection: t.connection, autorun: false });
  stop();
  announceWorker({ worker: 'another', store: t.store });

  expect(made.map((each) => each.worker)).toEqual([worker]);
  expect(await made[0]?.store.queues()).toEqual([]);
  await worker.close();
});
