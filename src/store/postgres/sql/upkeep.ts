/** What upkeep does to many rows at once. */

import { isLeft, isNotFolded } from './batch.ts';
import { ADDING_UP, eachJob, LOOKING_UP } from './planning.ts';

/** Buckets of a histogram. */
const LAST_BUCKET = 18;

const TALLIED = [
  ...[
    'waiting',
    'delayed',
    'blocked',
    'active',
    'parked',
    'completed',
    'failed',
    'cancelled',
    'ruled_completed',
  ],
  ...['ruled_failed', 'ruled_cancelled', 'total_added', 'total_completed', 'total_failed', 'total_cancelled'],
  ...['total_attempts_failed', 'total_released', 'total_reclaimed', 'total_duplicates', 'total_removed'],
];

function histogramOf(hits: 'wait' | 'run'): string {
  return `array(select coalesce((select h.times from ${hits}_times h where h.queue_id = g.queue_id
        and h.minute = g.minute and h.name = g.name and h.bucket = k), 0) from generate_series(0, ${LAST_BUCKET}) k order by k)`;
}

const ADD_STATS = `
      on conflict (queue_id, step, start, name) do update set added = s.added + excluded.added,
        completed = s.completed + excluded.completed, failed = s.failed + excluded.failed,
        retried = s.retried + excluded.retried, wait = {s}.add_up_v1(s.wait, excluded.wait),
        run = {s}.add_up_v1(s.run, excluded.run)`;

export const PROMOTE_ALL: string = `
  -- Leases past due, and those that were suspected of it, by token.
  create function {s}.suspects_v1(t bigint, p_limit integer) returns table (seq bigint, token bigint)
  language sql stable ${LOOKING_UP} as $$
    select x.seq, x.token from (
      select l.seq, l.token from {s}.lease l left join {s}.session s on s.id = l.worker
      where l.suspect_at is not null or l.past_due_at <= t
        or l.expires_at is null and (s.id is null or s.expires_at <= t)
      union all
      select n.seq, b.first_token + n.place - 1
      from {s}.batch b left join {s}.session s on s.id = b.worker, unnest(b.seqs) with ordinality n(seq, place)
      where n.seq is not null and ${isLeft('b')} and (s.id is null or s.expires_at <= t)
    ) x order by x.token limit p_limit
  $$;

  -- Jobs of all queues that nobody claimed in time, the longest over first.
  create function {s}.expiring_v1(t bigint, p_limit integer) returns setof bigint language sql stable ${LOOKING_UP} as $$
    select x.seq from {s}.queue q cross join lateral (
      select e.seq, e.expires_at from {s}.expiring e where e.queue_id = q.id and e.expires_at <= t
      order by e.expires_at, e.seq limit p_limit
    ) x order by x.expires_at, x.seq limit p_limit
  $$;

  -- Due jobs of all queues that are not paused, the longest due first.
  create function {s}.promote_all_v1(t bigint, p_limit integer, out moved integer, out more boolean, out queues text)
  language plpgsql ${ADDING_UP} as $$
  declare
    v_seqs bigint[]; v_due bigint[];
  begin
    with c as materialized (
      select x.place, x.due_at, x.seq from {s}.queue q cross join lateral (
        select d.ctid as place, d.due_at, d.seq from {s}.delayed d where d.queue_id = q.id and d.due_at <= t
        order by d.due_at, d.seq limit p_limit + 1 for update skip locked
      ) x where not q.paused order by x.due_at, x.seq limit p_limit + 1
    ), d as (
      delete from {s}.delayed where ctid = any (array(select place from c order by due_at, seq limit p_limit))
      returning seq, due_at
    )
    select array_agg(seq order by due_at, seq), array_agg(due_at order by due_at, seq), (select count(*) from c) > p_limit
    into v_seqs, v_due, more from d;
    moved := coalesce(cardinality(v_seqs), 0);
    queues := '[]';
    if moved = 0 then return; end if;
    perform {s}.promote_these_v1(t, v_seqs, v_due);
    select json_agg(q.name)::text into queues from {s}.queue q
    where q.id in (select j.queue_id from unnest(v_seqs) s ${eachJob('j', 's')});
  end $$;
`;

/** Finished jobs of a state under the rule of their queue, the oldest first, and when the oldest of all ended. */
const RULED = {
  completed: {
    state: 5,
    jobs: '{s}.done_oldest_v1(q.id, q.bound, p_limit + 1)',
    oldest: `select d.finished_at from {s}.done d where d.queue_id = q.id and d.prune_at is null and d.finished_at >= q.bound
          order by d.finished_at limit 1`,
  },
  failed: { state: 6, jobs: ofJobs(6, 'p_limit + 1'), oldest: `select finished_at from ${ofJobs(6, '1')} o` },
  cancelled: {
    state: 7,
    jobs: ofJobs(7, 'p_limit + 1'),
    oldest: `select finished_at from ${ofJobs(7, '1')} o`,
  },
};

function ofJobs(state: number, limit: string): string {
  return `(select j.seq, j.finished_at, null::tid as at from {s}.job j
          where j.queue_id = q.id and j.prune_at is null and j.state = ${state} and j.finished_at is not null
          order by j.finished_at, j.seq limit ${limit})`;
}

function ruledIn(name: keyof typeof RULED): string {
  const { state, jobs, oldest } = RULED[name];
  return `
      select x.seq, x.finished_at, q.id as queue_id, ${state} as state, true as ruled, x.at
      from counted q cross join lateral (
        select f.*, row_number() over (order by f.finished_at, f.seq) as number from ${jobs} f
      ) x
      where q.${name} > 0 and (q.${name} > q.${name}_count or (${oldest}) + q.${name}_age <= t)
        and (x.number <= q.${name} - q.${name}_count or x.finished_at + q.${name}_age <= t)`;
}

export const PRUNE: string = `
  -- Finished jobs that were kept for long enough, the oldest first.
  create function {s}.prune_v1(t bigint, p_limit integer, out pruned integer, out more boolean)
  language plpgsql ${ADDING_UP} as $$
  declare
    v_seqs bigint[]; v_ruled boolean[]; v_queues integer[]; v_states integer[]; v_free bigint[]; v_at tid[];
    v_has_attempts boolean; v_has_lines boolean;
  begin
    with counted as materialized (
      select q.id, q.completed_age, q.completed_count, q.failed_age, q.failed_count, q.cancelled_age,
        q.cancelled_count, n.completed, n.failed, n.cancelled,
        coalesce((select b.up_to from {s}.pruned b where b.queue_id = q.id and t - b.swept_at between 0 and 59999), 0) as bound
      from {s}.queue q join (
        select queue_id, sum(ruled_completed) as completed, sum(ruled_failed) as failed, sum(ruled_cancelled) as cancelled
        from (
          select queue_id, ruled_completed, ruled_failed, ruled_cancelled from {s}.tally
          union all
          select d.queue_id, d.ruled_completed, d.ruled_failed, d.ruled_cancelled from {s}.delta d where ${isNotFolded('d')}
        ) x group by queue_id
      ) n on n.queue_id = q.id
    ), over as (
      ${ruledIn('completed')}
      union all ${ruledIn('failed')}
      union all ${ruledIn('cancelled')}
      union all
      select s, y.finished_at, y.queue_id, 5, false, y.at from (select ctid as at, * from {s}.done
        where prune_at <= t and prune_at is not null order by prune_at limit p_limit + 1) y, unnest(y.seqs) s
      where s is not null
      union all
      select * from (select seq, finished_at, queue_id, state, false, null::tid from {s}.job
        where prune_at <= t and prune_at is not null order by prune_at, seq limit p_limit + 1) z
    )
    select array_agg(seq order by finished_at, seq), array_agg(ruled order by finished_at, seq),
      array_agg(queue_id order by finished_at, seq), array_agg(state order by finished_at, seq),
      array_agg(at order by finished_at, seq)
    into v_seqs, v_ruled, v_queues, v_states, v_at
    from (select * from over order by finished_at, seq limit p_limit + 1) o;
    pruned := 0;
    more := coalesce(cardinality(v_seqs), 0) > p_limit;
    if v_seqs is null then
      update {s}.pruned set swept_at = t where t - swept_at not between 0 and 59999;
      return;
    end if;

    -- Jobs that somebody is moving are left to him. Those that are completed are where their row of "done" is, and who
    -- moves them has it locked.
    with named as materialized (
      select u.seq, u.at from unnest(v_seqs[:p_limit], v_at) u(seq, at) where u.at is not null
    ), ours as materialized (
      select d.ctid as at, d.queue_id, d.finished_at, d.prune_at, array_remove(d.seqs, null) as seqs from {s}.done d
      where d.ctid = any (array(select distinct at from named))
      order by d.queue_id, d.place, d.first_token for update skip locked
    ), left_of as materialized (
      select o.at, array_agg(n.seq) as seqs, count(*) = cardinality(o.seqs) as is_all
      from ours o join named n on n.at = o.at where n.seq = any (o.seqs) group by o.at, o.seqs
    ), gone as (
      delete from {s}.done d using left_of l where d.ctid = l.at and l.is_all
    ), fewer as (
      update {s}.done d set seqs = array(
        select case when n.seq = any (l.seqs) then null else n.seq end
        from unnest(d.seqs) with ordinality n(seq, place) order by n.place)
      from left_of l where d.ctid = l.at and not l.is_all
    ), marked as (
      -- Somebody who is slow may yet complete a job by an earlier clock.
      insert into {s}.pruned as b (queue_id, up_to, swept_at)
      select queue_id, max(finished_at) - 5000, t from ours where prune_at is null group by queue_id order by queue_id
      on conflict (queue_id) do update set up_to = excluded.up_to,
        swept_at = case when t - b.swept_at between 0 and 59999 then b.swept_at else t end
    ), others as (
      select j.seq from unnest(v_seqs[:p_limit], v_states) u(seq, state) cross join lateral (
        select each.seq from {s}.job each where each.seq = u.seq and each.state = u.state offset 0 for update skip locked) j
      where u.state in (6, 7)
    )
    select array_agg(seq) into v_free from (select unnest(seqs) as seq from left_of union all select seq from others) x;
    if v_free is null then return; end if;
    if cardinality(v_free) < cardinality(v_seqs) then
      select array_agg(u.seq order by u.place), array_agg(u.queue order by u.place),
        array_agg(u.state order by u.place), array_agg(u.ruled order by u.place)
      into v_seqs, v_queues, v_states, v_ruled
      from unnest(v_seqs, v_queues, v_states, v_ruled) with ordinality u(seq, queue, state, ruled, place)
      join unnest(v_free) f on f = u.seq;
    end if;
    pruned := cardinality(v_seqs);

    insert into {s}.delta (minute, queue_id, completed, failed, cancelled, ruled_completed, ruled_failed,
      ruled_cancelled, total_removed)
    select t - t % 60000, u.queue, -nullif(count(*) filter (where u.state not in (6, 7)), 0),
      -nullif(count(*) filter (where u.state = 6), 0), -nullif(count(*) filter (where u.state = 7), 0),
      -nullif(count(*) filter (where u.ruled and u.state not in (6, 7)), 0),
      -nullif(count(*) filter (where u.ruled and u.state = 6), 0),
      -nullif(count(*) filter (where u.ruled and u.state = 7), 0), count(*)
    from unnest(v_queues, v_states, v_ruled) u(queue, state, ruled) group by u.queue;
    if exists (select 1 from {s}.queue q where {s}.is_recorded_v1(q.name, t)) then
      insert into {s}.told (at, queue, kind, id, name)
      select t, q.name, 'removed', j.id, j.name from unnest(v_seqs) with ordinality u(seq, place)
      ${eachJob('j', 'u.seq')} join {s}.queue q on q.id = j.queue_id
      where {s}.is_recorded_v1(q.name, t) order by u.place;
    end if;
    with gone as (
      delete from {s}.job where seq = any (v_seqs) returning claims, logged
    )
    select bool_or(claims > 0), bool_or(logged > 0) into v_has_attempts, v_has_lines from gone;
    if v_has_attempts then delete from {s}.attempt where seq = any (v_seqs); end if;
    if v_has_lines then delete from {s}.log where seq = any (v_seqs); end if;
  end $$;
`;

export const FORGET: string = `
  create function {s}.add_up_v1(one bigint[], other bigint[]) returns bigint[] language sql immutable
  set search_path = pg_catalog, pg_temp as $$
    select array_agg(x + y order by place) from unnest(one, other) with ordinality u(x, y, place)
  $$;

  -- Differences into the numbers that they belong to. Answers how many there were.
  create function {s}.fold_v1(t bigint, p_limit integer) returns integer language plpgsql ${ADDING_UP} as $$
  declare
    v_many integer;
  begin
    with gone as (
      delete from {s}.delta where ctid = any (array(
        select d.ctid from {s}.delta d where ${isNotFolded('d')} order by d.number limit p_limit for update skip locked))
      returning *
    ), numbers as (
      insert into {s}.tally as n (queue_id, ${TALLIED.join(', ')})
      select g.queue_id, ${TALLIED.map((column) => `coalesce(sum(g.${column}), 0)`).join(', ')}
      from gone g where exists (select 1 from {s}.queue q where q.id = g.queue_id) group by g.queue_id order by 1
      on conflict (queue_id) do update set ${TALLIED.map((column) => `${column} = n.${column} + excluded.${column}`).join(', ')}
    ), -- Looked into once a bucket: they would be counted anew each time.
    wait_times as materialized (
      select queue_id, minute, name, hit >> 10 as bucket, sum(hit & 1023) as times
      from (select queue_id, minute, name, unnest(wait_hits)::integer as hit from gone) x group by 1, 2, 3, 4
    ), run_times as materialized (
      select queue_id, minute, name, hit >> 10 as bucket, sum(hit & 1023) as times
      from (select queue_id, minute, name, unnest(run_hits)::integer as hit from gone) x group by 1, 2, 3, 4
    ), statistics as (
      insert into {s}.stat as s (queue_id, step, start, name, added, completed, failed, retried, wait, run)
      select g.queue_id, 0, g.minute, g.name, coalesce(sum(g.stat_added), 0), coalesce(sum(g.stat_completed), 0),
        coalesce(sum(g.stat_failed), 0), coalesce(sum(g.stat_retried), 0), ${histogramOf('wait')}, ${histogramOf('run')}
      from gone g where g.name is not null and exists (select 1 from {s}.queue q where q.id = g.queue_id)
      group by g.queue_id, g.minute, g.name order by 1, 3, 4 ${ADD_STATS}
    )
    select count(*) into v_many from gone;
    return v_many;
  end $$;

  -- What nobody can be asking for any more, in slices: after a long rest there may be very much of it.
  create function {s}.forget_v1(t bigint, p_answered bigint, p_minutes bigint, p_hours bigint) returns void
  language plpgsql ${ADDING_UP} as $$
  begin
    -- One that holds leases is needed to judge them.
    delete from {s}.session s where s.expires_at <= t
      and not exists (select 1 from {s}.lease l where l.worker = s.id)
      and not exists (select 1 from {s}.batch b where b.worker = s.id and ${isLeft('b')});
    delete from {s}.request where ctid = any (array(
      select ctid from {s}.request where answered_at <= p_answered order by answered_at limit 10000));
    delete from {s}.claim_answer where ctid = any (array(
      select ctid from {s}.claim_answer where answered_at <= p_answered order by answered_at limit 10000));
    delete from {s}.idle where marked_at <= t - 60000;
    perform {s}.raise_floor_v1();
    perform {s}.fold_v1(t, 20000);
    if exists (select 1 from {s}.stat where step = 0 and start <= p_minutes - 60000) then
      with old as (
        delete from {s}.stat where ctid = any (array(
          select ctid from {s}.stat where step = 0 and start <= p_minutes - 60000 order by start limit 2000))
        returning queue_id, start - start % 3600000 as hour, name, added, completed, failed, retried, wait, run
      )
      insert into {s}.stat as s (queue_id, step, start, name, added, completed, failed, retried, wait, run)
      select o.queue_id, 1, o.hour, o.name, sum(o.added), sum(o.completed), sum(o.failed), sum(o.retried),
        array(select sum((x.wait)[k]) from old x, generate_series(1, ${LAST_BUCKET + 1}) k
          where x.queue_id = o.queue_id and x.hour = o.hour and x.name = o.name group by k order by k),
        array(select sum((x.run)[k]) from old x, generate_series(1, ${LAST_BUCKET + 1}) k
          where x.queue_id = o.queue_id and x.hour = o.hour and x.name = o.name group by k order by k)
      from old o group by o.queue_id, o.hour, o.name ${ADD_STATS};
    end if;
    delete from {s}.stat where step = 1 and start <= p_hours - 3600000;
  end $$;
`;
