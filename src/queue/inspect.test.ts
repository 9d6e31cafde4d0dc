import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { InvalidOptionError } from '../errors.ts';
import { type TestStore, testStore } from '../testing/test-store.ts';
import { Queue } from './queue.ts';
import type { QueueOptions } from './queue-options.ts';

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

const named = (name: string, options: Omit<QueueOptions, 'connection'> = {}): Queue =>
  new Queue(name, { connection: t.connection, ...options });

/** As a caller without types would. */
const untyped = (value: unknown): never => value as never;

describe('reading', () => {
  beforeEach(async () => {
    for (let index = 1; index <= 5; index++) {
      await queue.add(
        index % 2 ? 'odd' : 'even',
        { index },
        { jobId: `j${index}`, delay: index > 3 ? 1_000 : 0 },
      );
    }
  });

  test('counts come in the shape that was asked for', async () => {
    expect(await queue.getJobCounts('waiting', 'active', 'failed', 'delayed')).toEqual({
      ...{ waiting: 3, active: 0, failed: 0, delayed: 2 },
    });
    expect(Object.keys(await queue.getJobCounts())).toHaveLength(8);
    expect(await named('nowhere').getJobCounts('waiting')).toEqual({ waiting: 0 });
  });

  test('a state that is none is refused with what may have been meant', async () => {
    await expect(queue.getJobCounts(untyped('wait'))).rejects.toThrow(/Did you mean "waiting"/);
    await expect(queue.getJobs(untyped(['faild']))).rejects.toThrow(/Did you mean "failed"/);
  });

  test('jobs come newest first, in ranges, in the states that were asked for', async () => {
    const ids = async (...args: Parameters<Queue['getJobs']>): Promise<string[]> =>
      (await queue.getJobs(...args)).map(({ id }) => id);

    expect(await ids()).toEqual(['j5', 'j4', 'j3', 'j2', 'j1']);
    expect(await ids('waiting')).toEqual(['j3', 'j2', 'j1']);
    expect(await ids(['waiting', 'delayed'], 1, 2)).toEqual(['j4', 'j3']);
    expect(await ids('waiting', 1, -1, true)).toEqual(['j2', 'j3']);
    expect(await ids('waiting', 7)).toEqual([]);
    await expect(queue.getJobs('waiting', -2)).rejects.toThrow(InvalidOptionError);
    await expect(queue.getJobs('waiting', 0, 1.5)).rejects.toThrow(InvalidOptionError);
  });

  test('a search by text gives pages that are this queue only', async () => {
    await named('other').add('odd', {});
    const first = await queue.find('name:odd', { limit: 2 });
    const second = await queue.find('name:odd', { limit: 2, cursor: first.cursor });

    expect([first, second].map(({ jobs }) => jobs.map(({ id }) => id))).toEqual([['j5', 'j3'], ['j1']]);
    expect(second).toMatchObject({ cursor: null, complete: true });
    expect((await queue.find({ names: ['even'] }, { order: 'oldest' })).jobs.map(({ id }) => id)).toEqual([
      ...['j2', 'j4'],
    ]);
  });

  test('a search that names another queue, or is misspelt, is refused', async () => {
    await expect(queue.find('queue:other')).rejects.toThrow(/its own jobs only/);
    await expect(queue.find('nam:odd')).rejects.toThrow(/Did you mean "name:"/);
    await expect(queue.find(untyped({ stats: ['failed'] }))).rejects.toThrow(InvalidOptionError);
  });

  test('a job that is not there is undefined', async () => {
    expect(await queue.getJob('j9')).toBeUndefined();
  });

  test('a queue that is not there is told as it would be made', async () => {
    const summary = await named('nowhere').summary();

    expect(summary).toMatchObject({ queue: 'nowhere', counts: { waiting: 0 }, totals: { added: 0 } });
    expect(await t.store.queues(['nowhere'])).toEqual([]);
  });
});
