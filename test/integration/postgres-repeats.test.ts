/** Calls whose answers were lost while the server went on with them, and calls that meet in the middle. */

import { postgresStore } from 'millrace/postgres';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ClaimRequest, Effect, Settlement, Store } from '../../src/store/store.ts';
import { dropSchemas, nextSchema, noPostgres, testPool } from '../support/postgres.ts';

const POLICY = {
  ...{ attempts: 3, backoff: null, retryForMs: null, timeoutMs: null, ttlMs: null, deadLetterQueue: null },
  ...{ keepCompletedMs: null, keepFailedMs: null },
};
const KINDS = { queue: 'q', name: 'mail', contentType: 'application/json', headers: {}, policy: POLICY };

function addOf(...jobs: { readonly id: string; readonly lifo?: boolean }[]): Effect {
  const common = { ...KINDS, body: Buffer.from('{}'), priority: 0, delayMs: 0 };
  return { op: 'add', jobs: jobs.map(({ id, lifo = false }) => ({ ...common, id, lifo })) };
}

let claims = 0;
function claimOf(limit: number): ClaimRequest {
  claims += 1;
  return { claimId: `c-${claims}`, queue: 'q', limit, worker: 'w', leaseMs: 600_000, quarantine: false };
}

describe.skipIf(noPostgres)('a call to PostgreSQL', () => {
  let admin: pg.Pool;
  let pool: pg.Pool;
  let schema: string;
  let store: Store;

  beforeAll(() => {
    admin = testPool();
  });

  beforeEach(async () => {
    schema = nextSchema();
    pool = testPool(2);
    pool.on('error', () => undefined);
    store = postgresStore({ pool, schema, listen: false });
    await store.apply([addOf({ id: 'warm' })]);
    // The first claim of all makes others wait.
    await store.claim([claimOf(1)]);
    await store.apply([{ op: 'obliterate', queue: 'q', force: true }, addOf({ id: 'first' })]);
  });

  afterEach(async () => {
    await store.close();
    await pool.end();
    await dropSchemas(admin, [schema]);
  });

  afterAll(() => admin.end());

  const found = async (sql: string): Promise<number> => {
    await admin.query('select pg_stat_clear_snapshot()');
    return (await admin.query(sql)).rowCount ?? 0;
  };

  async function until(sql: string, count: number): Promise<void> {
    for (let turn = 0; turn < 500; turn += 1) {
      if ((await found(sql)) === count) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`never ${count} times: ${sql}`);
  }

  const stuck = (): string =>
    `select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%"${schema}"%'`;

  /**
   * The call gets stuck in the middle of its writing; its connection breaks, which the server does not notice; the same
   * call is made again; and then both go on.
   */
  async function twice<T>(call: () => Promise<T>): Promise<T> {
    const blocker = await admin.connect();
    try {
      await blocker.query('begin');
      await blocker.query(`lock table "${schema}".delta in share mode`);
      const broken = new Promise<pg.PoolClient>((resolve) => {
        pool.once('acquire', resolve);
      });
      const first = call();
      const lost = expect(first).rejects.toMatchObject({ code: 'MILLRACE_STORE_UNAVAILABLE' });
      const client = await broken;
      await until(stuck(), 1);
      (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
      await lost;
      const second = call();
      await until(stuck(), 2);
      await blocker.query('commit');
      return await second;
    } finally {
      blocker.release();
    }
  }

  it('that adds is done once, though the one that was lost went on and met its repetition', async () => {
    const answer = await twice(() => store.apply([addOf({ id: 'a' }, { id: 'b' })], { requestId: 'r' }));

    const created = ['a', 'b'].map((id) => ({ id, outcome: 'created' }));
    expect(answer).toEqual([{ op: 'add', jobs: created }]);
    const [queue] = await store.queues();
    expect(queue?.totals).toMatchObject({ added: 3, duplicates: 0 });
    expect(await store.verify()).toEqual([]);
  });

  it('that claims is done once, though the one that was lost went on and met its repetition', async () => {
    await store.apply([addOf({ id: 'second' })]);
    const request = claimOf(1);

    const [answer] = await twice(() => store.claim([request]));

    expect(answer?.jobs).toHaveLength(1);
    const [again] = await store.claim([request]);
    expect(again?.jobs.map(({ lease }) => lease)).toEqual(answer?.jobs.map(({ lease }) => lease));
    const [queue] = await store.queues();
    expect(queue?.counts).toMatchObject({ waiting: 1, active: 1 });
    expect(await store.verify()).toEqual([]);
  });

  it('that settles is done once, though the one that was lost went on and met its repetition', async () => {
    const [claimed] = (await store.claim([claimOf(1)])).flatMap(({ jobs }) => jobs);
    if (claimed === undefined) throw new Error('there was nothing to claim');
    const { lease } = claimed;
    const settlement: Settlement = { lease, next: { to: 'completed', result: null }, mode: 'strict' };

    const { settled } = await twice(() => store.commit([settlement], []));

    expect(settled).toEqual([{ outcome: 'ok', state: 'completed' }]);
    const [queue] = await store.queues();
    expect(queue?.totals).toMatchObject({ added: 1, completed: 1 });
    expect(await store.verify()).toEqual([]);
  });

  /** By hand, so that the transaction stays open. */
  async function claimSlowly(client: pg.PoolClient, limit: number): Promise<string[]> {
    await client.query('begin');
    const { claimId, worker, quarantine, ...rest } = claimOf(limit);
    const asked = { ...rest, claim: claimId, worker, lease: 600_000, spared: quarantine, low: -1 };
    const text = JSON.stringify([{ ...asked, mark: false, idle: false }]);
    const sql = `select answer from "${schema}".claim_v1(null, $1, false)`;
    const { rows } = await client.query<{ answer: string }>(sql, [text]);
    const answer = JSON.parse(rows[0]?.answer ?? '{}') as {
      ids?: string[];
      jobs: [number, [number, string]][];
    };
    return answer.ids ?? answer.jobs.map(([, [, id]]) => id);
  }

  it('that claims keeps no job from others that it does not take itself', async () => {
    await store.apply([addOf({ id: 'last', lifo: true })]);
    const slow = await admin.connect();
    try {
      expect(await claimSlowly(slow, 1)).toEqual(['last']);

      const [others] = await store.claim([claimOf(1)]);

      expect(others?.jobs.map(({ job }) => job.id)).toEqual(['first']);
    } finally {
      await slow.query('rollback');
      slow.release();
    }
  });

  it('that claims goes on behind the jobs that others are taking, whatever line they are in', async () => {
    const more = ['x', 'y', 'z'].flatMap((id) => [{ id }, { id: `${id}-first`, lifo: true }]);
    await store.apply([addOf(...more)]);
    const slow = await admin.connect();
    try {
      expect(await claimSlowly(slow, 4)).toEqual(['z-first', 'y-first', 'x-first', 'first']);

      const [others] = await store.claim([claimOf(10)]);

      expect(others?.jobs.map(({ job }) => job.id)).toEqual(['x', 'y', 'z']);
      await slow.query('commit');
      expect(await store.verify()).toEqual([]);
    } finally {
      slow.release();
    }
  });
});
