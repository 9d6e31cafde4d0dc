/**
 * Adding, as one statement for any number of jobs. What many jobs have in common comes once (`p_kinds`), their bodies
 * end to end in one value. Answers the places of those that were there already (`d` and an array), or what a call with
 * the same request id was answered (`r` and that answer). A batch has no id twice; who has one sends two batches.
 */

import { LOOKING_UP } from './planning.ts';
export const ADD: string = `
  create function {s}.add_v1(
    p_now bigint, p_request text, p_kinds json, p_ids text[], p_of_kind integer[], p_at integer[],
    p_sizes integer[], p_bodies bytea, p_mine text[] default null
  ) returns text language plpgsql ${LOOKING_UP} as $$
  declare
    t bigint := coalesce(p_now, floor(extract(epoch from clock_timestamp()) * 1000)::bigint);
    v_many integer := cardinality(p_ids);
    p record;
    v_made integer; v_is_heard boolean; v_is_awaited boolean;
    -- Each kind's, at its place.
    v_queues text[]; v_queue_ids integer[]; v_names text[]; v_types text[]; v_headers text[]; v_policies text[];
    v_priorities integer[]; v_lifos boolean[]; v_due bigint[]; v_expires bigint[]; v_timeouts bigint[];
    v_keeps bigint[]; v_keeps_failed bigint[];
    v_seqs bigint[];
    v_heard text[];
    v_doubles integer[];
  begin
    if (current_setting('transaction_isolation') <> 'read committed' or current_setting('client_min_messages') = 'error')
      and current_setting('millrace.joined', true) is distinct from 'on' then
      raise exception 'millrace: to be called in the isolation read committed, with warnings' using errcode = '25001';
    end if;
    -- Mostly jobs differ in nothing but their id and body, and wait from now on in their turn.
    select k.queue, k.name, nullif(k.type, 'application/json') as type, nullif(k.headers, '{}') as headers,
      nullif(k.policy, '{}') as policy, k.timeout, k.keep, k.keep_failed, q.id as queue_id,
      current_setting('millrace.joined', true) is distinct from 'on' and json_array_length(p_kinds) = 1 and k.priority = 0 and not k.lifo and k.delay = 0 and k.ttl is null as is_plain,
      case when p_request is not null then (
        select r.answer from {s}.request r where r.id = p_request and r.answered_at > t - 600000) end as answered
    into p from json_to_record(p_kinds -> 0) as k(queue text, name text, type text, headers text, policy text,
      priority integer, lifo boolean, delay bigint, ttl bigint, timeout bigint, keep bigint, keep_failed bigint)
    left join {s}.queue q on q.name = k.queue;
    if p.answered is not null then
      -- A commit that writes nothing waits for no standby: the answer would be given before the first call is safe.
      perform 1 from {s}.request where id = p_request for update;
      return 'r' || p.answered;
    end if;
    if p.is_plain and p.queue_id is not null then
      with made as (
        insert into {s}.job (seq, added_at, queue_id, id, name, content_type, headers, policy, body, timeout_ms,
          keep_completed_ms, keep_failed_ms)
        select f.seq, t, p.queue_id, f.id, p.name, p.type, p.headers, p.policy, f.body, p.timeout, p.keep, p.keep_failed
        from (
          select nextval('{s}.job_number') as seq, n.* from (
            select u.id, substring(p_bodies from u.at for u.size) as body
            from unnest(p_ids, p_at, p_sizes) with ordinality as u(id, at, size, place)
            -- A subquery and no join, so that the index is the only way, whatever the planner thinks of the table.
            where (select j.seq from {s}.job j where j.queue_id = p.queue_id and j.id = u.id) is null
            order by u.place
          ) n
        ) f
        -- Who adds the same id at the same moment is told to repeat the call, and finds it then. Asking for that with
        -- \`on conflict\` would cost every job another look and another record in the log.
        returning seq
      ), in_turn as (
        insert into {s}.ready (seq, queue_id) select seq, p.queue_id from made
      )
      select array_agg(seq) into v_seqs from made;
      v_made := coalesce(cardinality(v_seqs), 0);
      if v_made = v_many then
        insert into {s}.delta (minute, queue_id, waiting, total_added, stat_added, name)
        values (t - t % 60000, p.queue_id, v_made, v_made, v_made, p.name)
        returning exists (select 1 from {s}.recording x where x.queue = p.queue and x.until_at > t)
          or exists (select 1 from {s}.queue x where x.id = p.queue_id and x.feed_on),
          -- Not for those whom their own process tells.
          exists (select 1 from {s}.idle i where i.queue = p.queue and (p_mine is null or i.worker <> all (p_mine)))
        into v_is_heard, v_is_awaited;
        if v_is_heard then
          insert into {s}.told (at, queue, kind, id, name)
          select t, p.queue, 'added', u.id, p.name from unnest(p_ids) with ordinality u(id, place) order by u.place;
        end if;
        if v_is_awaited then perform {s}.wake_v1(array[p.queue], 'ready'); end if;
        if p_request is not null then perform {s}.answer_v1(p_request, t, '[]', p_ids); end if;
        return 'd[]';
      end if;
      v_queues := array[p.queue]; v_queue_ids := array[p.queue_id]; v_names := array[p.name];
      if v_made > 0 then
        insert into {s}.delta (minute, queue_id, waiting, total_added, stat_added, name)
        values (t - t % 60000, p.queue_id, v_made, v_made, v_made, p.name);
      end if;
    else
    loop
      select array_agg(k.queue order by k.number), array_agg(q.id order by k.number),
        array_agg(k.name order by k.number), array_agg(nullif(k.type, 'application/json') order by k.number),
        array_agg(nullif(k.headers, '{}') order by k.number), array_agg(nullif(k.policy, '{}') order by k.number),
        array_agg(k.priority order by k.number), array_agg(k.lifo order by k.number),
        array_agg(case when k.delay > 0 then t + k.delay end order by k.number),
        array_agg(t + k.delay + k.ttl order by k.number), array_agg(k.timeout order by k.number),
        array_agg(k.keep order by k.number), array_agg(k.keep_failed order by k.number)
      into v_queues, v_queue_ids, v_names, v_types, v_headers, v_policies, v_priorities, v_lifos, v_due, v_expires,
        v_timeouts, v_keeps, v_keeps_failed
      from rows from (json_to_recordset(p_kinds) as (queue text, name text, type text, headers text, policy text,
        priority integer, lifo boolean, delay bigint, ttl bigint, timeout bigint, keep bigint, keep_failed bigint))
        with ordinality as k(queue, name, type, headers, policy, priority, lifo, delay, ttl, timeout, keep,
        keep_failed, number)
      left join {s}.queue q on q.name = k.queue;
      exit when array_position(v_queue_ids, null) is null;
      perform {s}.make_queues_v1(v_queues, t);
    end loop;

    with made as (
      insert into {s}.job (seq, added_at, queue_id, state, rank, ready_at, priority, generation, claims, failures, crashes,
        logged, token, settled_token, id, name, content_type, headers, policy, body, due_at, expires_at, timeout_ms,
        keep_completed_ms, keep_failed_ms)
      select f.seq, t, v_queue_ids[f.kind], s.state, case when v_lifos[f.kind] then -f.seq else s.one * f.seq end,
        case when v_due[f.kind] is null then s.one * t end, s.one * v_priorities[f.kind], s.one, 0 * s.one, 0 * s.one,
        0 * s.one, 0 * s.one, 0 * s.one, 0 * s.one, f.id, v_names[f.kind], v_types[f.kind], v_headers[f.kind],
        v_policies[f.kind], f.body, v_due[f.kind], v_expires[f.kind], v_timeouts[f.kind], v_keeps[f.kind],
        v_keeps_failed[f.kind]
      from (
        select nextval('{s}.job_number') as seq, n.* from (
          select u.id, u.kind, substring(p_bodies from u.at for u.size) as body
          from unnest(p_ids, p_of_kind, p_at, p_sizes) with ordinality as u(id, kind, at, size, place)
          where (select j.seq from {s}.job j where j.queue_id = v_queue_ids[u.kind] and j.id = u.id) is null
          order by u.place
        ) n
      ) f cross join lateral (
        -- In its turn: nothing but what is its own is written.
        select case when is_late then 1 when is_plain then null else 0 end as state, case when not is_plain then 1 end as one
        from (select v_due[f.kind] is not null as is_late, v_due[f.kind] is null and v_expires[f.kind] is null
          and v_priorities[f.kind] = 0 and not v_lifos[f.kind] as is_plain) k
      ) s
      on conflict (queue_id, id) do nothing
      returning seq, rank, queue_id, priority, state, due_at, expires_at, name
    ), in_turn as (
      insert into {s}.ready (seq, queue_id)
      select seq, queue_id from made where state is null
    ), out_of_turn as (
      insert into {s}.aside (seq, rank, ready_at, queue_id, priority, expires_at)
      select seq, rank, t, queue_id, priority, expires_at from made
      where state = 0
    ), later as (
      insert into {s}.delayed (seq, due_at, queue_id) select seq, due_at, queue_id from made where state = 1
    ), ending as (
      insert into {s}.expiring (seq, expires_at, queue_id)
      select seq, expires_at, queue_id from made where expires_at is not null
    ), counted as (
      insert into {s}.delta (minute, queue_id, waiting, delayed, total_added, stat_added, name)
      select t - t % 60000, queue_id, nullif(count(*) filter (where state is null or state = 0), 0),
        nullif(count(*) filter (where state = 1), 0), count(*), count(*), name
      from made group by queue_id, name
    )
    select array_agg(seq) into v_seqs from made;
    end if;

    if v_seqs is null or cardinality(v_seqs) < v_many then
      select array_agg(x.place - 1 order by x.place) into v_doubles from (
        select u.place, (select j.seq from {s}.job j where j.queue_id = v_queue_ids[u.kind] and j.id = u.id) as seq
        from unnest(p_ids, p_of_kind) with ordinality as u(id, kind, place)
      ) x where x.seq is null or v_seqs is null or x.seq <> all (v_seqs);
      insert into {s}.delta (minute, queue_id, total_duplicates)
      select t - t % 60000, v_queue_ids[p_of_kind[d + 1]], count(*) from unnest(v_doubles) d group by 2;
    end if;

    -- Looked at after the first write: who starts to listen waits for those who had written before.
    select array_agg(n) into v_heard from (select distinct unnest(v_queues) n) x where {s}.is_recorded_v1(n, t);
    if v_heard is not null then
      insert into {s}.told (at, queue, kind, id, name)
      select t, v_queues[u.kind], case when u.place - 1 = any (v_doubles) then 'duplicate' else 'added' end, u.id,
        -- The change names the job that was there first.
        coalesce((select j.name from {s}.job j where j.queue_id = v_queue_ids[u.kind] and j.id = u.id), '')
      from unnest(p_ids, p_of_kind) with ordinality as u(id, kind, place)
      where v_queues[u.kind] = any (v_heard) order by u.place;
    end if;
    if v_seqs is not null then perform {s}.wake_v1(v_queues, 'ready'); end if;
    if p_request is not null then
      perform {s}.answer_v1(p_request, t, coalesce(array_to_json(v_doubles)::text, '[]'), p_ids);
    end if;
    return 'd' || coalesce(array_to_json(v_doubles)::text, '[]');
  end $$;
`;

export const AROUND_ADDING: string = `
  create function {s}.make_queues_v1(p_names text[], t bigint) returns void language sql
  set search_path = pg_catalog, pg_temp as $$
    insert into {s}.queue (name, settings, created_at, paused, at_most_once, drops_completed, drops_cancelled, feed_on)
    select distinct n, '{}', t, false, false, false, false, false from unnest(p_names) n order by n
    on conflict (name) do nothing;
  $$;

  create function {s}.is_recorded_v1(p_queue text, t bigint) returns boolean language plpgsql
  set search_path = pg_catalog, pg_temp as $$
  begin
    return exists (select 1 from {s}.recording where queue = p_queue and until_at > t)
      or exists (select 1 from {s}.queue where name = p_queue and feed_on);
  end $$;

  -- Ids are told again by whoever repeats the call; where there are many they are not kept.
  create function {s}.answer_v1(p_request text, t bigint, p_doubles text, p_ids text[]) returns void language plpgsql
  set search_path = pg_catalog, pg_temp as $$
  begin
    insert into {s}.request as r (id, answered_at, answer) values (p_request, t,
      '{"doubles":' || p_doubles || ',"ids":' || case
        when cardinality(p_ids) <= 10 then array_to_json(p_ids)::text else cardinality(p_ids)::text end || '}')
    on conflict (id) do update set answered_at = excluded.answered_at, answer = excluded.answer
      where r.answered_at <= t - 600000;
    if not found then
      -- Two at once: all of it is undone, and finds the answer of the other one.
      raise exception 'millrace: a call of the same id has been answered meanwhile' using errcode = '40001';
    end if;
  end $$;

  -- Only when somebody said that it found nothing to do: transactions that notify commit one after the other.
  create function {s}.wake_v1(p_queues text[], p_news text) returns void language plpgsql
  set search_path = pg_catalog, pg_temp as $$
  begin
    if exists (select 1 from {s}.idle where queue = any (p_queues)) then
      perform pg_notify('{schema}', p_news || ' ' || queue)
      from (select distinct queue from {s}.idle where queue = any (p_queues)) i;
    end if;
  end $$;
`;
