/** Claiming. What is not said here is said in `docs/reference/store-contract.md`. */

import { deleteEach, eachJob, eachJobNow, eachJobOrNone, eachOf, LOOKING_UP, MATCHING } from './planning.ts';

/** Upper bounds of the histograms' buckets, each one more, because \`width_bucket\` has them exclusive. */
export const BUCKETS =
  "'{2,3,6,11,21,51,101,201,501,1001,2001,5001,10001,20001,60001,300001,900001,3600001}'::bigint[]";

/** In the order of \`claimedOf\` in claim.ts. Of jobs that were never claimed before most of it is left out. */
const CLAIMED_JOB = `
  json_build_array(j.seq, j.id, j.name, octet_length(j.body), coalesce(j.priority, 0), coalesce(j.rank, j.seq), j.added_at,
    coalesce(j.ready_at, j.added_at), coalesce(j.content_type, 'application/json'), coalesce(j.headers, '{}'), coalesce(j.policy, '{}'), j.first_claimed_at, coalesce(j.generation, 1),
    coalesce(j.claims, 0), coalesce(j.failures, 0), coalesce(j.crashes, 0), j.cause, j.cancel_reason, j.origin_queue,
    j.origin_cause, j.origin_moved_at, j.error, octet_length(j.progress))`;
const CLAIMED_BYTES = `j.body || coalesce(j.progress, '')`;

/** 2026-01-01. With so many a second 2^53 is far away, and more than any server gives. */
const TOKENS_SINCE_S = 1_767_225_600;
const TOKENS_A_SECOND = 131_072;

/** The jobs that a function is given. */
const THESE = `unnest(p_seqs) s ${eachJob('j', 's')}`;

export const AROUND_CLAIMING: string = `
  -- Jobs that are due, in the order given. Their rows in "delayed" are gone.
  create function {s}.promote_these_v1(t bigint, p_seqs bigint[], p_due bigint[]) returns void
  language plpgsql ${MATCHING} as $$
  begin
    insert into {s}.delta (minute, queue_id, waiting, delayed, parked)
    select t - t % 60000, j.queue_id, count(*), -nullif(count(*) filter (where j.state = 1), 0),
      -nullif(count(*) filter (where j.state = 4), 0)
    from unnest(p_seqs) s ${eachJob('j', 's')} group by j.queue_id;
    with u as (
      update {s}.job j set state = 0, ready_at = d.due_at, due_at = null
      from unnest(p_seqs, p_due) d(seq, due_at) where j.seq = d.seq and j.seq = any (p_seqs)
      returning j.seq, j.rank, j.ready_at, j.queue_id, j.priority, j.expires_at
    )
    insert into {s}.aside (seq, rank, ready_at, queue_id, priority, expires_at)
    select seq, rank, ready_at, queue_id, priority, expires_at from u;
    insert into {s}.told (at, queue, kind, id, name)
    select t, q.name, 'waiting', j.id, j.name
    from unnest(p_seqs) with ordinality s(seq, place) ${eachJob('j', 's.seq')}
    join {s}.queue q on q.id = j.queue_id
    where q.id in (
      select x.id from {s}.queue x where x.id in (select y.queue_id from unnest(p_seqs) z ${eachJob('y', 'z')})
      and {s}.is_recorded_v1(x.name, t))
    order by s.place;
  end $$;

  -- Due jobs of one queue; those that somebody else is moving are left to him.
  create function {s}.promote_v1(p_queue_id integer, t bigint, p_limit integer) returns void
  language plpgsql ${LOOKING_UP} as $$
  declare
    v_seqs bigint[]; v_due bigint[];
  begin
    with d as (
      delete from {s}.delayed where ctid = any (array(
        select ctid from {s}.delayed where queue_id = p_queue_id and due_at <= t
        order by due_at, seq limit p_limit for update skip locked))
      returning seq, due_at
    )
    select array_agg(seq order by due_at, seq), array_agg(due_at order by due_at, seq) into v_seqs, v_due from d;
    if v_seqs is not null then perform {s}.promote_these_v1(t, v_seqs, v_due); end if;
  end $$;

  -- Jobs that nobody claimed in time, in the order given. Their rows in "aside" or "delayed" are locked or gone.
  create function {s}.expire_v1(p_queue_id integer, p_queue text, t bigint, p_seqs bigint[], p_tell boolean)
  returns void
  language plpgsql ${LOOKING_UP} as $$
  declare
    v_waiting integer; v_delayed integer; v_drops boolean; v_recorded boolean := p_tell and {s}.is_recorded_v1(p_queue, t);
  begin
    select count(*) filter (where j.state = 0), count(*) filter (where j.state = 1) into v_waiting, v_delayed
    from unnest(p_seqs) s ${eachJob('j', 's')};
    ${deleteEach('aside', THESE, 'each.queue_id = j.queue_id and each.seq = j.seq')};
    ${deleteEach('delayed', THESE, 'each.queue_id = j.queue_id and each.due_at = j.due_at and each.seq = j.seq')};
    ${deleteEach('expiring', THESE, 'each.queue_id = j.queue_id and each.expires_at = j.expires_at and each.seq = j.seq')};
    update {s}.job j set state = 7, cause = 'expired', due_at = null, finished_at = t where j.seq = any (p_seqs);
    if v_recorded then
      insert into {s}.told (at, queue, kind, id, name)
      select t, p_queue, 'cancelled', j.id, j.name
      from unnest(p_seqs) with ordinality s(seq, place) ${eachJob('j', 's.seq')} order by s.place;
    end if;
    select drops_cancelled into v_drops from {s}.queue where id = p_queue_id;
    insert into {s}.delta (minute, queue_id, waiting, delayed, cancelled, ruled_cancelled, total_cancelled, total_removed)
    values (t - t % 60000, p_queue_id, -v_waiting, -v_delayed, case when not v_drops then v_waiting + v_delayed end,
      case when not v_drops then v_waiting + v_delayed end, v_waiting + v_delayed,
      case when v_drops then v_waiting + v_delayed end);
    if v_drops then
      delete from {s}.attempt where seq = any (p_seqs);
      delete from {s}.log where seq = any (p_seqs);
      delete from {s}.job where seq = any (p_seqs);
    end if;
  end $$;

  -- The first of both kinds of waiting jobs, in the order in which they are claimed. Those that are over are in between,
  -- as negative numbers; they do not count towards the limit. Nothing is locked that is not taken: somebody else would
  -- find nothing, and sleep. So they are chosen first, and where others were faster, more are chosen after these.
  create function {s}.take_both_v1(p_queue_id integer, t bigint, p_limit integer, p_low bigint) returns bigint[]
  language plpgsql ${LOOKING_UP} as $$
  declare
    v_all bigint[] := '{}'; v_left integer := p_limit; v_over integer := 1000; v_more integer := 0; c record;
    v_low bigint := p_low; v_priority integer := -1; v_rank bigint := 0;
  begin
    if exists (select 1 from {s}.expiring where queue_id = p_queue_id and expires_at <= t) then v_more := 1001; end if;
    loop
      with near as materialized (
        select *, expires_at <= t is true as is_over from (
          select * from (
            select 0 as priority, seq as rank, seq, null::bigint as expires_at, true as in_turn, ctid as at from {s}.ready
            where queue_id = p_queue_id and seq > v_low order by seq limit v_left) x
          union all
          select * from (
            select priority, rank, seq, expires_at, false, ctid from {s}.aside
            where queue_id = p_queue_id and (priority, rank) > (v_priority, v_rank)
            order by priority, rank limit v_left + v_more) y
        ) z order by priority, rank limit v_left + v_more
      ), counted as (
        select *, count(*) filter (where not is_over) over w as live, count(*) filter (where is_over) over w as over
        from near window w as (order by priority, rank)
      ), chosen as materialized (
        select * from counted where live + is_over::integer <= v_left and over <= v_over
      ), from_ready as (
        delete from {s}.ready where ctid = any (array(
          select r.ctid from {s}.ready r where r.ctid = any (array(select at from chosen where in_turn))
          for update skip locked))
        returning seq
      ), from_aside as materialized (
        select a.ctid as at, a.priority, a.rank, a.seq, a.expires_at, a.expires_at <= t is true as is_over
        from {s}.aside a where a.ctid = any (array(select at from chosen where not in_turn)) for update skip locked
      ), gone as (
        delete from {s}.aside where ctid = any (array(select at from from_aside where not is_over))
      ), ended as (
        ${deleteEach('expiring', '(select * from from_aside where not is_over) f', 'each.queue_id = p_queue_id and each.expires_at = f.expires_at and each.seq = f.seq')}
      ), taken as (
        select 0 as priority, seq as rank, seq, false as is_over from from_ready
        union all select priority, rank, seq, is_over from from_aside
      )
      select (select array_agg(case when is_over then -seq else seq end order by priority, rank) from taken) as seqs,
        (select count(*) filter (where not is_over) from taken) as live,
        (select count(*) filter (where is_over) from taken) as over,
        (select max(seq) from chosen where in_turn) as low,
        (select count(*) from near) < v_left as is_last, x.priority, x.rank
      into c from (select max(array[priority, rank]) as last from chosen where not in_turn) y,
        lateral (select y.last[1]::integer as priority, y.last[2] as rank) x;
      v_all := v_all || coalesce(c.seqs, '{}');
      v_left := v_left - c.live;
      v_over := v_over - c.over;
      -- None left; or those that are over have to be ended first.
      exit when v_left = 0 or v_over = 0 or c.is_last or c.low is null and c.priority is null;
      v_low := coalesce(c.low, v_low);
      v_priority := coalesce(c.priority, v_priority); v_rank := coalesce(c.rank, v_rank);
    end loop;
    return nullif(v_all, '{}');
  end $$;

  create function {s}.mark_idle_v1(p_queue text, p_worker text, t bigint) returns void language plpgsql
  set search_path = pg_catalog, pg_temp as $$
  begin
    insert into {s}.idle (queue, worker, marked_at) values (p_queue, p_worker, t)
    on conflict (queue, worker) do update set marked_at = excluded.marked_at;
  end $$;

  -- After a crash a sequence may give numbers again that it gave to claims which were not on disk yet, and a standby that
  -- takes over may never have heard of claims, nor even of the first one. In both cases "since_crash" is empty, and the
  -- tokens go on above all that may have been given: at a number made of the time, which comes to \`TOKENS_A_SECOND\` a
  -- second, so that no server gets ahead of it; and an hour more for each promotion, so that clocks may differ by that.
  create function {s}.guard_tokens_v1() returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
  declare
    v_hours integer := 0;
  begin
    perform pg_advisory_xact_lock(19818, hashtext('{schema}'));
    if exists (select 1 from {s}.since_crash) then return; end if;
    begin
      v_hours := ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::integer;
    exception when others then
      null; -- Servers that are like PostgreSQL and have no such files.
    end;
    perform setval('{s}.token', greatest((select last_value from {s}.token) + 1000000,
      (extract(epoch from clock_timestamp())::bigint - ${TOKENS_SINCE_S} + v_hours * 3600::bigint) * ${TOKENS_A_SECOND}));
    insert into {s}.since_crash (one) values (1);
  end $$;

  -- What an earlier answer gave and what is held still. By token.
  create function {s}.held_v1(p_tokens bigint[]) returns table (answer text, bytes bytea)
  language sql stable ${LOOKING_UP} as $$
    select coalesce(json_agg(json_build_array(h.token, ${CLAIMED_JOB}, j.claimed_at, j.worker) order by h.token), '[]')::text,
      coalesce(string_agg(${CLAIMED_BYTES}, ''::bytea order by h.token), '')
    from (
      select l.seq, l.token from generate_series(1, cardinality(p_tokens), 2) g
      ${eachOf('lease', 'l', 'each.token between p_tokens[g] and p_tokens[g + 1]')}
      union all
      select s.seq, b.first_token + s.place - 1 from generate_series(1, cardinality(p_tokens), 2) g
      ${eachOf('batch', 'b', 'each.first_token between p_tokens[g] and p_tokens[g + 1]')},
        unnest(b.seqs) with ordinality s(seq, place)
      where s.seq is not null
    ) h ${eachJobNow('j', 'h.seq')} where j.token = h.token
  $$;
`;

export const CLAIM: string = `
  -- A row an answer: what it says as JSON (see claim.ts), and the bodies of its jobs end to end. Few statements: each
  -- costs as much as several jobs of the next one.
  create function {s}.claim_v1(p_now bigint, p_requests json, p_is_alone boolean)
  returns table (answer text, bytes bytea) language plpgsql ${LOOKING_UP} as $$
  declare
    t bigint := coalesce(p_now, floor(extract(epoch from clock_timestamp()) * 1000)::bigint);
    r record; q record; f record; a record;
    v_tokens bigint[]; v_seqs bigint[]; v_all bigint[]; v_gone bigint[];
    v_gone_ids text[]; v_gone_names text[]; v_many integer; v_next bigint; v_is_plain boolean; v_is_run boolean; v_heard boolean; v_risk boolean := false;
  begin
    if current_setting('transaction_isolation') <> 'read committed' or current_setting('client_min_messages') = 'error' then
      raise exception 'millrace: to be called in the isolation read committed, with warnings' using errcode = '25001';
    end if;
    for r in select * from json_to_recordset(p_requests) as x(claim text, queue text, "limit" integer, worker text,
      lease bigint, spared boolean, low bigint, idle boolean, mark boolean)
    loop
      select x.id, x.name, coalesce(x.paused, false) as paused, x.at_most_once, x.drops_completed,
        (select c.tokens from {s}.claim_answer c where c.id = r.claim and c.answered_at > t - 600000) as answered,
        r.lease is null and not exists (
          select 1 from {s}.session s where s.id = r.worker and s.expires_at > t) as is_over,
        (select d.due_at from {s}.delayed d where d.queue_id = x.id order by d.due_at limit 1) as due_at,
        exists (select 1 from {s}.aside o where o.queue_id = x.id) as has_aside,
        not exists (select 1 from {s}.since_crash) as is_after_crash
      into q from (values (r.queue)) w(name) left join {s}.queue x on x.name = w.name;
      v_next := q.due_at;
      bytes := ''::bytea;
      if q.answered is not null then
        select h.answer, h.bytes into a from {s}.held_v1(q.answered) h;
        bytes := a.bytes;
        answer := '{"repeated":true,"now":' || t || ',"paused":' || q.paused || ',"next":'
          || case when q.paused or v_next is null then 'null' else greatest(0, v_next - t)::text end
          || ',"jobs":' || a.answer || '}';
        return next;
        continue;
      end if;
      if q.id is null or q.paused or q.is_over then
        -- Its first job makes the queue, and is to be told all the same.
        if r.mark and q.id is null then perform {s}.mark_idle_v1(r.queue, r.worker, t); end if;
        answer := case when q.id is null or q.paused then
          '{"paused":' || q.paused || ',"next":null,"jobs":[]}'
        else
          '{"over":true,"paused":false,"next":'
            || case when v_next is null then 'null' else greatest(0, v_next - t)::text end || ',"jobs":[]}'
        end;
        return next;
        continue;
      end if;
      if v_next <= t then
        perform {s}.promote_v1(q.id, t, 1000);
        select d.due_at into v_next from {s}.delayed d where d.queue_id = q.id order by d.due_at limit 1;
      end if;
      if q.is_after_crash then
        perform {s}.guard_tokens_v1();
        v_risk := true;
      end if;

      v_all := null; v_gone_ids := null;
      if not q.has_aside and coalesce(v_next > t, true) and coalesce(q.due_at > t, true) then
        with c as (
          delete from {s}.ready where ctid = any (array(
            select ctid from {s}.ready where queue_id = q.id and seq > r.low
            order by seq limit r."limit" for update skip locked))
          returning seq
        )
        select array_agg(seq order by seq), array_agg(nextval('{s}.token')) into v_seqs, v_tokens from c;
      else
        v_all := {s}.take_both_v1(q.id, t, r."limit", r.low);
        select array_agg(s order by place) filter (where s > 0), array_agg(-s order by place) filter (where s < 0),
          array_agg(nextval('{s}.token')) filter (where s > 0)
        into v_seqs, v_gone, v_tokens from unnest(v_all) with ordinality u(s, place);
        if v_gone is not null then
          -- A queue that keeps none of its cancelled drops them here; they are told below, in turn with the others.
          select array_agg(j.id order by u.place), array_agg(j.name order by u.place) into v_gone_ids, v_gone_names
          from unnest(v_all) with ordinality u(seq, place) ${eachJobOrNone('j', '-u.seq')};
          perform {s}.expire_v1(q.id, q.name, t, v_gone, v_seqs is null);
        end if;
      end if;
      if v_seqs is null then
        if r.mark then perform {s}.mark_idle_v1(r.queue, r.worker, t); end if;
        answer := '{"paused":false,"next":'
          || case when v_next is null then 'null' else greatest(0, v_next - t)::text end || ',"jobs":[]}';
        return next;
        continue;
      end if;

      -- Each statement sees more than the one before: also jobs that came to wait after this call had begun.
      if p_now is null then t := floor(extract(epoch from clock_timestamp()) * 1000)::bigint; end if;
      v_many := cardinality(v_seqs);
      v_is_run := v_tokens[v_many] - v_tokens[1] = v_many - 1;
      select name, content_type, headers, policy into f from {s}.job where seq = v_seqs[1];
      -- Most jobs of a claim were never claimed before and differ in nothing but their id and body.
      select array_to_json(array_agg(j.id order by u.place))::text as ids,
        array_to_json(array_agg(octet_length(j.body) order by u.place))::text as sizes,
        array_to_json(array_agg(j.added_at order by u.place))::text as added,
        string_agg(j.body, ''::bytea order by u.place) as body,
        bool_and(j.state is null and j.name = f.name and j.content_type is not distinct from f.content_type
          and j.headers is not distinct from f.headers and j.policy is not distinct from f.policy) as is_alike,
        bool_and(j.timeout_ms is null and j.keep_completed_ms is null) as is_plain,
        bool_and(j.name = f.name) as is_of_one_name,
        array_agg((width_bucket(t - coalesce(j.ready_at, j.added_at), ${BUCKETS}) * 1024 + 1)::smallint)
          filter (where j.first_claimed_at is null) as hits,
        min(coalesce(j.ready_at, j.added_at)) filter (where j.first_claimed_at is null) as first_ready_at,
        max(coalesce(j.ready_at, j.added_at)) filter (where j.first_claimed_at is null) as last_ready_at
      into a from unnest(v_seqs) with ordinality u(seq, place) ${eachJob('j', 'u.seq')};

      answer := '{"now":' || t || ',"paused":false,"settled":' || q.at_most_once || ',"next":'
        || case when v_next is null then 'null' else greatest(0, v_next - t)::text end;
      if a.is_alike and v_is_run then
        bytes := a.body;
        answer := answer || ',"alike":' || json_build_array(f.name, coalesce(f.content_type, 'application/json'),
            coalesce(f.headers, '{}'), coalesce(f.policy, '{}'))
          || ',"first":' || v_tokens[1] || ',"seqs":' || array_to_json(v_seqs) || ',"ids":' || a.ids
          || ',"sizes":' || a.sizes || ',"added":' || a.added || ',"jobs":[]}';
      else
        select answer || ',"jobs":' || json_agg(json_build_array(u.token, ${CLAIMED_JOB}) order by u.token) || '}',
          string_agg(${CLAIMED_BYTES}, ''::bytea order by u.token)
        into answer, bytes from unnest(v_seqs, v_tokens) u(seq, token) ${eachJob('j', 'u.seq')};
      end if;

      v_is_plain := a.is_plain and v_is_run and r.lease is null and not q.at_most_once;
      -- Listeners are looked for in the statement that writes: who starts to listen waits for those who had written.
      with batched as (
        insert into {s}.batch (first_token, last_token, claimed_at, queue_id, spared, worker, name, seqs)
        select v_tokens[1], v_tokens[v_many], t, q.id, coalesce(r.spared, false), r.worker,
          case when a.is_of_one_name then f.name end, v_seqs where v_is_plain
      ), counted as (
        insert into {s}.delta (minute, queue_id, waiting, active, name, wait_hits)
        select t - t % 60000, q.id, -v_many, v_many, case when a.is_of_one_name and a.hits is not null then f.name end,
          -- Mostly they waited about as long.
          case when not a.is_of_one_name then null
            when width_bucket(t - a.first_ready_at, ${BUCKETS}) = width_bucket(t - a.last_ready_at, ${BUCKETS}) then
              array[(width_bucket(t - a.first_ready_at, ${BUCKETS}) * 1024 + cardinality(a.hits))::smallint]
            else a.hits end
      )
      insert into {s}.claim_answer as c (id, answered_at, tokens)
      values (r.claim, t, case when v_is_run then array[v_tokens[1], v_tokens[v_many]] else
        (select array_agg(x order by x, side) from unnest(v_tokens) x, generate_series(1, 2) side) end)
      on conflict (id) do update set answered_at = excluded.answered_at, tokens = excluded.tokens
        where c.answered_at <= t - 600000
      returning exists (select 1 from {s}.recording x where x.queue = r.queue and x.until_at > t)
        or exists (select 1 from {s}.queue x where x.id = q.id and x.feed_on) into v_heard;
      if not found then
        raise exception 'millrace: a claim of the same id has been answered meanwhile' using errcode = '40001';
      end if;

      if not v_is_plain and not q.at_most_once then
        insert into {s}.lease (token, seq, claimed_at, expires_at, deadline_at, past_due_at, queue_id, spared, worker)
        select u.token, u.seq, t, case when r.lease is not null then least(t + r.lease, t + j.timeout_ms + 5000) end,
          t + j.timeout_ms + 5000, least(t + r.lease, t + j.timeout_ms + 5000), q.id, coalesce(r.spared, false), r.worker
        from unnest(v_seqs, v_tokens) u(seq, token) ${eachJob('j', 'u.seq')} order by u.token;
      end if;
      if not a.is_of_one_name and a.hits is not null then
        insert into {s}.delta (minute, queue_id, name, wait_hits)
        select t - t % 60000, q.id, j.name, array_agg((width_bucket(t - coalesce(j.ready_at, j.added_at), ${BUCKETS}) * 1024 + 1)::smallint)
        from unnest(v_seqs) s ${eachJob('j', 's')} where j.first_claimed_at is null group by j.name;
      end if;
      if v_heard then
        insert into {s}.told (at, queue, kind, id, name)
        select t, q.name, k.kind, coalesce(v_gone_ids[u.place], j.id), coalesce(v_gone_names[u.place], j.name)
        from unnest(coalesce(v_all, v_seqs)) with ordinality u(seq, place) ${eachJobOrNone('j', 'u.seq')}
        cross join lateral (
          select 'cancelled' as kind, 1 as step where u.seq < 0
          union all select 'active', 2 where u.seq > 0
          union all select 'completed', 3 where u.seq > 0 and q.at_most_once
        ) k order by u.place, k.step;
      end if;
      if q.at_most_once then
        v_risk := true;
        perform {s}.complete_v1(q.id, t, t, r.worker, v_seqs, v_tokens, null, null, null, null, q.drops_completed, false,
          null);
      end if;
      if r.idle then delete from {s}.idle where queue = q.name and worker = r.worker; end if;
      return next;
    end loop;
    -- A claim that a crash takes back is a job that somebody else runs; nobody needs to wait for the disk.
    if p_is_alone and not v_risk then perform set_config('synchronous_commit', 'off', true); end if;
  end $$;
`;
