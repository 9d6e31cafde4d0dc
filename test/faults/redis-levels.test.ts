/** What an acknowledgement is worth on each setup of Redis: losses happen only where `durability()` says so, and are counted. */

import { setTimeout as wait } from 'node:timers/promises';
import { connect } from 'millrace';
import { afterAll, describe, expect, it } from 'vitest';
import type { Claimed, Effect, Store } from '../../src/store/store.ts';
import { writeProof } from '../support/proof.ts';
import { noServer, type RedisServer, startServer } from '../support/redis-server.ts';
import type { Gateway } from './gateway.ts';
import { openRedisGateway } from './redis-gateway.ts';

const POLICY = {
  ...{ attempts: 3, backoff: null, retryForMs: null, timeoutMs: null, ttlMs: null, deadLetterQueue: null },
  ...{ keepCompletedMs: null, keepFailedMs: null },
};
const ENOUGH = 400;
const LANES = 20;
const REFUSED = { code: 'MILLRACE_STORE_UNAVAILABLE' };

const DONE = { to: 'completed', result: null } as const;

const figures: Record<string, number> = {};

function addOf(id: string, text = '{}'): Effect {
  const job = { queue: 'work', id, name: 'mail', body: Buffer.from(text), contentType: 'application/json' };
  return {
    op: 'add',
    jobs: [{ ...job, headers: {}, policy: POLICY, priority: 0, lifo: false, delayMs: 0 }],
  };
}

async function missing(store: Store, ids: readonly string[]): Promise<string[]> {
  const found = await Promise.all(ids.map((id) => store.job({ queue: 'work', id })));
  return ids.filter((_, index) => found[index] === null);
}

/** Adds from many callers at once until the server is gone; answers what was acknowledged. */
async function addUntilKilled(store: Store, kill: () => Promise<void>): Promise<string[]> {
  const acknowledged: string[] = [];
  let isDown = false;
  const lanes = Array.from({ length: LANES }, async (_, lane) => {
    for (let number = 0; !isDown; number += 1) {
      const id = `${lane}-${number}`;
      await store.apply([addOf(id)]).then(
        () => acknowledged.push(id),
        () => wait(20),
      );
    }
  });
  await until(() => acknowledged.length >= ENOUGH);
  await kill();
  isDown = true;
  await Promise.all(lanes);
  return acknowledged;
}

let claims = 0;
async function claimOne(store: Store): Promise<Claimed> {
  claims += 1;
  const claim = { claimId: `c-${claims}`, queue: 'work', limit: 1, worker: 'w', leaseMs: 600_000 };
  const claimed = (await store.claim([{ ...claim, quarantine: false }]))[0]?.jobs[0];
  if (claimed === undefined) throw new Error('there was nothing to claim');
  return claimed;
}

const LEVELS = [
  ['no persistence', {}, 'memory', false],
  ['`appendfsync everysec`', { appendonly: 'yes', appendfsync: 'everysec' }, 'memory', false],
  ['`appendfsync no`', { appendonly: 'yes', appendfsync: 'no' }, 'os', true],
  ['`appendfsync always`', { appendonly: 'yes', appendfsync: 'always' }, 'disk', true],
] as const;

/** Of all tests of this file. */
afterAll(() => {
  if (Object.keys(figures).length === 0) return;
  writeProof({
    ...{ name: 'faults-redis-levels', section: 'faults' },
    title: 'Redis killed, or replaced by its replica: acknowledged jobs that were lost, by its settings',
    command: 'npm test -- --only faults',
    figures,
  });
});

describe.skipIf(noServer)('a Redis that is killed while jobs are added', () => {
  it.each(LEVELS)(
    'with %s loses only what it may, and goes on',
    async (how, settings, level, isSafe) => {
      const server = await startServer(settings);
      const { store, release } = connect(server.url);
      try {
        expect((await store.durability()).level).toBe(level);

        const acknowledged = await addUntilKilled(store, () => server.crash());
        await server.restart();

        const lost = await again(() => missing(store, acknowledged));
        figures[`lost with ${how}, of ${acknowledged.length} acknowledged`] = lost.length;
        if (isSafe) expect(lost).toEqual([]);
        if (how === 'no persistence') expect(lost).toHaveLength(acknowledged.length);
        expect(await store.verify()).toEqual([]);
        await store.apply([addOf('afterwards')]);
        expect(await missing(store, ['afterwards'])).toEqual([]);
      } finally {
        await release();
        await server.stop();
      }
    },
    60_000,
  );

  it('is emptied by FLUSHALL, and works on with what is added afterwards', async () => {
    const server = await startServer();
    const { store, release } = connect(server.url);
    try {
      await store.apply([addOf('before')]);
      await server.ask('FLUSHALL');

      await store.apply([addOf('after')]);

      expect((await claimOne(store)).job.id).toBe('after');
      expect(await missing(store, ['before'])).toEqual(['before']);
      expect(await store.verify()).toEqual([]);
    } finally {
      await release();
      await server.stop();
    }
  }, 60_000);

  it('takes no jobs while its memory is full, but lets those that are there be claimed, end and make room', async () => {
    const server = await startServer({ maxmemory: '6mb' });
    const { store, release } = connect(server.url);
    const large = JSON.stringify({ text: 'x'.repeat(20_000) });
    try {
      const kept = { retention: { completed: { ageMs: null, count: 5 } } };
      await store.apply([{ op: 'configure', queue: 'work', patch: kept }]);
      const upkeep = { holder: 'test', leaderLeaseMs: 60_000, limit: 100, reclaim: true };
      // Scripts that the server has not seen yet take memory, too.
      await store.apply([addOf('warm')]);
      await store.commit([{ lease: (await claimOne(store)).lease, mode: 'strict', next: DONE }]);
      await store.upkeep(upkeep);
      let taken = 0;
      let refusal: unknown = null;
      while (refusal === null && taken < 2_000) {
        await store.apply([addOf(`large-${taken}`, large)]).then(
          () => (taken += 1),
          (error: unknown) => (refusal = error),
        );
      }
      expect(refusal).toMatchObject({ code: 'MILLRACE_STORE_FULL' });
      expect(taken).toBeGreaterThan(10);

      expect((await store.queues(['work']))[0]?.counts.waiting).toBe(taken);
      expect(await store.verify()).toEqual([]);

      for (let n = 0; n < 30; n += 1) {
        const { lease } = await claimOne(store);
        const [{ outcome } = { outcome: 'none' }] = (
          await store.commit([{ lease, mode: 'strict', next: DONE }])
        ).settled;
        expect(outcome).toBe('ok');
      }
      expect((await store.upkeep(upkeep)).pruned).toBe(26);
      await store.apply([addOf('afterwards')]);
      expect(await store.verify()).toEqual([]);
      expect((await claimOne(store)).job.id).toBe('large-30');
    } finally {
      await release();
      await server.stop();
    }
  }, 60_000);
});

/** A primary with a replica, both behind ways of their own: of the clients, and of the replica. */
class Pair {
  readonly primary: RedisServer;
  readonly replica: RedisServer;
  readonly front: Gateway;
  readonly link: Gateway;

  private constructor(primary: RedisServer, replica: RedisServer, front: Gateway, link: Gateway) {
    this.primary = primary;
    this.replica = replica;
    this.front = front;
    this.link = link;
  }

  static async start(): Promise<Pair> {
    const [primary, replica] = [await startServer(), await startServer()];
    const front = await openRedisGateway(primary.port);
    const link = await openRedisGateway(primary.port);
    const pair = new Pair(primary, replica, front, link);
    await replica.ask('REPLICAOF', '127.0.0.1', link.port);
    await until(async () => (await replica.ask('INFO', 'replication')).includes('master_link_status:up'));
    return pair;
  }

  get url(): string {
    return this.front.through(this.primary.url);
  }

  async copied(): Promise<void> {
    const offset = async (server: RedisServer, name: string): Promise<string> =>
      new RegExp(`${name}:(\\d+)`).exec(await server.ask('INFO', 'replication'))?.[1] ?? '';
    await until(async () => {
      const written = await offset(this.primary, 'master_repl_offset');
      return (await offset(this.replica, 'slave_repl_offset')) === written;
    });
  }

  async failOver(): Promise<void> {
    await this.primary.crash();
    await this.replica.ask('REPLICAOF', 'NO', 'ONE');
    this.front.target = this.replica.port;
    this.front.disconnect();
  }

  async stop(): Promise<void> {
    await this.front.close();
    await this.link.close();
    await this.primary.stop();
    await this.replica.stop();
  }
}

describe.skipIf(noServer)('a replica of Redis that takes over', () => {
  it('has lost what had not reached it, is whole all the same, and refuses late workers', async () => {
    const pair = await Pair.start();
    const { store, release } = connect(pair.url);
    try {
      const ids = Array.from({ length: 100 }, (_, number) => `j-${number}`);
      for (const id of ids.slice(0, 50)) await store.apply([addOf(id)]);
      await pair.copied();
      pair.link.silence();
      const late = await claimOne(store);
      for (const id of ids.slice(50)) await store.apply([addOf(id)]);
      await pair.failOver();

      const lost = await again(() => missing(store, ids));
      figures[`lost when a replica took over that was behind, of ${ids.length} acknowledged`] = lost.length;
      expect(lost).toEqual(ids.slice(50));
      expect(await store.verify()).toEqual([]);
      const next = await claimOne(store);
      expect(next.job.id).toBe(late.job.id);
      expect(next.lease.token).toBeGreaterThan(late.lease.token);
      const end = { lease: late.lease, next: { to: 'completed', result: null }, mode: 'lenient' } as const;
      expect((await store.commit([end], [])).settled).toMatchObject([{ outcome: 'superseded' }]);
    } finally {
      await release();
      await pair.stop();
    }
  }, 60_000);

  it("has all that was acknowledged, where `durability: 'replicated'` is asked for", async () => {
    const pair = await Pair.start();
    const { store, release } = connect(`${pair.url}?durability=replicated`);
    try {
      const acknowledged = await addUntilKilled(store, () => pair.failOver());

      const lost = await again(() => missing(store, acknowledged));
      figures[`lost with \`replicated\` when the replica took over, of ${acknowledged.length} acknowledged`] =
        lost.length;
      expect(lost).toEqual([]);
    } finally {
      await release();
      await pair.stop();
    }
  }, 60_000);

  it("acknowledges nothing that it does not have, where `durability: 'replicated'` is asked for", async () => {
    const pair = await Pair.start();
    const { store, release } = connect(`${pair.url}?durability=replicated`);
    try {
      await store.apply([addOf('known')]);
      pair.link.silence();

      await expect(store.apply([addOf('unknown')], { requestId: 'r' })).rejects.toMatchObject(REFUSED);
    } finally {
      await release();
      await pair.stop();
    }
  }, 60_000);
});

async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; !(await isTrue()); turn += 1) {
    if (turn > 500) throw new Error('it did not come to that');
    await wait(20);
  }
}

/** Its connections were cut, and it finds out one by one. */
async function again<T>(call: () => Promise<T>): Promise<T> {
  for (let turn = 0; ; turn += 1) {
    try {
      return await call();
    } catch (error) {
      if (turn === 50) throw error;
      await wait(100);
    }
  }
}
