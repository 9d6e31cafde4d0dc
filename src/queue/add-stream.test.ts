import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BulkStoppedError, InvalidOptionError } from '../errors.ts';
import { Deferred } from '../runtime/deferred.ts';
import { settle } from '../runtime/settle.ts';
import type { Store } from '../store/store.ts';
import { type TestStore, testStore } from '../testing/test-store.ts';
import { type BulkJob, Queue } from './queue.ts';
import type { UntypedJobs } from './types.ts';

let t: TestStore;
let queue: Queue;

beforeEach(() => {
  t = testStore();
  queue = new Queue('orders', { connection: t.connection });
});

afterEach(async () => {
  await queue.close();
  await t.close();
});

type Any = BulkJob<UntypedJobs>;

const jobOf = (index: number): Any => ({ name: 'ship', data: index, opts: { jobId: `j${index}` } });

/** As a caller without types would. */
const untyped = (value: unknown): never => value as never;

/** Says how many were read, and whether whoever read them has let go. */
function sourceOf(size: number): {
  readonly jobs: AsyncIterable<Any>;
  readonly seen: { read: number; over: boolean };
} {
  const seen = { read: 0, over: false };
  async function* make(): AsyncGenerator<Any> {
    try {
      while (seen.read < size) yield jobOf(seen.read++);
    } finally {
      seen.over = true;
    }
  }
  return { jobs: make(), seen };
}

async function idsInOrder(): Promise<(string | undefined)[]> {
  const jobs = await queue.getJobs(['waiting'], 0, -1, true);
  return jobs.map(({ id }) => id);
}

const numbered = (size: number): string[] => Array.from({ length: size }, (_, index) => `j${index}`);

/** The same store, its adds held until they are let go one by one. */
function held(store: Store): { readonly store: Store; readonly gates: Deferred[] } {
  const gates: Deferred[] = [];
  const apply: Store['apply'] = async (effects, options) => {
    if (!effects.some(({ op }) => op === 'add')) return store.apply(effects, options);
    const gate = new Deferred();
    gates.push(gate);
    await gate.promise;
    return store.apply(effects, options);
  };
  return { store: { ...store, apply }, gates };
}

describe('addBulk from a source', () => {
  test('adds all it gives, in its order, and says how many', async () => {
    const progress = await queue.addBulk(sourceOf(1_203).jobs, { sliceSize: 100 });

    expect(progress).toEqual({ added: 1_203, duplicates: 0 });
    expect(await idsInOrder()).toEqual(numbered(1_203));
  });

  test('takes what is iterable without waiting, too, and of nothing does nothing', async () => {
    const some = (function* () {
      for (let index = 0; index < 3; index++) yield jobOf(index);
    })();

    expect(await queue.addBulk(some)).toEqual({ added: 3, duplicates: 0 });
    expect(await queue.addBulk(sourceOf(0).jobs)).toEqual({ added: 0, duplicates: 0 });
    expect(await idsInOrder()).toEqual(numbered(3));
  });

  test('tells after each step how far it is, and counts what was there already', async () => {
    await queue.add('ship', 0, { jobId: 'j3' });
    const told: unknown[] = [];
    await queue.addBulk(sourceOf(5).jobs, { sliceSize: 2, onProgress: (progress) => told.push(progress) });

    expect(told).toEqual([
      { added: 2, duplicates: 0 },
      { added: 3, duplicates: 1 },
      { added: 4, duplicates: 1 },
    ]);
  });

  test('reads no further than one slice beyond the one that is written', async () => {
    const { store, gates } = held(t.store);
    const slow = new Queue('orders', { connection: { ...t.connection, store } });
    const { jobs, seen } = sourceOf(10_000);
    const adding = slow.addBulk(jobs, { sliceSize: 10 });

    for (let slices = 1; slices <= 20; slices++) {
      for (let turns = 0; turns < 200; turns++) await Promise.resolve();
      await settle();
      expect(gates).toHaveLength(slices);
      // One more is looked at to know that the slice is full.
      expect(seen.read).toBeLessThanOrEqual((slices + 1) * 10 + 1);
      gates.at(-1)?.resolve();
    }
    const rest = letAllGo(gates);
    expect(await adding).toEqual({ added: 10_000, duplicates: 0 });
    rest.stop();
    await slow.close();
  });

  test('ends a step early when its payloads are large', async () => {
    const large = (function* () {
      for (let index = 0; index < 6; index++)
        yield { name: 'ship', data: 'x'.repeat(1_000_000), opts: { jobId: `j${index}` } };
    })();
    const told: number[] = [];
    await queue.addBulk(large, { onProgress: ({ added }) => told.push(added) });

    expect(told).toEqual([4, 6]);
  });

  test('stops at a bad job, says which and how many were added, and lets go of the source', async () => {
    const seen = { over: false };
    async function* source(): AsyncGenerator<Any> {
      try {
        for (let index = 0; index < 7; index++) yield jobOf(index);
        yield untyped({ name: 'ship', data: 7, opts: { attemps: 2 } });
        yield jobOf(8);
      } finally {
        seen.over = true;
      }
    }
    const refused = queue.addBulk(source(), { sliceSize: 2 });

    await expect(refused).rejects.toThrow(BulkStoppedError);
    await expect(refused).rejects.toMatchObject({ code: 'MILLRACE_BULK_STOPPED', added: 6, duplicates: 0 });
    await expect(refused).rejects.toThrow(/"orders".*jobs\[7\]\.opts\.attemps.*attempts/s);
    expect(await idsInOrder()).toEqual(numbered(6));
    expect(seen.over).toBe(true);
  });

  test('tells of a source that fails, and of a listener that throws', async () => {
    async function* broken(): AsyncGenerator<Any> {
      yield jobOf(0);
      throw new Error('the file ends here');
    }
    const fails = (): never => {
      throw new Error('no terminal');
    };

    await expect(queue.addBulk(broken())).rejects.toMatchObject({
      added: 0,
      cause: { message: 'the file ends here' },
    });
    await expect(queue.addBulk(sourceOf(2).jobs, { onProgress: fails })).rejects.toMatchObject({ added: 2 });
  });

  test('reads and adds nothing more once its signal has fired', async () => {
    const stop = new AbortController();
    const { jobs, seen } = sourceOf(100);
    const onProgress = ({ added }: { readonly added: number }): void => {
      if (added === 20) stop.abort();
    };
    const stopped = queue.addBulk(jobs, { sliceSize: 10, signal: stop.signal, onProgress });

    await expect(stopped).rejects.toMatchObject({ cause: { name: 'AbortError' }, added: 20 });
    expect(seen.over).toBe(true);
    expect(seen.read).toBeLessThanOrEqual(31);
    expect(await idsInOrder()).toEqual(numbered(20));
  });

  test('refuses options that are wrong before it reads anything', async () => {
    const { jobs, seen } = sourceOf(3);

    await expect(queue.addBulk(jobs, { sliceSize: 1_001 })).rejects.toThrow(InvalidOptionError);
    await expect(queue.addBulk(jobs, untyped({ spreadMs: 5 }))).rejects.toThrow(/spreadMs: is for an array/);
    await expect(queue.addBulk(jobs, untyped({ onprogress: 1 }))).rejects.toThrow(/onProgress/);
    expect(seen.read).toBe(0);
  });
});

/** Lets everything go that comes, until it is stopped. */
function letAllGo(gates: readonly Deferred[]): { stop(): void } {
  let isOver = false;
  void (async () => {
    while (!isOver) {
      gates.at(-1)?.resolve();
      await settle();
    }
  })();
  return {
    stop: () => {
      isOver = true;
    },
  };
}

describe('addBulk with spreadMs', () => {
  const bulk = (size: number): Any[] => Array.from({ length: size }, (_, index) => jobOf(index));

  test('spreads the starts evenly, the first at once', async () => {
    const jobs = await queue.addBulk(bulk(4), { spreadMs: 1_000 });

    expect(jobs.map(({ delay, state }) => [delay, state])).toEqual([
      [0, 'waiting'],
      [250, 'delayed'],
      [500, 'delayed'],
      [750, 'delayed'],
    ]);
    expect((await queue.getJob('j3'))?.toJSON()).toEqual(jobs[3]?.toJSON());
  });

  test('comes on top of the delay that a job has of its own, and may be a text', async () => {
    const own = bulk(2).map((job) => ({ ...job, opts: { ...job.opts, delay: 100 } }));
    const jobs = await queue.addBulk(own, { spreadMs: '1m' });

    expect(jobs.map(({ delay }) => delay)).toEqual([100, 30_100]);
  });

  test('is refused when it is no time, or with an option of sources', async () => {
    await expect(queue.addBulk(bulk(1), { spreadMs: -1 })).rejects.toThrow(InvalidOptionError);
    await expect(queue.addBulk(bulk(1), untyped({ sliceSize: 5 }))).rejects.toThrow(
      /sliceSize: is not an option/,
    );
    expect(await t.store.queues()).toEqual([]);
  });
});
