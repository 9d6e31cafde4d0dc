import { beforeAll, describe, expect, it } from 'vitest';
import { errorOf, newJob, session } from '../../testing/conformance/support.ts';
import type { ClaimAnswer, Effect } from '../store.ts';
import { Database } from './database.ts';
import { type DriverConnection, loadDriver } from './driver.ts';
import { plainAnswer } from './grant.ts';
import { migrate } from './migrations.ts';
import { Transaction } from './transaction.ts';
import { runCall, type VerbName } from './verbs.ts';

/** A database that remembers every statement that was prepared on it. */
function spied(): { db: Database; connection: DriverConnection; seen: Set<string> } {
  const connection = loadDriver('memory').open(':memory:');
  const seen = new Set<string>();
  const db = new Database({
    prepare: (sql) => {
      seen.add(sql);
      return connection.prepare(sql);
    },
    exec: (sql) => connection.exec(sql),
    close: () => connection.close(),
  });
  migrate(db);
  seen.clear();
  return { db, connection, seen };
}

/** In a queue that nobody listens to, jobs without wishes of their own pass by the thousand. */
function playUnheard(call: (verb: VerbName, ...args: unknown[]) => unknown): void {
  const jobs = ['a', 'b'].map((id) => newJob({ queue: 'unheard', id }));
  call('apply', [{ op: 'configure', queue: 'unheard', patch: { retention: { completed: { count: 0 } } } }]);
  call('apply', [{ op: 'add', jobs }]);
  const claim = { claimId: 'u', queue: 'unheard', limit: 4, worker: 'w', leaseMs: 10 };
  const [answer] = call('claim', [claim]) as ClaimAnswer[];
  const next = { to: 'completed', result: null };
  call(
    'commit',
    (answer?.jobs ?? []).map(({ lease }) => ({ lease, next, mode: 'strict' })),
  );
}

/** Every verb but `verify`, which reads everything on purpose, and the dump. */
function play(db: Database): void {
  let now = 1_000_000;
  const call = <T>(verb: VerbName, ...args: unknown[]): T => {
    const tx = new Transaction(db);
    tx.now = now;
    const answer = runCall(tx, { id: 0, verb, args, now });
    tx.flush();
    return plainAnswer(verb, answer) as T;
  };
  const job = { queue: 'q', id: 'd' };
  const effects: Effect[] = [
    { op: 'promote', job: { queue: 'q', id: 'late' } },
    { op: 'reschedule', job, delayMs: 5 },
    { op: 'prioritize', job, priority: 1, lifo: true },
    { op: 'cancel', job, reason: 'no' },
    { op: 'redrive', job, toQueue: 'other' },
    { op: 'configure', queue: 'q', patch: { retention: { cancelled: { count: 1 } } } },
    {
      op: 'start-operation',
      operation: {
        id: 'o',
        kind: 'cancel',
        filter: { queues: ['q'] },
        toQueue: null,
        ratePerSecond: 1,
        reason: '',
      },
    },
  ];
  call('feed', { queues: ['q'], after: null, limit: 10, keepMs: 60_000 });
  const policy = { ttlMs: 50_000, timeoutMs: 1_000, keepFailedMs: 5 };
  const jobs = ['a', 'b', 'c', 'd', 'e'].map((id) => newJob({ queue: 'q', id, policy }));
  const late = newJob({ queue: 'q', id: 'late', delayMs: 1_000 });
  call('apply', [{ op: 'add', jobs: [...jobs, late] }], { requestId: 'r', actor: 'me' });
  call('beat', [session({ id: 'w' })]);
  const claim = { claimId: 'c', queue: 'q', limit: 4, worker: 'w', leaseMs: 10 };
  const [answer] = call<ClaimAnswer[]>('claim', [claim]);
  call('claim', [claim]);
  playUnheard(call);
  const leases = (answer?.jobs ?? []).map(({ lease }) => lease);
  const [first, second, third] = leases;
  call('renew', leases, 20);
  call(
    'commit',
    [
      { lease: first, next: { to: 'completed', result: null }, mode: 'strict' },
      { lease: second, next: { to: 'failed', error: errorOf('x'), cause: 'attempts-spent' }, mode: 'strict' },
      {
        lease: third,
        next: { to: 'retry', afterMs: 5, error: errorOf('x') },
        mode: 'strict',
        effects: [
          { op: 'log', job: third, lines: ['one'] },
          { op: 'isolate', job: third ?? { ...job, token: 0 }, alone: true },
          { op: 'progress', job: third, value: new Uint8Array(1) },
          { op: 'data', job: third, body: new Uint8Array(1), contentType: 'text/plain' },
        ],
      },
    ],
    [{ ...claim, claimId: 'c2', leaseMs: null, worker: 'gone' }],
  );
  for (const effect of effects) call('apply', [effect]);
  for (let pass = 0; pass < 4; pass += 1) {
    now += 2_000;
    call('upkeep', { holder: 'h', leaderLeaseMs: 1_000, limit: 100, reclaim: true });
  }
  const page = { cursor: null, limit: 5 };
  for (const filter of [{}, { queues: ['q'] }, { ids: ['a'] }, { fingerprints: ['f'] }]) {
    call('find', filter, page);
    call('find', filter, { ...page, order: 'oldest' });
  }
  call('feed', { queues: ['q'], after: 0, limit: 10, keepMs: 60_000 });
  const ref = { queue: 'q', id: 'a' };
  for (const verb of ['job', 'attempts'] as const) call(verb, ref);
  call('logs', ref, 0, 10);
  call('stats', { queue: 'q', step: 'hour', withinMs: 60_000 });
  for (const verb of ['queues', 'sessions', 'operations'] as const) call(verb);
  call('audit', 10);
  call('endSession', 'gone');
  call('apply', [{ op: 'drain', queue: 'q', delayed: true, before: null }]);
  call('apply', [{ op: 'discard', job: { queue: 'other', id: 'd' } }]);
  call('apply', [{ op: 'obliterate', queue: 'q', force: true }]);
}

/** Statements that read a whole table of jobs, or of what hangs on them. */
function scans({ connection, seen }: ReturnType<typeof spied>): string[] {
  return plans({ connection, seen }).filter((plan) =>
    /SCAN (j|l|b|r|millrace_(job|lease|body|report|attempt|log|stat|change)\b(?! USING INDEX))/.test(plan),
  );
}

function plans({ connection, seen }: Pick<ReturnType<typeof spied>, 'connection' | 'seen'>): string[] {
  const statements = [...seen].filter((sql) => !sql.startsWith('pragma'));
  return statements.map((sql) => {
    const rows = connection.prepare(`explain query plan ${sql}`).all() as { detail: string }[];
    return `${sql}\n  => ${rows.map(({ detail }) => detail).join(' | ')}`;
  });
}

describe('the statements of the verbs', () => {
  const spy = spied();
  beforeAll(() => play(spy.db));

  it('are all seen here', () => {
    expect(spy.seen.size).toBeGreaterThan(70);
  });

  it('never read a whole table of jobs', () => {
    expect(scans(spy)).toEqual([]);
  });

  it('sort only what is past due', () => {
    const sorting = plans(spy).filter((plan) => /millrace_(job|lease).*TEMP B-TREE/s.test(plan));

    expect(sorting.filter((plan) => !/(past_due_at|prune_at) <= \?/.test(plan))).toEqual([]);
  });

  it('keep to their indexes after somebody ran `analyze` on the file', () => {
    const analyzed = spied();
    play(analyzed.db);
    const tx = new Transaction(analyzed.db);
    tx.now = 1;
    const jobs = Array.from({ length: 600 }, (_, index) => newJob({ queue: 'full', id: `${index}` }));
    runCall(tx, { id: 0, verb: 'apply', args: [[{ op: 'add', jobs }]], now: 1 });
    tx.flush();

    analyzed.db.exec('analyze');

    expect(scans(analyzed)).toEqual([]);
    const fallen = plans(analyzed).filter((plan) => /j\.state = 'waiting' order by/.test(plan));
    expect(fallen.length).toBeGreaterThan(0);
    for (const plan of fallen) expect(plan).toContain('millrace_job_ready ');
  });
});
