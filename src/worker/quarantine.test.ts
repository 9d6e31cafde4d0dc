/** Several processes acted out on one store and one clock: each has a connection of its own. */

import { afterEach, beforeEach, expect, test } from 'vitest';
import type { JobOptions } from '../job/options.ts';
import { Queue } from '../queue/queue.ts';
import { Deferred } from '../runtime/deferred.ts';
import type { Store } from '../store/store.ts';
import { type TestStore, testStore } from '../testing/index.ts';
import type { WorkerOptions } from './options.ts';
import { type Processor, Worker } from './worker.ts';

const LEASE_MS = 30_000;

let t: TestStore;
let queue: Queue;
let workers: Worker[] = [];

beforeEach(() => {
  t = testStore();
  queue = new Queue('mail', { connection: t.connection });
});

afterEach(async () => {
  const closed = workers.map((worker) => worker.close({ force: true }));
  await t.advance('30s');
  await Promise.all(closed);
  workers = [];
  await queue.close();
});

interface Acted {
  readonly connection: TestStore['connection'];
  /** From now on none of its calls gets anywhere. */
  die(): void;
}

function actProcess(): Acted {
  let dead = false;
  const names = ['claim', 'commit', 'renew', 'beat', 'endSession', 'upkeep', 'apply'] as const;
  const calls = names.map((name) => {
    const call = t.store[name] as (...all: unknown[]) => unknown;
    return [name, (...args: unknown[]) => (dead ? new Promise(() => undefined) : call(...args))];
  });
  const store = { ...t.store, ...(Object.fromEntries(calls) as Partial<Store>) };
  return {
    connection: { ...t.connection, store },
    die: () => {
      dead = true;
    },
  };
}

function work({ connection }: Acted, processor: Processor, options: WorkerOptions = {}): Worker {
  const worker = new Worker('mail', processor, { connection, concurrency: 4, ...options });
  workers.push(worker);
  worker.on('error', () => undefined);
  return worker;
}

const add = (id: string, options: JobOptions = {}) => queue.add('welcome', null, { jobId: id, ...options });
const jobOf = async (id: string) =>
  (await t.store.job({ queue: 'mail', id })) ?? { state: 'gone', crashes: 0 };
const crashesOf = async (...ids: string[]) => Promise.all(ids.map(async (id) => (await jobOf(id)).crashes));
const statesOf = async (...ids: string[]) => Promise.all(ids.map(async (id) => (await jobOf(id)).state));

/** Each of the jobs is made to have seen its process die so often. */
async function crash(times: number, ...ids: string[]): Promise<void> {
  for (let n = 0; n < times; n += 1) {
    const claim = { claimId: `crash-${n}`, queue: 'mail', limit: ids.length, worker: 'dead', leaseMs: 0 };
    await t.store.claim([{ ...claim, quarantine: true }]);
    await t.upkeep({ reclaim: true });
    await t.upkeep({ reclaim: true });
  }
  expect(await crashesOf(...ids)).toEqual(ids.map(() => times));
}

/** A processor that keeps all that begin until they are let go, by id. */
class Held {
  readonly running: string[] = [];
  readonly #ends = new Map<string, Deferred>();

  readonly process: Processor = async (job, { signal }) => {
    const end = new Deferred();
    this.running.push(job.id);
    this.#ends.set(job.id, end);
    signal.addEventListener('abort', () => end.reject(signal.reason));
    await end.promise.finally(() => this.running.splice(this.running.indexOf(job.id), 1));
  };

  async end(...ids: string[]): Promise<void> {
    for (const id of ids) this.#ends.get(id)?.resolve();
    await t.advance(0);
  }
}

test('a job that saw two processes die begins when all others here have ended, and none begins beside it', async () => {
  const held = new Held();
  await add('suspect');
  await crash(2, 'suspect');
  for (const id of ['a', 'b']) await add(id);
  work(actProcess(), held.process);
  await t.advance(0);
  expect(held.running).toEqual(['a', 'b']);
  await add('late');

  await held.end('a');
  expect(held.running).toEqual(['b']);
  await held.end('b');
  expect(held.running).toEqual(['suspect']);
  await t.advance('5s');
  expect(held.running).toEqual(['suspect']);
  await held.end('suspect');

  expect(held.running).toEqual(['late']);
  expect(await statesOf('a', 'b', 'suspect')).toEqual(['completed', 'completed', 'completed']);
});

test('it is alone among all workers of the process, whichever queue they work on', async () => {
  const held = new Held();
  await add('suspect');
  await crash(2, 'suspect');
  const here = actProcess();
  const others = new Queue('other', { connection: here.connection });
  const other = new Worker('other', held.process, { connection: here.connection, concurrency: 4 });
  workers.push(other);
  await others.add('x', null, { jobId: 'x' });
  await t.advance(0);
  work(here, held.process);
  await t.advance(0);
  expect(held.running).toEqual(['x']);
  await held.end('x');
  expect(held.running).toEqual(['suspect']);

  await others.add('y', null, { jobId: 'y' });
  await t.advance('5s');
  expect(held.running).toEqual(['suspect']);
  await held.end('suspect');
  expect(held.running).toEqual(['y']);
  await others.close();
});

test('the process that dies beside its neighbours loses no one but the poison', async () => {
  await queue.configure({ maxCrashes: 2 });
  const neighbours = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
  for (const id of ['poison', ...neighbours]) await add(id);
  let deaths = 0;
  const start = (): void => {
    const acted = actProcess();
    let dead = false;
    const processor: Processor = async (job) => {
      if (job.id === 'poison') {
        dead = true;
        acted.die();
        deaths += 1;
      }
      if (dead) await new Promise(() => undefined);
      // Beside the poison all of them are caught in the middle; alone they pass.
      await new Promise<void>((resolve) => t.clock.after(10, resolve));
    };
    work(acted, processor, { concurrency: 9 });
  };
  for (let round = 0; round < 12 && (await statesOf('poison'))[0] !== 'failed'; round += 1) {
    start();
    await t.advance('3m');
  }
  start();
  await t.advance('5m');

  expect(deaths).toBeLessThanOrEqual(5);
  expect(await jobOf('poison')).toMatchObject({ state: 'failed', cause: 'crashed', failures: 0 });
  expect(await statesOf(...neighbours)).toEqual(neighbours.map(() => 'completed'));
});

test('a suspect that finds no quiet moment is handed back, and the others go on', async () => {
  const held = new Held();
  await add('suspect');
  await crash(2, 'suspect');
  await add('long');
  const worker = work(actProcess(), held.process);
  const why = new Promise((resolve) => worker.once('released', (job, told) => resolve([job.id, told])));
  await t.advance(0);
  await add('next');
  await t.advance(LEASE_MS - 1);
  expect(held.running).toEqual(['long']);

  await t.advance(1);

  expect(await why).toEqual(['suspect', expect.stringContaining('alone')]);
  expect(held.running).toEqual(['long', 'next']);
  expect(await jobOf('suspect')).toMatchObject({ state: 'delayed', failures: 0, crashes: 2 });
  await held.end('long', 'next');
  await t.advance(LEASE_MS);
  expect(held.running).toEqual(['suspect']);
});

test('one that runs for long gets company again, and is not blamed for what happens then', async () => {
  await queue.configure({ maxCrashes: 2 });
  const held = new Held();
  await add('suspect');
  await crash(2, 'suspect');
  const acted = actProcess();
  work(acted, held.process);
  await t.advance(0);
  await add('next');
  await t.advance(LEASE_MS - 1);
  expect(held.running).toEqual(['suspect']);
  await t.advance(1);
  expect(held.running).toEqual(['suspect', 'next']);

  acted.die();
  await t.advance(LEASE_MS);
  await t.upkeep({ reclaim: true });
  await t.advance(LEASE_MS / 10);
  await t.upkeep({ reclaim: true });

  expect(await jobOf('suspect')).toMatchObject({ state: 'waiting', crashes: 3 });
});

test('with every crash it has twice the time alone, so that one that kills late is found, too', async () => {
  const held = new Held();
  await add('suspect');
  await crash(4, 'suspect');
  work(actProcess(), held.process);
  await t.advance(0);
  await add('next');

  await t.advance(4 * LEASE_MS - 1);
  expect(held.running).toEqual(['suspect']);
  await t.advance(1);
  expect(held.running).toEqual(['suspect', 'next']);
});

test('what is claimed while a job runs alone goes back at once, for other processes', async () => {
  const held = new Held();
  await add('suspect');
  await crash(2, 'suspect');
  const here = actProcess();
  const { store } = here.connection;
  const slow = new Deferred();
  const claim = store.claim;
  Object.assign(store, {
    claim: async (requests: Parameters<Store['claim']>[0]) => {
      const answer = await claim(requests);
      if (answer.some(({ jobs }) => jobs.some(({ job }) => job.id === 'late'))) await slow.promise;
      return answer;
    },
  });
  const late = new Queue('other', { connection: t.connection });
  await late.add('x', null, { jobId: 'late' });
  const worker = new Worker('other', held.process, { connection: here.connection });
  workers.push(worker);
  const released = new Promise((resolve) => worker.once('released', (job) => resolve(job.id)));
  await t.advance(0);
  work(here, held.process);
  await t.advance(0);
  expect(held.running).toEqual(['suspect']);

  slow.resolve();
  await t.advance(0);

  expect(await released).toBe('late');
  expect((await t.store.job({ queue: 'other', id: 'late' }))?.state).toBe('waiting');
  expect(held.running).toEqual(['suspect']);
  await held.end('suspect');
  expect(held.running).toEqual(['late']);
  await late.close();
});

test('a suspect with a timeout has all of it once it begins', async () => {
  const held = new Held();
  await add('suspect', { timeout: '20s', attempts: 1 });
  await crash(2, 'suspect');
  await add('long');
  work(actProcess(), held.process);
  await t.advance('15s');
  await held.end('long');
  expect(held.running).toEqual(['suspect']);

  await t.advance('19s');
  expect(held.running).toEqual(['suspect']);
  await held.end('suspect');
  expect(await statesOf('suspect')).toEqual(['completed']);
});

test('a suspect that is cancelled while it waits never begins', async () => {
  const held = new Held();
  await add('suspect');
  await crash(2, 'suspect');
  await add('long');
  const worker = work(actProcess(), held.process);
  await t.advance(0);
  await worker.cancelJob('suspect');
  await t.advance(0);

  expect(await statesOf('suspect')).toEqual(['cancelled']);
  expect(held.running).toEqual(['long']);
});

test('a worker that closes hands back a suspect that waits', async () => {
  const held = new Held();
  await add('suspect');
  await crash(2, 'suspect');
  await add('long');
  const worker = work(actProcess(), held.process);
  await t.advance(0);
  const closed = worker.close({ force: true });
  await t.advance('10s');
  await closed;

  expect(await statesOf('long', 'suspect')).toEqual(['waiting', 'waiting']);
});

test('while the store does not know that it is alone, a suspect does not begin', async () => {
  const held = new Held();
  const acted = actProcess();
  const { store } = acted.connection;
  const apply: Store['apply'] = async (effects, options) => {
    if (effects.some(({ op }) => op === 'isolate')) throw new Error('the disk is away');
    return t.store.apply(effects, options);
  };
  Object.assign(store, { apply });
  await add('suspect');
  await crash(2, 'suspect');
  work(acted, held.process);
  await t.advance(0);

  expect(held.running).toEqual([]);
  expect(await statesOf('suspect')).toEqual(['delayed']);
});
