/**
 * What the frequent statements touch while somebody's transaction stays open, a million rows are dead and nobody may clean
 * them away: as little as without them. The server itself tells the plans, and what they touched.
 */

import { postgresStore } from 'millrace/postgres';
import type { Pool, PoolClient } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Claimed, ClaimRequest, NewJob, Settlement, Store } from '../../src/store/store.ts';
import { type Explained, Explaining, touched } from '../support/explained.ts';
import { dropSchemas, nextSchema, noPostgres, testPool } from '../support/postgres.ts';

const POLICY = {
  ...{ attempts: 3, backoff: null, retryForMs: null, timeoutMs: null, ttlMs: null, deadLetterQueue: null },
  ...{ keepCompletedMs: null, keepFailedMs: null },
};
const ERROR = { name: 'Error', message: 'broken', stack: null, code: null, fingerprint: 'f' };
const SESSION = { id: 'w', ttlMs: 600_000, host: 'mill', pid: 1, version: '1', queues: [], lagMs: 0 };
const BUDGET = { holder: 'leader', leaderLeaseMs: 60_000, limit: 200, reclaim: true };

/** Jobs of one call. */
const MANY = 100;
/** Pages of a call for each of its jobs: its rows and their entries in indexes, some of them several times. */
const FEW = 15;
/** Where each job is loaded, locked, decided on and written. */
const MORE = 120;
/** Too large to be read from end to end by whoever works. */
const LARGE = new Set(['job', 'ready', 'done', 'delayed', 'aside', 'expiring', 'batch', 'attempt', 'log']);
/** Of one node of a plan. What was claimed last is walked over again, since somebody may have been late. */
const ROWS = 1_000 + 5 * MANY;

const newJob = (id: string): NewJob => ({
  ...{ queue: 'q', id, name: 'mail', body: Buffer.from('{"n":1}'), contentType: 'application/json' },
  ...{ headers: {}, policy: POLICY, priority: 0, lifo: false, delayMs: 0 },
});

/** Rows as a churn of half a million jobs leaves them, of which some were retried, all of them dead. */
const CHURN = `
  insert into {s}.job (seq, added_at, queue_id, id, name, body)
    select n, n, 1, 'old-' || n, 'mail', '{}' from generate_series(1, 480000) n;
  insert into {s}.ready (seq, queue_id) select n, 1 from generate_series(1, 480000) n;
  insert into {s}.batch (first_token, last_token, claimed_at, queue_id, spared, worker, name, seqs)
    select n * 100, n * 100 + 99, n, 1, false, 'w', 'mail', '{1}' from generate_series(1, 10000) n;
  insert into {s}.done (place, first_token, claimed_at, finished_at, queue_id, worker, seqs)
    select -1 - n, n, n, n, 1, 'w', '{1}' from generate_series(1, 10000) n;
  insert into {s}.delta (minute, queue_id, waiting) select 0, 1, 0 from generate_series(1, 5000) n;
  insert into {s}.claim_answer (id, answered_at, tokens) select 'old-' || n, n, '{1}' from generate_series(1, 10000) n;
  insert into {s}.request (id, answered_at, answer) select 'old-' || n, n, '[]' from generate_series(1, 10000) n;
  insert into {s}.delayed (seq, due_at, queue_id) select n, n, 1 from generate_series(1, 5000) n;
  insert into {s}.aside (seq, rank, ready_at, queue_id, priority) select n, n, n, 1, 0 from generate_series(1, 5000) n;
  insert into {s}.expiring (seq, expires_at, queue_id) select n, n, 1 from generate_series(1, 5000) n;
  insert into {s}.lease (token, seq, claimed_at, past_due_at, queue_id, spared, worker)
    select n, n, n, n, 1, false, 'w' from generate_series(1, 5000) n;
  select setval('{s}.job_number', 480000), setval('{s}.token', 1100000);`;
const CHURNED = [
  ...['job', 'ready', 'batch', 'done', 'delta', 'claim_answer', 'request', 'delayed', 'aside', 'expiring'],
  'lease',
];

/** A vacuum that may clean nothing away still counts what lives: tables look all but empty, and any plan looks cheap. */
const STATISTICS = [
  { title: 'with a million dead rows', isAnalyzed: false },
  { title: 'with a million dead rows and statistics that tell of none', isAnalyzed: true },
];

describe.skipIf(noPostgres).each(STATISTICS)('$title', ({ isAnalyzed }) => {
  const schema = nextSchema();
  let pool: Pool;
  let explaining: Explaining;
  let holder: PoolClient;
  let store: Store;
  let claims = 0;
  let jobs = 0;

  const run = (sql: string) => pool.query(sql.replaceAll('{s}', `"${schema}"`));

  beforeAll(async () => {
    pool = testPool();
    explaining = new Explaining();
    store = postgresStore({ pool: explaining.pool, schema, listen: false });
    await store.apply([
      { op: 'configure', queue: 'q', patch: { retention: { completed: { count: MANY } } } },
    ]);
    for (const table of CHURNED) await run(`alter table {s}.${table} set (autovacuum_enabled = off)`);
    await run(CHURN);
    holder = await pool.connect();
    await holder.query(`begin isolation level repeatable read; select count(*) from "${schema}".queue`);
    for (const table of CHURNED) await run(`delete from {s}.${table}`);
    for (const table of isAnalyzed ? CHURNED : []) await run(`analyze {s}.${table}`);
    await run(`insert into {s}.pruned (queue_id, up_to, swept_at)
      values (1, 20000, floor(extract(epoch from clock_timestamp()) * 1000)::bigint)`);
    await store.beat([SESSION]);
    // What upkeep learns when it runs, as it does every second.
    for (let pass = 0; pass < 2; pass += 1) await store.upkeep(BUDGET);
    // The first claim of a process looks from the start, and learns where to begin.
    await add();
    await settle(await claim(), []);
  }, 60_000);

  afterAll(async () => {
    await holder?.query('rollback');
    holder?.release();
    await store?.close();
    await explaining?.end();
    await dropSchemas(pool, [schema]);
    await pool?.end();
  });

  const add = () =>
    store.apply([{ op: 'add', jobs: Array.from({ length: MANY }, () => newJob(`new-${jobs++}`)) }], {
      requestId: `r-${jobs}`,
    });

  const claimOf = (): ClaimRequest => ({
    ...{ claimId: `c-${claims++}`, queue: 'q', limit: MANY, worker: 'w', leaseMs: null, quarantine: false },
  });

  async function claim(): Promise<readonly Claimed[]> {
    const [answer] = await store.claim([claimOf()]);
    expect(answer?.jobs).toHaveLength(MANY);
    return answer?.jobs ?? [];
  }

  async function settle(
    claimed: readonly Claimed[],
    next: readonly ClaimRequest[],
    to: Settlement['next'] = { to: 'completed', result: null },
  ): Promise<readonly Claimed[]> {
    const settlements = claimed.map(({ lease }) => ({ lease, next: to, mode: 'lenient' as const }));
    const answer = await store.commit(settlements, next);
    expect(answer.settled.every(({ outcome }) => outcome === 'ok')).toBe(true);
    return answer.claimed.flatMap((each) => each.jobs);
  }

  /** Every node of every statement. */
  async function expectBounded(call: () => Promise<unknown>, pages: number = FEW): Promise<void> {
    const explained = await explaining.of(call);
    expect(explained.length).toBeGreaterThan(0);
    const tooMuch = explained.flatMap((statement) => excessOf(statement, pages * MANY));
    expect(tooMuch).toEqual([]);
  }

  it('adding touches what it adds', async () => {
    await expectBounded(add);
  });

  it('claiming touches what it claims', async () => {
    await add();
    await expectBounded(claim);
  });

  it('settling touches what is settled, and the next claim in it what it claims', async () => {
    await add();
    await add();
    const claimed = await claim();
    await expectBounded(() => settle(claimed.slice(0, MANY / 2), []));
    await expectBounded(() => settle(claimed.slice(MANY / 2), [claimOf()]));
  });

  it('retrying and promoting touch the jobs that wait again', async () => {
    await add();
    const claimed = await claim();
    await expectBounded(() => settle(claimed, [], { to: 'retry', afterMs: 1, error: ERROR }), MORE);
    await expectBounded(() => store.upkeep(BUDGET), MORE);
    // Out of turn they are taken one by one.
    await expectBounded(claim, 2 * FEW);
  });

  it('reclaiming touches what is held', async () => {
    await add();
    await claim();
    await store.endSession('w');
    await expectBounded(() => store.upkeep(BUDGET));
    await store.beat([SESSION]);
    await expectBounded(() => store.upkeep(BUDGET));
  });

  it('pruning touches what it prunes', async () => {
    await add();
    await settle(await claim(), []);
    await expectBounded(async () => expect((await store.upkeep(BUDGET)).pruned).toBeGreaterThan(0));
  });
});

/** What is more than it should be, in words. */
function excessOf({ text, blocks, nodes }: Explained, most: number): string[] {
  const where = text.slice(0, 200);
  const named = (node: (typeof nodes)[number]) =>
    `${node['Node Type']} of ${node['Relation Name'] ?? 'others'}`;
  const scans = nodes.filter((node) => {
    return node['Node Type'] === 'Seq Scan' && LARGE.has(node['Relation Name'] ?? '');
  });
  return [
    ...(blocks > most ? [`${blocks} pages: ${where}`] : []),
    ...nodes
      .filter((node) => touched(node) > ROWS)
      .map((node) => `${touched(node)} rows, ${named(node)}: ${where}`),
    ...scans.map((node) => `${named(node)}: ${where}`),
  ];
}
