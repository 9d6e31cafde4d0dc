/** Reading jobs in order to change them, and writing what became of them. For all but the most frequent moves. */

import { isLeft } from './batch.ts';
import { eachDone } from './done.ts';
import { deleteEach, eachJob, eachJobNow, eachOf, LOOKING_UP, MATCHING } from './planning.ts';

/** In the order of `Moving` in jobs.ts. */
export const LOADED: readonly string[] = [
  ...['seq', 'queue_id', 'id', 'name', 'state', 'priority', 'rank', 'added_at', 'due_at', 'ready_at'],
  ...['expires_at', 'first_claimed_at', 'claimed_at', 'finished_at', 'generation', 'claims', 'failures'],
  ...['crashes', 'token', 'settled_token', 'worker', 'timeout_ms', 'keep_completed_ms', 'keep_failed_ms'],
  ...['prune_at', 'cause', 'cancel_reason', 'fingerprint', 'origin_queue', 'origin_cause', 'origin_moved_at'],
  ...['move_number', 'logged', 'content_type', 'policy', 'error', 'trace_id', 'held'],
  ...['lease_expires_at', 'deadline_at', 'suspect_at', 'spared', 'first_token'],
];

/** Rows that have each of the jobs, with their places: by jobs, so that the index is the only way. */
const OF_JOBS = `from unnest(v_seqs) s ${eachJob('j', 's')}`;
const READY = `${OF_JOBS} ${eachOf('ready', 'x', 'each.queue_id = j.queue_id and each.seq = j.seq')}`;
const ASIDE = `${OF_JOBS} ${eachOf('aside', 'x', 'each.queue_id = j.queue_id and each.seq = j.seq')}`;
const DELAYED = `${OF_JOBS} ${eachOf('delayed', 'x', 'each.queue_id = j.queue_id and each.due_at = j.due_at and each.seq = j.seq')}`;
const DONE = `${OF_JOBS} ${eachDone('x', { seq: 'j.seq', queue: 'j.queue_id' })}`;

/** Where each of the jobs is, in words that differ once somebody has moved it. */
const PLACES = `
  select array_agg(place order by place) from (
    select 'r' || x.row_id::text as place ${READY}
    union all select 'a' || x.row_id::text ${ASIDE}
    union all select 'd' || x.row_id::text ${DELAYED}
    union all select 'b' || b.ctid::text from {s}.batch b where b.seqs && v_seqs and ${isLeft('b')}
    union all select 'l' || l.ctid::text from {s}.lease l where l.seq = any (v_seqs)
    union all select 'e' || x.row_id::text ${DONE}
  ) x`;

/** The same, locked on the way. One statement: many would cost more than all else. */
function locked(how: string): string {
  const lock = (table: string, found: string, order: string) => `select t.at
      from unnest(array(select x.row_id ${found} order by ${order})) named(at) cross join lateral (
        select each.ctid as at from {s}.${table} each where each.ctid = named.at offset 0 for update ${how}) t`;
  return `
  with r as materialized (${lock('ready', READY, 'x.queue_id, x.seq')}),
  a as materialized (${lock('aside', ASIDE, 'x.queue_id, x.priority, x.rank')}),
  d as materialized (${lock('delayed', DELAYED, 'x.queue_id, x.due_at, x.seq')}),
  b as materialized (
    select b.ctid as at from {s}.batch b where b.seqs && v_seqs and ${isLeft('b')} order by b.first_token for update ${how}),
  l as materialized (
    select l.ctid as at from {s}.lease l where l.seq = any (v_seqs) order by l.token for update ${how}),
  e as materialized (${lock('done', DONE, 'x.queue_id, x.place, x.first_token')})
  select array_agg(place order by place) from (
    select 'r' || at::text as place from r
    union all select 'a' || at::text from a
    union all select 'd' || at::text from d
    union all select 'b' || at::text from b
    union all select 'l' || at::text from l
    union all select 'e' || at::text from e
  ) x`;
}

/** Without those that are in a place which somebody else has. */
const OURS = `
  select array_agg(s order by s) from unnest(v_seqs) s where s not in (
    select y.seq from (
      select j.seq, 'r' || x.row_id::text as place ${READY}
      union all select j.seq, 'a' || x.row_id::text ${ASIDE}
      union all select j.seq, 'd' || x.row_id::text ${DELAYED}
      union all select n, 'b' || b.ctid::text from {s}.batch b, unnest(b.seqs) n where b.seqs && v_seqs and ${isLeft('b')}
      union all select l.seq, 'l' || l.ctid::text from {s}.lease l where l.seq = any (v_seqs)
      union all select j.seq, 'e' || x.row_id::text ${DONE}
    ) y where y.seq is not null and y.place <> all (coalesce(v_before, '{}')))`;

export const LOAD: string = `
  -- Locks jobs, named by queue and id or by number, and tells what they are: first the places where they are, then the
  -- jobs, each in one order, as everybody does. Begun anew when others have moved them meanwhile. Not p_waits: what others are moving is
  -- left to them, so that who comes a second time in one transaction waits for nobody who waits for him.
  create function {s}.load_v1(
    p_queues text[], p_ids text[], p_seqs bigint[], p_follow boolean, p_waits boolean)
  returns table (place integer, job text) language plpgsql ${LOOKING_UP} as $$
  #variable_conflict use_column
  declare
    v_named bigint[]; v_seqs bigint[]; v_before text[]; v_after text[]; v_rounds integer := 0;
  begin
    loop
      -- Subqueries and no joins, so that the index is the only way, whatever the planner thinks of the table.
      select array_agg(coalesce(
        (select j.seq from {s}.job j where j.queue_id = (select q.id from {s}.queue q where q.name = u.queue)
          and j.id = u.id),
        case when p_follow then (
          select m.seq from {s}.job m where m.id = u.id and m.origin_queue = u.queue order by m.move_number desc limit 1
        ) end) order by u.place)
      into v_named from unnest(p_queues, p_ids) with ordinality u(queue, id, place);
      select array_agg(distinct s order by s) into v_seqs from unnest(v_named || p_seqs) s where s is not null;
      if v_seqs is null then return; end if;
      if not p_waits then
        select array_agg(x.seq order by x.seq) into v_seqs from (
          select j.seq from {s}.job j where j.seq = any (v_seqs) order by j.seq for update skip locked) x;
        if v_seqs is null then return; end if;
        ${locked('skip locked')} into v_before;
        ${OURS} into v_seqs;
        exit;
      end if;
      ${locked('')} into v_before;
      perform 1 from {s}.job j where j.seq = any (v_seqs) order by j.seq for update;
      ${PLACES} into v_after;
      exit when v_before is not distinct from v_after;
      v_rounds := v_rounds + 1;
      -- Who goes on to lock places while it has locked jobs waits in a circle with others. In a transaction of the
      -- application nothing can be given back and begun anew.
      if v_rounds = 20 or current_setting('millrace.joined', true) is distinct from 'on' then
        raise exception 'millrace: the jobs were moved all the time' using errcode = '40001';
      end if;
    end loop;
    return query
      select u.place::integer, json_build_array(${LOADED.map((column) => `j.${column}`).join(', ')},
        (select s.expires_at from {s}.session s where s.id = j.worker),
        (select s.seen_at from {s}.session s where s.id = j.worker))::text
      from (
        select n.seq, n.place from unnest(v_named) with ordinality n(seq, place) where n.seq is not null
        union all select n, 0 from unnest(p_seqs) n
      ) u ${eachJobNow('j', 'u.seq')} where u.seq = any (v_seqs) order by u.place, u.seq;
  end $$;
`;

const ROWS = `json_to_recordset(p_rows) as r(seq bigint, queue integer, state integer, priority integer, rank bigint,
      due_at bigint, ready_at bigint, expires_at bigint, first_claimed_at bigint, claimed_at bigint, finished_at bigint,
      generation integer, claims integer, failures integer, crashes integer, token bigint, settled_token bigint,
      worker text, prune_at bigint, cause text, cancel_reason text, fingerprint text, origin_queue text,
      origin_cause text, origin_moved_at bigint, move_number bigint, logged integer, content_type text, error text,
      body text, progress text, sets_progress boolean)`;

export const WRITE: string = `
  -- p_left: the places that jobs leave, each kind under its name; p_rows: what jobs are now, and p_entered: the places
  -- that they enter; p_gone: jobs that are deleted, with all that hangs on them. Changes are told of queues that
  -- somebody listens to.
  create function {s}.write_v1(
    t bigint, p_left json, p_rows json, p_entered json, p_gone bigint[], p_attempts json, p_logs json, p_told json,
    p_deltas json
  ) returns void language plpgsql ${MATCHING} as $$
  declare
    p json; v_heard text[]; v_firsts bigint[]; v_seqs bigint[];
  begin
    p := p_left -> 'waiting';
    if p is not null then
      ${deleteEach('ready', 'json_to_recordset(p) as w(seq bigint, queue integer)', 'each.queue_id = w.queue and each.seq = w.seq')};
      ${deleteEach('aside', 'json_to_recordset(p) as w(seq bigint, queue integer)', 'each.queue_id = w.queue and each.seq = w.seq')};
    end if;
    p := p_left -> 'due';
    if p is not null then
      ${deleteEach('delayed', 'json_to_recordset(p) as w(seq bigint, queue integer, due bigint)', 'each.queue_id = w.queue and each.due_at = w.due and each.seq = w.seq')};
    end if;
    p := p_left -> 'expiring';
    if p is not null then
      ${deleteEach('expiring', 'json_to_recordset(p) as w(seq bigint, queue integer, expires bigint)', 'each.queue_id = w.queue and each.expires_at = w.expires and each.seq = w.seq')};
    end if;
    p := p_left -> 'completed';
    if p is not null then
      perform {s}.leave_done_v1(array_agg(w.queue), array_agg(w.seq)) from json_to_recordset(p) as w(seq bigint, queue integer);
    end if;
    p := p_left -> 'lease';
    if p is not null then
      delete from {s}.lease where token = any (array(select w.token from json_to_recordset(p) as w(token bigint)));
    end if;
    p := p_left -> 'batch';
    if p is not null then
      v_firsts := array(select distinct w.first from json_to_recordset(p) as w(first bigint));
      update {s}.batch x set seqs = array(
        select case when n.seq = any (g.seqs) then null else n.seq end
        from unnest(x.seqs) with ordinality n(seq, place) order by n.place)
      from (
        select w.first, array_agg(w.seq) as seqs from json_to_recordset(p) as w(seq bigint, first bigint) group by 1
      ) g where x.first_token = g.first and x.first_token = any (v_firsts);
      delete from {s}.batch x where x.first_token = any (v_firsts) and array_remove(x.seqs, null) = '{}';
    end if;

    if p_rows is not null then
      v_seqs := array(select w.seq from json_to_recordset(p_rows) as w(seq bigint));
      begin
        -- Leased and completed jobs are 0 here: what they are, their lease or "done" says.
        update {s}.job j set queue_id = r.queue, state = case when r.state in (3, 5) then 0 else r.state end,
          priority = r.priority, rank = r.rank, due_at = r.due_at, ready_at = r.ready_at, expires_at = r.expires_at,
          first_claimed_at = r.first_claimed_at, claimed_at = r.claimed_at,
          finished_at = case when r.state <> 5 then r.finished_at end, generation = r.generation, claims = r.claims,
          failures = r.failures, crashes = r.crashes, token = r.token, settled_token = r.settled_token,
          worker = r.worker, prune_at = case when r.state <> 5 then r.prune_at end, cause = r.cause,
          cancel_reason = r.cancel_reason, fingerprint = r.fingerprint, origin_queue = r.origin_queue,
          origin_cause = r.origin_cause, origin_moved_at = r.origin_moved_at, move_number = r.move_number,
          logged = r.logged, content_type = r.content_type, error = r.error,
          body = case when r.body is null then j.body else decode(r.body, 'base64') end,
          progress = case when r.sets_progress then decode(r.progress, 'base64') else j.progress end
        from ${ROWS} where j.seq = r.seq and j.seq = any (v_seqs);
      exception when unique_violation then
        -- Somebody has just added a job with its id where this one moves to: all of it is decided anew.
        raise exception 'millrace: a job was added meanwhile' using errcode = '40001';
      end;
    end if;

    p := p_entered -> 'waiting';
    if p is not null then
      insert into {s}.aside (seq, rank, ready_at, queue_id, priority, expires_at)
      select j.seq, j.rank, coalesce(j.ready_at, t), j.queue_id, j.priority, j.expires_at
      from json_array_elements_text(p) e ${eachJob('j', 'e::bigint')};
    end if;
    p := p_entered -> 'due';
    if p is not null then
      insert into {s}.delayed (seq, due_at, queue_id)
      select j.seq, j.due_at, j.queue_id from json_array_elements_text(p) e ${eachJob('j', 'e::bigint')};
    end if;
    p := p_entered -> 'expiring';
    if p is not null then
      insert into {s}.expiring (seq, expires_at, queue_id)
      select j.seq, j.expires_at, j.queue_id from json_array_elements_text(p) e ${eachJob('j', 'e::bigint')};
    end if;
    p := p_entered -> 'completed';
    if p is not null then
      insert into {s}.done (place, first_token, claimed_at, finished_at, prune_at, queue_id, worker, seqs, traces, sizes,
        results)
      select d.seq, d.token, d.claimed_at, d.finished_at, d.prune_at, d.queue, d.worker, array[d.seq],
        case when d.trace_id is not null then array[d.trace_id] end,
        case when d.result is not null then array[octet_length(decode(d.result, 'base64'))] end, decode(d.result, 'base64')
      from json_to_recordset(p) as d(seq bigint, token bigint, claimed_at bigint, finished_at bigint, queue integer,
        prune_at bigint, worker text, trace_id text, result text);
    end if;
    p := p_entered -> 'lease';
    if p is not null then
      insert into {s}.lease (token, seq, claimed_at, expires_at, deadline_at, past_due_at, suspect_at, queue_id, spared,
        worker)
      select l.token, l.seq, l.claimed_at, l.expires_at, l.deadline_at, least(l.expires_at, l.deadline_at),
        l.suspect_at, l.queue, l.spared, l.worker
      from json_to_recordset(p) as l(token bigint, seq bigint, claimed_at bigint, expires_at bigint, deadline_at bigint,
        suspect_at bigint, queue integer, spared boolean, worker text);
    end if;

    if p_gone is not null then
      delete from {s}.attempt where seq = any (p_gone);
      delete from {s}.log where seq = any (p_gone);
      delete from {s}.job where seq = any (p_gone);
    end if;
    if p_attempts is not null then
      insert into {s}.attempt (seq, number, generation, token, worker, started_at, ended_at, outcome, error,
        retry_after_ms, trace_id)
      select * from json_to_recordset(p_attempts) as a(seq bigint, number integer, generation integer, token bigint,
        worker text, started_at bigint, ended_at bigint, outcome text, error text, retry_after_ms bigint, trace_id text);
      ${deleteEach('attempt', '(select * from json_to_recordset(p_attempts) as w(seq bigint, number integer) where w.number > 1000) a', 'each.seq = a.seq and each.number <= a.number - 1000')};
    end if;
    if p_logs is not null then
      insert into {s}.log (seq, number, at, text)
      select a.seq, a.number, t, a.text from json_to_recordset(p_logs) as a(seq bigint, number integer, text text);
      ${deleteEach(
        'log',
        `(select w.seq, max(w.number) as number from json_to_recordset(p_logs) as w(seq bigint, number integer)
          group by w.seq having max(w.number) > 1000) m`,
        'each.seq = m.seq and each.number <= m.number - 1000',
      )};
    end if;
    if p_deltas is not null then
      insert into {s}.delta (minute, queue_id, waiting, delayed, blocked, active, parked, completed, failed, cancelled,
        ruled_completed, ruled_failed, ruled_cancelled, total_added, total_completed, total_failed, total_cancelled,
        total_attempts_failed, total_released, total_reclaimed, total_duplicates, total_removed, stat_added,
        stat_completed, stat_failed, stat_retried, name, wait_hits, run_hits)
      select t - t % 60000, d.queue_id, d.waiting, d.delayed, d.blocked, d.active, d.parked, d.completed, d.failed,
        d.cancelled, d.ruled_completed, d.ruled_failed, d.ruled_cancelled, d.total_added, d.total_completed,
        d.total_failed, d.total_cancelled, d.total_attempts_failed, d.total_released, d.total_reclaimed,
        d.total_duplicates, d.total_removed, d.stat_added, d.stat_completed, d.stat_failed, d.stat_retried, d.name,
        d.wait_hits, d.run_hits
      from json_populate_recordset(null::{s}.delta, p_deltas) d;
    end if;
    if p_told is not null then
      select array_agg(x.queue) into v_heard
      from (select distinct y.queue from json_to_recordset(p_told) as y(queue text)) x where {s}.is_recorded_v1(x.queue, t);
      if v_heard is not null then
        insert into {s}.told (at, queue, kind, id, name, data)
        select t, x.queue, x.kind, x.id, x.name, decode(x.data, 'base64')
        from rows from (json_to_recordset(p_told) as (queue text, kind text, id text, name text, data text))
          with ordinality x(queue, kind, id, name, data, place)
        where x.queue = any (v_heard) order by x.place;
      end if;
    end if;
  end $$;
`;
