/** What a job is now: its row, and what its lease or its completion says beyond that. */

/**
 * Every place where a job can be is looked at in one statement, so that a reader never sees it in two or in none.
 * The batches are searched for jobs only that are nowhere else; there are few batches, and none for long.
 */
export const VIEWS = `
  create view {s}.job_now as
  select j.seq, j.queue_id, j.id, j.name,
    case when d.seq is not null then 5 when h.token is not null then 3 else j.state end::smallint as state,
    j.priority, j.rank, j.added_at, j.due_at, j.ready_at,
    case when d.seq is null and h.token is null then j.expires_at end as expires_at,
    coalesce(j.first_claimed_at, d.claimed_at, h.claimed_at) as first_claimed_at,
    coalesce(d.claimed_at, h.claimed_at, j.claimed_at) as claimed_at,
    coalesce(d.finished_at, j.finished_at) as finished_at,
    j.generation,
    j.claims + case when coalesce(d.token, h.token, 0) > j.token then 1 else 0 end as claims,
    j.failures, j.crashes,
    coalesce(d.token, h.token, j.token) as token,
    coalesce(d.token, j.settled_token) as settled_token,
    coalesce(d.worker, h.worker, j.worker) as worker,
    j.timeout_ms, j.keep_completed_ms, j.keep_failed_ms,
    case when d.seq is not null then d.prune_at else j.prune_at end as prune_at,
    j.cause, j.cancel_reason,
    case when d.seq is null then j.fingerprint end as fingerprint,
    j.origin_queue, j.origin_cause, j.origin_moved_at, j.move_number, j.logged,
    j.content_type, j.headers, j.policy,
    case when d.seq is null then j.error end as error,
    d.result, d.trace_id, j.body, j.progress,
    h.token is not null as held, h.expires_at as lease_expires_at, h.deadline_at, h.suspect_at, h.spared, h.first_token
  from {s}.job j
  left join {s}.done d on d.queue_id = j.queue_id and d.seq = j.seq
  left join lateral (
    select l.token, l.claimed_at, l.worker, l.expires_at, l.deadline_at, l.suspect_at, l.spared,
      null::bigint as first_token
    from {s}.lease l where l.seq = j.seq
    union all
    select b.first_token + array_position(b.seqs, j.seq) - 1, b.claimed_at, b.worker, null, null, null, b.spared,
      b.first_token
    from {s}.batch b
    where b.queue_id = j.queue_id and b.seqs @> array[j.seq]
      and not exists (select 1 from {s}.ready r where r.queue_id = j.queue_id and r.seq = j.seq)
      and not exists (
        select 1 from {s}.aside a
        where a.queue_id = j.queue_id and a.priority = j.priority and a.rank = j.rank and a.seq = j.seq)
    limit 1
  ) h on d.seq is null and j.state in (0, 3);
`;
