/** Queues with a hash tag each: what crosses them is delivered once, whoever dies in between. */

import { Redis } from 'ioredis';
import { Queue, Worker } from 'millrace';
import { redisStore } from 'millrace/redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LeaseRef } from '../../src/job/record.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { aclOf } from '../../src/store/redis/acl.ts';
import { Engine } from '../../src/store/redis/engine.ts';
import { Idle } from '../../src/store/redis/idle.ts';
import { Lean } from '../../src/store/redis/lean.ts';
import { DELIVER_ENTRY } from '../../src/store/redis/scripts.ts';
import { prefixOf } from '../../src/store/redis/spread/cells.ts';
import { commit } from '../../src/store/redis/writes.ts';
import { redisPlace } from '../../src/store/redis-options.ts';
import type { JobPage, Store } from '../../src/store/store.ts';
import { claimOne, failed, newJob } from '../../src/testing/conformance/support.ts';
import { noServer, type RedisServer, startServer } from '../support/redis-server.ts';

const UPKEEP = { holder: 'h', leaderLeaseMs: 1_000, limit: 1_000, reclaim: false };

describe.skipIf(noServer)('Redis with queues that spread', () => {
  let server: RedisServer;
  let admin: Redis;
  let spaces = 0;
  let namespace = '';
  const stores: Store[] = [];
  const engines: Engine[] = [];

  beforeAll(async () => {
    server = await startServer();
    admin = new Redis(server.url);
  });
  afterAll(async () => {
    for (const engine of engines.reverse()) await engine.close();
    for (const store of stores) await store.close();
    admin.disconnect();
    await server.stop();
  });

  function open(more: object = { spread: 'queue' }): Store {
    const store = redisStore({ redis: server.url, namespace, ...more });
    stores.push(store);
    return store;
  }
  function fresh(): Store {
    namespace = `s${++spaces}`;
    return open();
  }

  /** A process that does its step and dies before it delivers anything. */
  function mortal(queue: string): Engine {
    const place = redisPlace({ redis: server.url, namespace, spread: 'queue' });
    const parts = { clock: systemClock, me: 'mortal', onNews: () => {} };
    const home = new Engine({ ...parts, place });
    const cell = new Engine({
      ...parts,
      place: { ...place, prefix: prefixOf(namespace, queue) },
      over: home,
    });
    engines.push(home, cell);
    return cell;
  }
  async function failIn(cell: Engine, lease: LeaseRef): Promise<void> {
    const settlements = [{ lease, next: failed('x'), mode: 'strict' }] as const;
    const answer = await commit(
      cell,
      { settlements, claims: [] },
      { idle: new Idle(systemClock, () => false), lean: new Lean() },
    );
    expect(answer.settled).toEqual([{ outcome: 'ok', state: 'waiting' }]);
  }
  async function leaveLetter(store: Store): Promise<Engine> {
    await store.apply([{ op: 'add', jobs: [newJob({ policy: { deadLetterQueue: 'dead' } })] }]);
    const cell = mortal('orders');
    await failIn(cell, (await claimOne(store)).lease);
    return cell;
  }
  async function outboxOf(queue: string): Promise<[string, Buffer[]][]> {
    return (await admin.xrangeBuffer(`{${namespace}/${queue}}:ob`, '-', '+')).map(([id, fields]) => [
      id.toString(),
      fields as Buffer[],
    ]);
  }

  it('tells of a dead letter that nobody delivered, and upkeep of another process delivers it once', async () => {
    const store = fresh();
    await leaveLetter(store);
    expect((await store.verify()).map(({ check, severity }) => [check, severity])).toEqual([
      ['outbox', 'warning'],
    ]);

    const other = open();
    await other.upkeep(UPKEEP);

    expect(await other.verify()).toEqual([]);
    expect((await other.job({ queue: 'orders', id: 'a' }))?.queue).toBe('dead');
    expect((await other.queues()).map(({ queue, totals }) => [queue, totals.added, totals.removed])).toEqual([
      ['dead', 1, 0],
      ['orders', 1, 1],
    ]);
  });

  it('finds a dead letter that is on its way by delivering it', async () => {
    const store = fresh();
    await leaveLetter(store);

    expect(await store.job({ queue: 'orders', id: 'a' })).toMatchObject({ queue: 'dead', state: 'waiting' });
    expect(await store.verify()).toEqual([]);
  });

  it('delivers once when who delivered died before it took the entry away, even if the job is gone by then', async () => {
    const store = fresh();
    await leaveLetter(store);
    const [[id, fields] = ['', []]] = await outboxOf('orders');
    const entry = ['orders', id.replace('-0', ''), String(fields[5]), String(fields[3]), fields[7] ?? ''];
    const target = mortal('dead');
    expect(String((await target.write(DELIVER_ENTRY, entry))[0])).toBe('ok');
    const { lease } = await claimOne(store, { queue: 'dead' });
    await store.commit([{ lease, next: { to: 'completed', result: null }, mode: 'strict' }]);
    await store.apply([{ op: 'discard', job: lease }]);

    await store.upkeep(UPKEEP);
    expect(String((await target.write(DELIVER_ENTRY, entry))[0])).toBe('ok');

    expect(await store.job({ queue: 'dead', id: 'a' })).toBeNull();
    expect((await store.queues(['dead']))[0]?.totals).toMatchObject({ added: 1, completed: 1, removed: 1 });
    expect(await store.verify()).toEqual([]);
  });

  it('takes a job back whose id is taken where it should go, though the first answer to that was lost', async () => {
    const store = fresh();
    await store.apply([{ op: 'add', jobs: [newJob({ queue: 'dead', name: 'other' })] }]);
    await leaveLetter(store);
    const [[id, fields] = ['', []]] = await outboxOf('orders');
    const entry = ['orders', id.replace('-0', ''), String(fields[5]), String(fields[3]), fields[7] ?? ''];
    const target = mortal('dead');
    expect(String((await target.write(DELIVER_ENTRY, entry))[0])).toBe('duplicate');
    await store.apply([{ op: 'discard', job: { queue: 'dead', id: 'a' } }]);

    // Refused stays refused: somebody may be about to take it back.
    await store.upkeep(UPKEEP);

    expect(await store.job({ queue: 'orders', id: 'a' })).toMatchObject({ queue: 'orders', state: 'failed' });
    expect(await store.job({ queue: 'dead', id: 'a' })).toBeNull();
    expect((await store.attempts({ queue: 'orders', id: 'a' })).length).toBe(1);
    expect(await store.verify()).toEqual([]);
  });

  it('does all of a call over several queues once, however many processes deliver and repeat it', async () => {
    const store = fresh();
    const other = open();
    const jobs = Array.from({ length: 30 }, (_, n) => newJob({ queue: `q${n % 3}`, id: `j${n}` }));
    const effects = [
      { op: 'add', jobs },
      { op: 'log', job: { queue: 'q1', id: 'j1' }, lines: ['once'] },
    ] as const;
    const answers = await Promise.all(
      [store, other, store, other].map((each) => each.apply(effects, { requestId: 'r' })),
    );

    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect((await store.logs({ queue: 'q1', id: 'j1' }, 0, 10)).length).toBe(1);
    expect((await store.queues()).map(({ counts }) => counts.waiting)).toEqual([10, 10, 10]);
    expect(await store.verify()).toEqual([]);
  });

  it('answers only what was done where it belongs, and never does it a second time', async () => {
    const store = fresh();
    const log = (queue: string) => ({ op: 'log', job: { queue, id: 'a' }, lines: ['once'] }) as const;
    await store.apply(['one', 'two'].map((queue) => ({ op: 'add', jobs: [newJob({ queue })] }) as const));
    await store.apply([log('one'), log('two')], { requestId: 'r' });
    await store.upkeep(UPKEEP);
    await store.apply([log('one'), log('two')], { requestId: 'r' });
    for (const queue of ['one', 'two']) expect(await store.logs({ queue, id: 'a' }, 0, 9)).toHaveLength(1);
  });

  it('reads the changes of several queues by one cursor, and misses none of those that come later', async () => {
    const store = fresh();
    const queues = ['one', 'two'];
    const ask = (after: number | null) => store.feed({ queues, after, limit: 3, keepMs: 60_000 });
    let { cursor } = await ask(null);
    const seen: string[] = [];
    for (let n = 0; n < 12; n += 1) {
      await store.apply([{ op: 'add', jobs: [newJob({ queue: n % 4 === 0 ? 'two' : 'one', id: `j${n}` })] }]);
      if (n % 3 > 0) continue;
      const page = await ask(cursor);
      expect(page.complete).toBe(true);
      cursor = page.cursor;
      seen.push(...page.changes.map(({ id }) => id));
    }
    for (let n = 0; n < 6; n += 1) {
      const page = await ask(cursor);
      cursor = page.cursor;
      seen.push(...page.changes.map(({ id }) => id));
    }
    expect(seen.toSorted()).toEqual(Array.from({ length: 12 }, (_, n) => `j${n}`).toSorted());
  });

  it('finds the jobs of all queues page by page, each once', async () => {
    const store = fresh();
    const jobs = Array.from({ length: 25 }, (_, n) => newJob({ queue: `q${n % 4}`, id: `j${n}` }));
    await store.apply([{ op: 'add', jobs }]);
    for (const scan of [3, 10_000]) {
      const seen: string[] = [];
      let cursor: string | null = null;
      for (let pages = 0; pages < 60; pages += 1) {
        const page: JobPage = await store.find({}, { cursor, limit: 4, scan });
        seen.push(...page.jobs.map(({ id }) => id));
        cursor = page.cursor;
        if (cursor === null) break;
      }
      expect(cursor).toBeNull();
      expect(seen.toSorted()).toEqual(jobs.map(({ id }) => id).toSorted());
    }
  });

  it('settles while the queue of its dead letters fails, goes on with the others, and delivers when it is well', async () => {
    const store = fresh();
    const letters = Array.from({ length: 120 }, (_, n) =>
      newJob({ id: `j${n}`, policy: { deadLetterQueue: n === 119 ? 'other' : 'dead' } }),
    );
    await store.apply([{ op: 'add', jobs: letters }]);
    await store.apply([{ op: 'configure', queue: 'dead', patch: {} }]);
    const broken = `{${namespace}/dead}:q:dead`;
    await admin.rename(broken, `${broken}:aside`);
    await admin.set(broken, 'of another type');

    const cell = mortal('orders');
    for (let n = 0; n < 119; n += 1) await failIn(cell, (await claimOne(store)).lease);
    const { lease } = await claimOne(store);
    const { settled } = await store.commit([{ lease, next: failed('x'), mode: 'strict' }]);
    expect(settled).toEqual([{ outcome: 'ok', state: 'waiting' }]);
    expect(await store.job({ queue: 'other', id: 'j119' })).toMatchObject({ state: 'waiting' });
    expect((await store.upkeep(UPKEEP)).led).toBe(true);
    expect(await outboxOf('orders')).toHaveLength(119);

    await admin.rename(`${broken}:aside`, broken);
    await store.upkeep(UPKEEP);
    expect((await store.queues(['dead']))[0]?.counts.waiting).toBe(119);
    expect(await store.verify()).toEqual([]);
  });

  it('does with the rights that are documented, and leaves no key behind that nothing leads to', async () => {
    namespace = `s${++spaces}`;
    const rights = aclOf(`{${namespace}}:`, 'queue').split(' ');
    await admin.call('ACL', 'SETUSER', 'app', 'on', '>secret', ...rights);
    const redis = server.url.replace('redis://', 'redis://app:secret@');
    const store = redisStore({ redis, namespace, spread: 'queue' });
    stores.push(store);
    await store.apply([{ op: 'add', jobs: [newJob({ policy: { deadLetterQueue: 'dead' } })] }]);
    const { lease } = await claimOne(store);
    await store.commit([{ lease, next: failed('x'), mode: 'strict' }]);
    await store.upkeep(UPKEEP);
    await store.apply([{ op: 'discard', job: { queue: 'dead', id: 'a' } }]);
    expect(await store.verify()).toEqual([]);

    const left = (await admin.keys(`{${namespace}/*`)).map((key) => key.replace(/^.*}:/, ''));
    expect(left.filter((key) => /^(ob|un|mv|\d+:)/.test(key))).toEqual([]);
  });

  it('is refused in the other mode than that in which a namespace was opened first', async () => {
    const store = fresh();
    await store.queues();
    await expect(open({}).queues()).rejects.toThrow(/was opened with spread: 'queue'.*Open it with/);
    namespace = `s${++spaces}`;
    await open({}).queues();
    await expect(open().queues()).rejects.toThrow(/keeps its queues together.*Open it without/);
  });

  it('runs jobs of several queues, and those that fail elsewhere', async () => {
    namespace = `s${++spaces}`;
    const connection = `${server.url}?namespace=${namespace}&spread=queue`;
    const fails = new Worker('one', async () => Promise.reject(new Error('no')), { connection });
    const works = new Worker('two', async (job) => job.data, { connection });
    const one = new Queue('one', { connection });
    const job = await one.add('n', 7, { attempts: 1, deadLetterQueue: 'two' });
    await expect
      .poll(async () => (await open().job({ queue: 'two', id: job.id }))?.state, { timeout: 10_000 })
      .toBe('completed');
    await Promise.all([fails.close(), works.close()]);
    await one.close();
    expect(await open().verify()).toEqual([]);
  });
});
