/** The tables of schema 1. `{s}` stands for the name of the schema, in quotes. See `docs/decisions` on the layout. */

import { JOBS } from './tables-of-jobs.ts';

const BOOKS = `
  create sequence {s}.job_number;
  create sequence {s}.token;
  create sequence {s}.move;
  create sequence {s}.audit_number;

  -- What every call looks at first; written when settings change and at no other time.
  create table {s}.queue (
    id integer generated always as identity primary key,
    name text not null unique,
    settings text not null,
    created_at bigint not null,
    -- What of the settings the functions look at.
    paused boolean not null,
    at_most_once boolean not null,
    drops_completed boolean not null,
    drops_cancelled boolean not null,
    feed_on boolean not null,
    -- Retention; null is no bound. The defaults are those of the settings.
    completed_age bigint default 86400000,
    completed_count bigint default 10000,
    failed_age bigint default 2592000000,
    failed_count bigint,
    cancelled_age bigint default 86400000,
    cancelled_count bigint default 10000
  );

  -- Numbers of a queue up to some moment. What came after it lies in "delta": a reader adds both up.
  create table {s}.tally (
    queue_id integer primary key,
    waiting bigint not null default 0,
    delayed bigint not null default 0,
    blocked bigint not null default 0,
    active bigint not null default 0,
    parked bigint not null default 0,
    completed bigint not null default 0,
    failed bigint not null default 0,
    cancelled bigint not null default 0,
    -- Finished jobs whose keeping is the queue's rule, not the job's own; retention by count looks at these.
    ruled_completed bigint not null default 0,
    ruled_failed bigint not null default 0,
    ruled_cancelled bigint not null default 0,
    total_added bigint not null default 0,
    total_completed bigint not null default 0,
    total_failed bigint not null default 0,
    total_cancelled bigint not null default 0,
    total_attempts_failed bigint not null default 0,
    total_released bigint not null default 0,
    total_reclaimed bigint not null default 0,
    total_duplicates bigint not null default 0,
    total_removed bigint not null default 0
  ) with (fillfactor = 50);

  -- Differences that one call made, to the numbers of its queue and to the statistics of one name in one minute. Only
  -- appended by those who work, so that nobody waits for a row; upkeep folds them into "tally" and "stat". Null is 0.
  create table {s}.delta (
    number bigint generated always as identity primary key,
    minute bigint not null,
    queue_id integer not null,
    waiting integer, delayed integer, blocked integer, active integer, parked integer, completed integer,
    failed integer, cancelled integer, ruled_completed integer, ruled_failed integer, ruled_cancelled integer,
    total_added integer, total_completed integer, total_failed integer, total_cancelled integer,
    total_attempts_failed integer, total_released integer, total_reclaimed integer, total_duplicates integer,
    total_removed integer,
    stat_added integer, stat_completed integer, stat_failed integer, stat_retried integer,
    -- Null: no statistics in this row.
    name text,
    -- Buckets of the histograms that were hit, from 0: 1024 times the bucket, and how many times (1,000 at most).
    wait_hits smallint[],
    run_hits smallint[]
  );

  create table {s}.stat (
    queue_id integer not null,
    -- 0: minute, 1: hour.
    step smallint not null,
    start bigint not null,
    name text not null,
    added bigint not null,
    completed bigint not null,
    failed bigint not null,
    retried bigint not null,
    wait bigint[] not null,
    run bigint[] not null,
    primary key (queue_id, step, start, name)
  );
  create index stat_start on {s}.stat (step, start);
`;

const AROUND = `
  create table {s}.session (
    id text primary key,
    host text not null,
    pid integer not null,
    version text not null,
    queues text not null,
    lag_ms double precision not null,
    started_at bigint not null,
    seen_at bigint not null,
    expires_at bigint not null
  ) with (fillfactor = 50);

  -- Answers of calls with a request id.
  create table {s}.request (
    id text primary key,
    answered_at bigint not null,
    answer text not null
  );
  create index request_answered on {s}.request (answered_at);

  -- Tokens that a claim gave, as pairs of first and last.
  create table {s}.claim_answer (
    id text primary key,
    answered_at bigint not null,
    tokens bigint[] not null
  );
  create index claim_answer_answered on {s}.claim_answer (answered_at);

  -- Workers that found nothing to claim and want to be told; see NOTIFY in the functions.
  create unlogged table {s}.idle (
    queue text not null,
    worker text not null,
    marked_at bigint not null,
    primary key (queue, worker)
  );

  -- Who listens to a queue, which need not exist yet; so names here, and not numbers.
  create table {s}.recording (
    queue text primary key,
    until_at bigint not null,
    floor bigint not null
  );

  -- Changes as they are told, in no order that a reader could rely on: transactions end in another order than they
  -- draw numbers. Whoever reads the feed first moves what it sees to "change", under the lock of "feed".
  create table {s}.told (
    number bigint generated always as identity primary key,
    at bigint not null,
    queue text not null,
    kind text not null,
    id text not null,
    name text not null,
    data bytea
  );
  create table {s}.change (
    cursor bigint primary key,
    at bigint not null,
    queue text not null,
    kind text not null,
    id text not null,
    name text not null,
    data bytea
  );
  create index change_queue on {s}.change (queue, cursor);
  create table {s}.feed (
    one integer primary key check (one = 1),
    last_cursor bigint not null
  ) with (fillfactor = 20);
  insert into {s}.feed (one, last_cursor) values (1, 0);

  create table {s}.operation (
    id text primary key,
    kind text not null,
    filter text not null,
    to_queue text,
    rate double precision,
    reason text not null,
    state text not null,
    done bigint not null,
    skipped bigint not null,
    scanned bigint not null,
    started_at bigint not null,
    finished_at bigint,
    after_seq bigint not null,
    until_seq bigint not null
  );

  create table {s}.audit (
    number bigint primary key,
    at bigint not null,
    actor text not null,
    op text not null,
    queue text not null,
    id text not null,
    detail text not null
  );

  create table {s}.leader (
    one integer primary key check (one = 1),
    holder text not null,
    expires_at bigint not null
  ) with (fillfactor = 20);
`;

/** Small tables through which everything passes are cleaned early and at full speed; large ones in good time. */
const HOT = ['ready', 'aside', 'delayed', 'expiring', 'batch', 'lease', 'delta', 'told', 'claim_answer'];
const LARGE = ['job', 'done', 'attempt', 'log', 'request', 'change'];
const CLEANING = [
  ...HOT.map(
    (table) => `alter table {s}.${table} set (autovacuum_vacuum_scale_factor = 0.02,
      autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0.2);`,
  ),
  ...LARGE.map(
    (table) => `alter table {s}.${table} set (autovacuum_vacuum_scale_factor = 0.05,
      autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);`,
  ),
].join('\n');

export const TABLES: string = [BOOKS, JOBS, AROUND, CLEANING].join('\n');
