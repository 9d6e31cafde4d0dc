import { beforeEach, describe, expect, it } from 'vitest';
import type { AttemptRecord } from '../../job/record.ts';
import { JOB_STATES } from '../../job/record.ts';
import type { ClaimAnswer, CommitAnswer, Finding, JobPage, QueueSummary } from '../store.ts';
import { Database } from './database.ts';
import { loadDriver } from './driver.ts';
import { plainAnswer } from './grant.ts';
import { MIGRATIONS, migrate, SCHEMA_VERSION, schemaVersion } from './migrations.ts';
import { Transaction } from './transaction.ts';
import { runCall, type VerbName } from './verbs.ts';

const NOW = 1_000_000;
const POLICY =
  '{"attempts":3,"backoff":null,"retryForMs":null,"timeoutMs":null,"ttlMs":null,"deadLetterQueue":null,"keepCompletedMs":null,"keepFailedMs":null}';

/** A database as the first release left it: a job in each state, one that waits ahead of its turn, and one behind. */
function firstRelease(): Database {
  const db = new Database(loadDriver('memory').open(':memory:'));
  db.exec('create table millrace_meta (key text primary key, value integer not null) strict, without rowid');
  db.exec(MIGRATIONS[0]?.sql ?? '');
  db.exec("insert into millrace_meta values ('schema_version', 1), ('min_client', 1)");
  db.exec("insert into millrace_counter values ('seq', 10), ('token', 4)");
  const counts = JOB_STATES.map((state) => `count_${state}`).join(', ');
  db.exec(`insert into millrace_queue (id, name, settings, paused, created_at, ${counts}, ruled_completed, ruled_failed,
    ruled_cancelled, total_added) values (1, 'q', '{}', 0, 1, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 10)`);
  for (const [index, state] of JOB_STATES.entries()) insert(db, { seq: index + 1, state });
  insert(db, { seq: 9, state: 'waiting', rank: -9 });
  insert(db, { seq: 10, state: 'waiting', priority: 7 });
  db.exec(
    "insert into millrace_lease (worker, token, seq, expires_at, past_due_at) values ('w', 4, 4, 2000000, 2000000)",
  );
  db.exec(`insert into millrace_attempt (seq, number, generation, token, worker, started_at, ended_at, outcome)
    values (6, 1, 1, 4, 'w', 5, 7, 'completed')`);
  return db;
}

interface OldJob {
  readonly seq: number;
  readonly state: string;
  readonly rank?: number;
  readonly priority?: number;
}

function insert(db: Database, { seq, state, rank = seq, priority = 0 }: OldJob): void {
  const isOver = ['completed', 'failed', 'cancelled'].includes(state);
  const claimedAt = isOver || state === 'active' ? 5 : null;
  db.run(
    `insert into millrace_job (seq, queue, id, name, state, priority, rank, added_at, ready_at, due_at, claimed_at,
      first_claimed_at, finished_at, claims, token, worker) values (?, 1, ?, 'mail', ?, ?, ?, 3, 3, ?, ?, ?, ?, ?, ?, ?)`,
    ...[seq, `j${seq}`, state, priority, rank, state === 'delayed' ? 5_000_000 : null, claimedAt, claimedAt],
    ...[
      isOver ? 7 : null,
      claimedAt === null ? 0 : 1,
      claimedAt === null ? 0 : 4,
      claimedAt === null ? null : 'w',
    ],
  );
  db.run(
    `insert into millrace_body (seq, content_type, headers, policy, body) values (?, 'text/plain', '{}', ?, ?)`,
    seq,
    POLICY,
    new Uint8Array([seq]),
  );
}

describe('a database of the first release', () => {
  let db: Database;
  beforeEach(() => {
    db = firstRelease();
    migrate(db);
  });

  const call = <T>(verb: VerbName, ...args: unknown[]): T => {
    const tx = new Transaction(db);
    tx.now = NOW;
    const answer = runCall(tx, { id: 0, verb, args, now: NOW });
    tx.flush();
    return plainAnswer(verb, answer) as T;
  };
  const idsOf = (filter: object, order: 'newest' | 'oldest' = 'oldest'): string[] =>
    call<JobPage>('find', { queues: ['q'], ...filter }, { cursor: null, limit: 20, order }).jobs.map(
      ({ id }) => id,
    );

  it('is brought up to this one with nothing lost', () => {
    expect(schemaVersion(db)).toBe(SCHEMA_VERSION);
    expect(call<Finding[]>('verify')).toEqual([]);
    expect(idsOf({})).toEqual(['j1', 'j2', 'j3', 'j4', 'j5', 'j6', 'j7', 'j8', 'j9', 'j10']);
  });

  it.each(JOB_STATES)('has its %s jobs found by their state, in the order of their numbers', (state) => {
    const first = `j${JOB_STATES.indexOf(state) + 1}`;
    const expected = state === 'waiting' ? [first, 'j9', 'j10'] : [first];

    expect(idsOf({ states: [state] })).toEqual(expected);
    expect(idsOf({ states: [state] }, 'newest')).toEqual(expected.toReversed());
  });

  it('knows the age of its oldest ready and running jobs', () => {
    expect(call<QueueSummary[]>('queues')).toMatchObject([
      { oldestReadyMs: NOW - 3, oldestActiveMs: NOW - 5 },
    ]);
  });

  it('keeps the attempt that completed a job, once', () => {
    const attempts = call<AttemptRecord[]>('attempts', { queue: 'q', id: 'j6' });

    expect(attempts).toMatchObject([{ number: 1, outcome: 'completed', endedAt: 7 }]);
  });

  it('has its leases settled and its jobs claimed', () => {
    const lease = { queue: 'q', id: 'j4', token: 4 };
    const claim = { claimId: 'c', queue: 'q', limit: 9, worker: 'w', leaseMs: 10 };
    const settlement = { lease, next: { to: 'completed', result: null }, mode: 'strict' };
    const { settled, claimed } = call<CommitAnswer>('commit', [settlement], [claim]);

    expect(settled).toEqual([{ outcome: 'ok', state: 'completed' }]);
    expect((claimed as ClaimAnswer[])[0]?.jobs.map(({ job }) => job.id)).toEqual(['j9', 'j1', 'j10']);
    expect(call<AttemptRecord[]>('attempts', lease)).toMatchObject([
      { number: 1, token: 4, outcome: 'completed' },
    ]);
    expect(call<Finding[]>('verify')).toEqual([]);
  });
});
