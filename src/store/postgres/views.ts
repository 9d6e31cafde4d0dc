/** What a job is now: its row, and what its lease or its completion says beyond that. */

import { isLeft } from './sql/batch.ts';
import { eachDone } from './sql/done.ts';

/**
 * Every place where a job can be is looked at in one statement, so that a reader never sees it in two or in none.
 * The batches are searched for jobs only that are nowhere else; there are few batches, and none for long.
 */
export const VIEWS: string = `
  create view {s}.job_now as
  select j.seq, j.queue_id, j.id, j.name,
    case when d.seq is not null then 5 when h.token is not null then 3 else coalesce(j.state, 0) end::smallint as state,
    coalesce(j.priority, 0) as priority, coalesce(j.rank, j.seq) as rank, j.added_at, j.due_at,
    case when j.state is null then j.added_at else j.ready_at end as ready_at,
    case when d.seq is null and h.token is null then j.expires_at end as expires_at,
    coalesce(j.first_claimed_at, d.claimed_at, h.claimed_at) as first_claimed_at,
    coalesce(d.claimed_at, h.claimed_at, j.claimed_at) as claimed_at,
    coalesce(d.finished_at, j.finished_at) as finished_at,
    coalesce(j.generation, 1) as generation,
    coalesce(j.claims, 0) + case when coalesce(d.token, h.token, 0) > coalesce(j.token, 0) then 1 else 0 end as claims,
    coalesce(j.failures, 0) as failures, coalesce(j.crashes, 0) as crashes,
    coalesce(d.token, h.token, j.token, 0) as token,
    coalesce(d.token, j.settled_token, 0) as settled_token,
    coalesce(d.worker, h.worker, j.worker) as worker,
    j.timeout_ms, j.keep_completed_ms, j.keep_failed_ms,
    case when d.seq is not null then d.prune_at else j.prune_at end as prune_at,
    j.cause, j.cancel_reason,
    case when d.seq is null then j.fingerprint end as fingerprint,
    j.origin_queue, j.origin_cause, j.origin_moved_at, j.move_number,
    coalesce(j.logged, 0) as logged, coalesce(j.content_type, 'application/json') as content_type,
    coalesce(j.headers, '{}') as headers, coalesce(j.policy, '{}') as policy,
    case when d.seq is null then j.error end as error,
    substring(d.results from d.before + 1 for d.sizes[d.slot]) as result, d.traces[d.slot] as trace_id, j.body, j.progress,
    h.token is not null as held, h.expires_at as lease_expires_at, h.deadline_at, h.suspect_at, h.spared, h.first_token
  from {s}.job j
  left join lateral (
    select j.seq, e.claimed_at, e.finished_at, e.prune_at, e.worker, e.traces, e.sizes, e.results, n.slot,
      coalesce(e.tokens[n.slot], e.first_token + n.slot - 1) as token,
      -- Where its result begins.
      coalesce((select sum(x) from unnest(e.sizes[:n.slot - 1]) x), 0)::integer as before
    from (values (0)) one ${eachDone('e', { seq: 'j.seq', queue: 'j.queue_id' })}
    cross join lateral (select array_position(e.seqs, j.seq) as slot) n
    limit 1
  ) d on coalesce(j.state, 0) = 0
  left join lateral (
    select l.token, l.claimed_at, l.worker, l.expires_at, l.deadline_at, l.suspect_at, l.spared,
      null::bigint as first_token
    from {s}.lease l where l.seq = j.seq
    union all
    select b.first_token + array_position(b.seqs, j.seq) - 1, b.claimed_at, b.worker, null, null, null, b.spared,
      b.first_token
    from {s}.batch b
    where b.queue_id = j.queue_id and b.seqs @> array[j.seq] and ${isLeft('b')}
      and not exists (select 1 from {s}.ready r where r.queue_id = j.queue_id and r.seq = j.seq)
      and not exists (select 1 from {s}.aside a where a.queue_id = j.queue_id and a.seq = j.seq)
    limit 1
  ) h on d.seq is null and coalesce(j.state, 0) in (0, 3);
`;
