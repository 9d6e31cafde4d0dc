/**
 * The schema as numbered steps. The list is append-only: a step that was released is never edited, because
 * databases out there have run it.
 *
 * Layout. The body of a job is written once and lies apart (`body`), so that the many small moves of its life
 * rewrite a narrow row (`job`). What attempts report (`report`), their records (`attempt`) and logs (`log`) are
 * apart for the same reason. Leases hang on their worker and token, so that a dead worker's leases are one range.
 * Statements that look for jobs name their index (`indexed by`): what `analyze` saw on some day must not decide
 * how a queue is read on another. Names begin with `millrace_`, because an application may keep its own tables in
 * the same file, so as to add jobs in its own transactions.
 */

import { SchemaVersionError } from '../../errors.ts';
import type { Database } from './database.ts';

/** Tells `file` and other tools whose database this is ("Mill"). */
export const APPLICATION_ID = 0x4d696c6c;

interface Migration {
  readonly version: number;
  /** The oldest client that still understands the schema after this step. */
  readonly minClient: number;
  readonly sql: string;
}

const FIRST = `
  create table millrace_counter (
    name text primary key,
    value integer not null
  ) strict, without rowid;

  create table millrace_queue (
    id integer primary key autoincrement,
    namespace text not null default 'default',
    name text not null,
    settings text not null,
    paused integer not null,
    created_at integer not null,
    count_waiting integer not null default 0,
    count_delayed integer not null default 0,
    count_blocked integer not null default 0,
    count_active integer not null default 0,
    count_parked integer not null default 0,
    count_completed integer not null default 0,
    count_failed integer not null default 0,
    count_cancelled integer not null default 0,
    -- Finished jobs whose keeping is the queue's rule, not the job's own; retention by count looks at these.
    ruled_completed integer not null default 0,
    ruled_failed integer not null default 0,
    ruled_cancelled integer not null default 0,
    total_added integer not null default 0,
    total_completed integer not null default 0,
    total_failed integer not null default 0,
    total_cancelled integer not null default 0,
    total_attempts_failed integer not null default 0,
    total_released integer not null default 0,
    total_reclaimed integer not null default 0,
    total_duplicates integer not null default 0,
    total_removed integer not null default 0,
    unique (namespace, name)
  ) strict;

  create table millrace_job (
    seq integer primary key,
    queue integer not null,
    id text not null,
    name text not null,
    state text not null,
    priority integer not null,
    rank integer not null,
    added_at integer not null,
    due_at integer,
    ready_at integer,
    expires_at integer,
    first_claimed_at integer,
    claimed_at integer,
    finished_at integer,
    generation integer not null default 1,
    claims integer not null default 0,
    failures integer not null default 0,
    crashes integer not null default 0,
    token integer not null default 0,
    settled_token integer not null default 0,
    worker text,
    timeout_ms integer,
    keep_completed_ms integer,
    keep_failed_ms integer,
    -- End of the keeping by the job's own rule; null while open and where the queue's rule holds.
    prune_at integer,
    cause text,
    cancel_reason text,
    -- Not null exactly when \`report\` has an error.
    fingerprint text,
    origin_queue text,
    origin_cause text,
    origin_moved_at integer,
    -- Rises with every move to another queue, so that the latest of two is known whatever the clock did.
    move_number integer,
    result blob
  ) strict;

  create unique index millrace_job_id on millrace_job (id, queue);
  create index millrace_job_ready on millrace_job (queue, priority, rank) where state = 'waiting';
  create index millrace_job_ready_at on millrace_job (queue, ready_at) where state = 'waiting';
  create index millrace_job_active on millrace_job (queue, claimed_at) where state = 'active';
  create index millrace_job_due on millrace_job (queue, due_at, seq)
    where due_at is not null and state in ('delayed', 'parked');
  create index millrace_job_expires on millrace_job (queue, expires_at, seq)
    where expires_at is not null and state in ('waiting', 'delayed');
  create index millrace_job_finished on millrace_job (queue, state, finished_at, seq)
    where finished_at is not null and prune_at is null;
  create index millrace_job_prune on millrace_job (prune_at, seq) where prune_at is not null;
  create index millrace_job_state on millrace_job (queue, state, seq);
  create index millrace_job_fingerprint on millrace_job (fingerprint, seq) where fingerprint is not null;
  create index millrace_job_origin on millrace_job (id, origin_queue, move_number)
    where origin_queue is not null;

  create table millrace_body (
    seq integer primary key,
    content_type text not null,
    headers text not null,
    policy text not null,
    body blob not null
  ) strict;

  create table millrace_report (
    seq integer primary key,
    error text,
    progress blob
  ) strict;

  create table millrace_lease (
    worker text not null,
    token integer not null,
    seq integer not null,
    expires_at integer,
    deadline_at integer,
    -- When it is past due by time alone; null: only with its session.
    past_due_at integer,
    -- Number of the reclaim pass that saw it past due.
    suspect_pass integer,
    primary key (worker, token)
  ) strict, without rowid;
  create index millrace_lease_past_due on millrace_lease (past_due_at, token) where past_due_at is not null;
  create index millrace_lease_suspect on millrace_lease (suspect_pass) where suspect_pass is not null;

  create table millrace_attempt (
    seq integer not null,
    number integer not null,
    generation integer not null,
    token integer not null,
    worker text not null,
    started_at integer not null,
    ended_at integer not null,
    outcome text not null,
    error text,
    retry_after_ms integer,
    trace_id text,
    primary key (seq, number)
  ) strict, without rowid;

  create table millrace_log (
    seq integer not null,
    number integer not null,
    at integer not null,
    text text not null,
    primary key (seq, number)
  ) strict, without rowid;

  create table millrace_stat (
    queue integer not null,
    step text not null,
    start integer not null,
    name text not null,
    added integer not null,
    completed integer not null,
    failed integer not null,
    retried integer not null,
    wait text not null,
    run text not null,
    primary key (queue, step, start, name)
  ) strict, without rowid;
  create index millrace_stat_start on millrace_stat (step, start);

  create table millrace_session (
    id text primary key,
    host text not null,
    pid integer not null,
    version text not null,
    queues text not null,
    lag_ms real not null,
    started_at integer not null,
    seen_at integer not null,
    expires_at integer not null
  ) strict, without rowid;
  create index millrace_session_expires on millrace_session (expires_at);

  create table millrace_request (
    id text primary key,
    answered_at integer not null,
    answer text not null
  ) strict, without rowid;
  create index millrace_request_answered on millrace_request (answered_at);

  -- The leases of one answer have one worker and tokens without a gap.
  create table millrace_claim_batch (
    id text primary key,
    answered_at integer not null,
    worker text not null,
    first_token integer not null,
    last_token integer not null
  ) strict, without rowid;
  create index millrace_claim_batch_answered on millrace_claim_batch (answered_at);

  -- Who listens to a queue, which need not exist yet; so names here, and not numbers.
  create table millrace_recording (
    queue text primary key,
    until_at integer not null,
    floor integer not null
  ) strict, without rowid;

  create table millrace_change (
    cursor integer primary key,
    queue text not null,
    at integer not null,
    kind text not null,
    id text not null,
    name text not null,
    data blob
  ) strict;
  create index millrace_change_queue on millrace_change (queue, cursor);

  create table millrace_operation (
    id text primary key,
    kind text not null,
    filter text not null,
    to_queue text,
    rate real,
    reason text not null,
    state text not null,
    done integer not null,
    skipped integer not null,
    scanned integer not null,
    started_at integer not null,
    finished_at integer,
    after_seq integer not null,
    until_seq integer not null
  ) strict, without rowid;
  create index millrace_operation_running on millrace_operation (started_at, id) where state = 'running';
  create index millrace_operation_finished on millrace_operation (finished_at) where finished_at is not null;

  create table millrace_audit (
    number integer primary key,
    at integer not null,
    actor text not null,
    op text not null,
    queue text not null,
    id text not null,
    detail text not null
  ) strict;

  create table millrace_leader (
    one integer primary key check (one = 1),
    holder text not null,
    expires_at integer not null
  ) strict;
`;

const SECOND = `
  -- 1: claimed by a worker that runs suspects alone, and not run alone; its crash may be another job's doing.
  alter table millrace_lease add column spared integer not null default 0;
  -- When a reclaim pass first saw it past due.
  alter table millrace_lease rename column suspect_pass to suspect_at;
`;

/** A checksum of each payload. Null in rows that are older than it; a client that does not write it must not write. */
const THIRD = 'alter table millrace_body add column sum integer';

/**
 * Less to write per move. A waiting job needs no entry by state: the order of claims is the order of numbers, but for
 * those in `millrace_job_aside`. The record of an attempt that completed its job is the job's own row.
 */
const FOURTH = `
  alter table millrace_job add column trace_id text;
  drop index millrace_job_state;
  drop index millrace_job_active;
  create index millrace_job_state on millrace_job (queue, state, seq, claimed_at) where state <> 'waiting';
  create index millrace_job_aside on millrace_job (queue, seq)
    where state = 'waiting' and (priority <> 0 or rank < 0);
`;

export const MIGRATIONS: readonly Migration[] = [
  { version: 1, minClient: 1, sql: FIRST },
  { version: 2, minClient: 2, sql: SECOND },
  { version: 3, minClient: 3, sql: THIRD },
  { version: 4, minClient: 4, sql: FOURTH },
];

/** What this release writes and reads. */
export const SCHEMA_VERSION = 4;

const META =
  'create table if not exists millrace_meta (key text primary key, value integer not null) strict, without rowid';
const READ_META = 'select value from millrace_meta where key = ?';
const WRITE_META =
  'insert into millrace_meta (key, value) values (?, ?) on conflict do update set value = excluded.value';

/**
 * Brings the schema up to this release. Runs under the write lock, and looks at the version only then, so that
 * processes that start together migrate one after the other and the later ones find nothing to do.
 */
export function migrate(db: Database): void {
  if (isCurrent(db)) return;
  db.exec('begin immediate');
  try {
    migrateInside(db);
    db.exec('commit');
  } catch (error) {
    rollBack(db);
    throw error;
  }
}

function rollBack(db: Database): void {
  try {
    db.exec('rollback');
  } catch {
    // Some failures end the transaction by themselves, and are what has to be told.
  }
}

/** The same within a transaction that is open already. */
export function migrateInside(db: Database): void {
  if (isCurrent(db)) return;
  db.exec(META);
  const found = schemaVersion(db);
  checkVersion(db);
  for (const step of MIGRATIONS.filter(({ version }) => version > found)) runStep(db, step);
}

/** Throws when the schema and this release do not fit together. */
function checkVersion(db: Database): void {
  const found = schemaVersion(db);
  const needed = db.get<{ value: number }>(READ_META, 'min_client')?.value ?? 0;
  if (needed > SCHEMA_VERSION) {
    throw new SchemaVersionError(
      `the database has schema ${found}, which needs a client of schema ${needed} or later; this release of ` +
        `millrace has ${SCHEMA_VERSION}. Update the package in every process that uses the database.`,
    );
  }
}

/** 0 for a database without our schema. */
export function schemaVersion(db: Database): number {
  const table = db.get("select 1 from sqlite_schema where type = 'table' and name = 'millrace_meta'");
  if (table === undefined) return 0;
  return db.get<{ value: number }>(READ_META, 'schema_version')?.value ?? 0;
}

function isCurrent(db: Database): boolean {
  const found = schemaVersion(db);
  if (found < SCHEMA_VERSION) return false;
  checkVersion(db);
  return true;
}

function runStep(db: Database, step: Migration): void {
  db.exec(step.sql);
  db.run(WRITE_META, 'schema_version', step.version);
  db.run(WRITE_META, 'min_client', step.minClient);
  // A file that an application made for its own tables keeps the mark of that application.
  if (db.pragma<{ application_id: number }>('pragma application_id')?.application_id === 0) {
    db.exec(`pragma application_id = ${APPLICATION_ID}`);
  }
}
