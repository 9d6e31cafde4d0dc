/** The tables that say what jobs are and where they are; `{s}` as in tables.ts. */

export const JOBS: string = `
  -- Written when it is added, and again when an attempt ends in anything but completion. Claims and completions
  -- leave it alone: what they say of the job lies in "lease" or "batch", and in "done".
  create table {s}.job (
    seq bigint primary key,
    added_at bigint not null,
    -- Most jobs wait in their turn from the beginning, until they are claimed and completed: of these all that a job has
    -- at its beginning is null, and the first write of it fills it in. "job_now" says what null stands for.
    rank bigint,
    ready_at bigint,
    queue_id integer not null,
    priority integer,
    generation integer,
    claims integer,
    failures integer,
    crashes integer,
    -- Lines ever logged.
    logged integer,
    -- Place in JOB_STATES. 0 (waiting) also of a job that was claimed or completed since this row was written; null: 0,
    -- and this row was never written since it was added in its turn.
    state smallint,
    id text not null,
    name text not null,
    -- Null: application/json, and no headers or rules but the usual ones.
    content_type text,
    headers text,
    policy text,
    body bytea not null,
    -- Token of the last claim that this row tells of; of a later one the lease or "done" tells.
    token bigint,
    settled_token bigint,
    due_at bigint,
    expires_at bigint,
    first_claimed_at bigint,
    claimed_at bigint,
    finished_at bigint,
    timeout_ms bigint,
    keep_completed_ms bigint,
    keep_failed_ms bigint,
    prune_at bigint,
    origin_moved_at bigint,
    move_number bigint,
    worker text,
    cause text,
    cancel_reason text,
    fingerprint text,
    error text,
    origin_queue text,
    origin_cause text,
    progress bytea
  );
  create unique index job_id on {s}.job (queue_id, id);
  create index job_state on {s}.job (queue_id, state, seq) where state <> 0;
  create index job_finished on {s}.job (queue_id, state, finished_at, seq)
    where finished_at is not null and prune_at is null;
  create index job_prune on {s}.job (prune_at, seq) where prune_at is not null;
  create index job_fingerprint on {s}.job (fingerprint, seq) where fingerprint is not null;
  create index job_origin on {s}.job (id, origin_queue, move_number) where origin_queue is not null;

  -- Waiting jobs in their turn: priority 0, in the order of adding, no time to live. Rows are only inserted and
  -- deleted, and inserted at the end only, so that who claims may begin where the last claim ended.
  create table {s}.ready (
    seq bigint not null,
    queue_id integer not null,
    primary key (queue_id, seq)
  );

  -- The other waiting jobs: with a priority, ahead of their turn, with a time to live, or waiting again.
  create table {s}.aside (
    seq bigint not null,
    rank bigint not null,
    ready_at bigint not null,
    queue_id integer not null,
    priority integer not null,
    expires_at bigint,
    primary key (queue_id, priority, rank)
  );
  create index aside_ready_at on {s}.aside (queue_id, ready_at);
  -- By which jobs are looked up. The last one, since of indexes that look as good as each other, as they do when the
  -- table is taken for empty, the planner takes the one that was made last.
  create index aside_seq on {s}.aside (queue_id, seq);

  -- Delayed jobs, and parked ones that wait for a time.
  create table {s}.delayed (
    seq bigint not null,
    due_at bigint not null,
    queue_id integer not null,
    primary key (queue_id, due_at, seq)
  );

  -- Waiting and delayed jobs that end unless they are claimed in time.
  create table {s}.expiring (
    seq bigint not null,
    expires_at bigint not null,
    queue_id integer not null,
    primary key (queue_id, expires_at, seq)
  );

  -- The leases of one claim, with tokens that follow one another: all bound to the session of their worker, of jobs
  -- without a timeout and without a keeping of their own. A slot is null once its lease has ended or lies in "lease".
  create table {s}.batch (
    first_token bigint primary key,
    last_token bigint not null,
    claimed_at bigint not null,
    queue_id integer not null,
    spared boolean not null,
    worker text not null,
    -- Of all its jobs; null where they have several.
    name text,
    seqs bigint[] not null
  ) with (fillfactor = 50);

  -- No batch below this token is left, nor comes any more, and no difference below this number: who looks for them begins
  -- here, and not at what is left of those that ended. Raised by upkeep, to what everybody had drawn who has finished since
  -- it last looked.
  create table {s}.batch_floor (
    one integer primary key check (one = 1),
    token bigint not null,
    seen_token bigint not null,
    delta bigint not null,
    seen_delta bigint not null,
    seen_in xid8 not null
  ) with (fillfactor = 20);

  -- A row from the first claim on; none after a crash, and where a standby has taken over. See \`guard_tokens_v1\`.
  create unlogged table {s}.since_crash (one integer primary key check (one = 1));

  -- Leases that need more than that, one by one.
  create table {s}.lease (
    token bigint primary key,
    seq bigint not null,
    claimed_at bigint not null,
    expires_at bigint,
    deadline_at bigint,
    -- When it is past due by time alone; null: only with its session.
    past_due_at bigint,
    -- When a reclaim pass first saw it past due.
    suspect_at bigint,
    queue_id integer not null,
    -- Claimed by a worker that runs suspects alone, and not run alone: its crash may be another job's doing.
    spared boolean not null,
    worker text not null
  ) with (fillfactor = 70);
  create index lease_worker on {s}.lease (worker, token);
  create index lease_seq on {s}.lease (seq);
  create index lease_past_due on {s}.lease (past_due_at, token) where past_due_at is not null;
  create index lease_suspect on {s}.lease (token) where suspect_at is not null;

  -- Completed jobs, and the records of the attempts that completed them: one row for those that were settled together,
  -- since a row and its entries in indexes cost as much as the claim and the settling of a job. See "place" below.
  create table {s}.done (
    -- Of one job: its number. Of several: -1 - (number >> 7), which they share, so that each is found by two looks.
    place bigint not null,
    -- Token of the first slot; the others follow it, but for those that have \`tokens\`.
    first_token bigint not null,
    claimed_at bigint not null,
    finished_at bigint not null,
    -- End of the keeping by the jobs' own rule.
    prune_at bigint,
    queue_id integer not null,
    worker text not null,
    -- A slot is null once its job is deleted or has moved on.
    seqs bigint[] not null,
    tokens bigint[],
    traces text[],
    -- Results lie end to end; a size is null where there is none.
    sizes integer[],
    results bytea,
    primary key (queue_id, place, first_token)
  ) with (fillfactor = 90);
  create index done_finished on {s}.done (queue_id, finished_at) where prune_at is null;
  create index done_prune on {s}.done (prune_at) where prune_at is not null;

  -- Up to when completed jobs of a queue were deleted, a little less: who looks for the next ones need not walk over
  -- what is left of those before. A hint: now and then somebody looks from the start.
  create table {s}.pruned (
    queue_id integer primary key,
    up_to bigint not null,
    swept_at bigint not null
  ) with (fillfactor = 20);

  create table {s}.attempt (
    seq bigint not null,
    number integer not null,
    generation integer not null,
    token bigint not null,
    worker text not null,
    started_at bigint not null,
    ended_at bigint not null,
    outcome text not null,
    error text,
    retry_after_ms bigint,
    trace_id text,
    primary key (seq, number)
  );

  create table {s}.log (
    seq bigint not null,
    number integer not null,
    at bigint not null,
    text text not null,
    primary key (seq, number)
  );
`;
