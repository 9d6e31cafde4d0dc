/**
 * A beat is one statement and so a transaction of its own: whoever stands still in the middle of a longer one keeps
 * what it has locked, and a thread could not beat in its stead.
 */

const SETTINGS = 'set search_path = pg_catalog, pg_temp set jit = off';

export const SESSIONS: string = `
  -- Each begins or goes on; tells which were alive. In one order, so that two who beat for the same sessions do not
  -- wait for each other in a circle.
  create function {s}.beat_v1(p_sessions json, p_now bigint) returns boolean[] language plpgsql ${SETTINGS} as $$
  declare
    t constant bigint := coalesce(p_now, floor(extract(epoch from clock_timestamp()) * 1000));
    v_kept boolean[];
  begin
    with wanted as materialized (
      select w.*, s.expires_at > t as kept
      from rows from (json_to_recordset(p_sessions) as (id text, ttl bigint, host text, pid integer, version text,
        queues text, lag double precision)) with ordinality w(id, ttl, host, pid, version, queues, lag, place)
      left join {s}.session s on s.id = w.id order by w.id
    ), beaten as (
      insert into {s}.session as s (id, host, pid, version, queues, lag_ms, started_at, seen_at, expires_at)
      select id, host, pid, version, queues, lag, t, t, t + ttl from wanted
      on conflict (id) do update set host = excluded.host, pid = excluded.pid, version = excluded.version,
        queues = excluded.queues, lag_ms = excluded.lag_ms, seen_at = excluded.seen_at,
        expires_at = excluded.expires_at
    )
    select array_agg(coalesce(kept, false) order by place) into v_kept from wanted;
    return v_kept;
  end $$;

  -- Only what is alive goes on, and nothing begins. Answers the ids of those.
  create function {s}.keep_alive_v1(p_sessions json, p_now bigint) returns text[] language plpgsql ${SETTINGS} as $$
  declare
    t constant bigint := coalesce(p_now, floor(extract(epoch from clock_timestamp()) * 1000));
    v_alive text[];
  begin
    with wanted as materialized (
      select w.* from json_to_recordset(p_sessions) as w(id text, ttl bigint, queues text, lag double precision)
      join {s}.session s on s.id = w.id where s.expires_at > t order by w.id for update of s
    ), kept as (
      update {s}.session s set queues = w.queues, lag_ms = w.lag, seen_at = t, expires_at = t + w.ttl
      from wanted w where s.id = w.id returning s.id
    )
    select array_agg(id) into v_alive from kept;
    return v_alive;
  end $$;
`;
