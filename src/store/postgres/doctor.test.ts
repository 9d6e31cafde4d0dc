import { expect, test } from 'vitest';
import type { Finding } from '../store.ts';
import { Database } from './database.ts';
import { blockedLoops, examine } from './doctor.ts';
import { SCHEMA_VERSION } from './migrations.ts';
import type { Facts } from './open.ts';
import { expectedParts } from './parts.ts';
import { Transaction } from './transaction.ts';

const FACTS: Facts = {
  ...{ version: 150_004, fsync: true, fullPageWrites: true, synchronousCommit: 'on', standbys: '' },
  ...{ isStandby: false, role: 'app', nowMs: 1_000_000 },
};

/** What the server answers, by a word that the question has in it. */
type Answers = Readonly<Record<string, readonly object[]>>;

const WELL: Answers = {
  'to_regclass($1)::pg_catalog.oid': [{ known: 7 }],
  'select key, value': [{ key: 'schema_version', value: SCHEMA_VERSION }],
  pg_namespace: [],
  to_regnamespace: expectedParts().map((part) => ({ kind: part.split(' ')[0], name: part.split(' ')[1] })),
  pg_stat_user_tables: [],
  backend_xmin: [],
  pg_replication_slots: [],
  pg_settings: [],
  max_connections: [{ autovacuum: true, most: 100, connected: 10 }],
};

async function examined(
  answers: Answers,
  facts: Partial<Facts> = {},
  machineNow = FACTS.nowMs,
): Promise<Finding[]> {
  const all = { ...WELL, ...answers };
  const client = {
    query: async ({ text }: { text: string }) => {
      const key = Object.keys(all).find((word) => text.includes(word));
      if (key === undefined) throw new Error(`nobody answers ${text}`);
      return { rows: [...(all[key] ?? [])], rowCount: null };
    },
  };
  const tx = new Transaction(new Database(client, { schema: 'jobs', limitMs: 1 }), 0);
  return examine(tx, { ...FACTS, ...facts }, machineNow);
}

const wrongs = (findings: readonly Finding[]): string[] =>
  findings.filter(({ severity }) => severity !== 'ok').map(({ severity, check }) => `${severity} ${check}`);

test('a server in good health has nothing but good findings', async () => {
  expect(wrongs(await examined({}))).toEqual([]);
});

test.each<[string, Answers, Partial<Facts>, RegExp]>([
  ['warning durability', {}, { synchronousCommit: 'off' }, /synchronous_commit/],
  ['error server', {}, { isStandby: true }, /primary/],
  ['error schema', { to_regnamespace: [] }, {}, /lacks .*table job/],
  [
    'warning schema',
    { 'select key, value': [{ key: 'schema_version', value: SCHEMA_VERSION + 1 }] },
    {},
    /newer/,
  ],
  [
    'warning transactions',
    {
      backend_xmin: [{ pid: 42, role: 'ada', program: 'psql', state: 'idle in transaction', for_ms: 61_000 }],
    },
    {},
    /process 42 .*61 s.*pg_terminate_backend\(42\)/,
  ],
  ['warning replication', { pg_replication_slots: [{ name: 'old' }] }, {}, /"old"/],
  [
    'warning dead-rows',
    { pg_stat_user_tables: [{ name: 'ready', live: 5, dead: 900_000 }] },
    {},
    /900000 dead/,
  ],
  [
    'warning role',
    { pg_settings: [{ name: 'lock_timeout', ms: 50 }] },
    {},
    /lock_timeout is 50 ms.*alter role/,
  ],
  [
    'error autovacuum',
    { max_connections: [{ autovacuum: false, most: 100, connected: 1 }] },
    {},
    /autovacuum/,
  ],
  [
    'warning connections',
    { max_connections: [{ autovacuum: true, most: 100, connected: 95 }] },
    {},
    /95 of 100/,
  ],
])('%s is told with what to do', async (wrong, answers, facts, words) => {
  const findings = await examined(answers, facts);

  expect(wrongs(findings)).toEqual([wrong]);
  const found = findings.find(({ severity }) => severity !== 'ok');
  expect(`${found?.message} ${found?.advice}`).toMatch(words);
  expect(found?.advice).not.toBe('');
});

test('a database without the schema has one thing wrong, and not every part of it', async () => {
  const findings = await examined({
    'to_regclass($1)::pg_catalog.oid': [{ known: null }],
    to_regnamespace: [],
  });

  expect(wrongs(findings)).toEqual(['error schema']);
  const found = findings.find(({ severity }) => severity === 'error');
  expect(found?.message).toBe('there is no Millrace schema "jobs" in this database');
  expect(found?.advice).toMatch(/millrace migrate up/);
});

test('that blocked event loops lose their jobs is told, and why', () => {
  expect(blockedLoops(null)).toMatchObject({ severity: 'ok' });
  expect(blockedLoops('the pool makes its sockets by a function')).toMatchObject({
    ...{ severity: 'warning', message: expect.stringMatching(/by a function/) },
  });
});

test.each([-6_000, 6_000])('a clock that is %d ms off is told', async (skewMs) => {
  expect(wrongs(await examined({}, {}, FACTS.nowMs + skewMs))).toEqual(['warning clock']);
});

test('all that the migrations make is known', () => {
  expect(expectedParts()).toEqual(
    expect.arrayContaining([
      'table job',
      'table job_now',
      'index job_id',
      'function add_job',
      'table job_number',
    ]),
  );
});
