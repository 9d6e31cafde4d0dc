/** The table "done": completed jobs, those that were settled together in one row. */

import { eachOf, LOOKING_UP } from './planning.ts';

/** Larger results lie alone, so that who asks for one does not read those of others. */
const SHARED_SIZE = 2000;

/** The place of jobs that were settled together: their numbers differ in the last seven bits alone. */
function sharedPlace(seq: string): string {
  return `-1 - (${seq} >> 7)`;
}

/**
 * The row that has a job, to be joined: two looks by the key, and few rows of few jobs to look through. Not one look by
 * `any`: a planner that takes the table for empty would walk over all of the queue's.
 */
export function eachDone(alias: string, job: { readonly seq: string; readonly queue: string }): string {
  const { seq, queue } = job;
  return `cross join lateral (
        select at_place.* from (values (${seq}), (${sharedPlace(seq)})) looked_at(place)
        ${eachOf('done', 'at_place', `each.queue_id = ${queue} and each.place = looked_at.place`)}
        where array_position(at_place.seqs, ${seq}) is not null offset 0) ${alias}`;
}

/** Names of the values in the function that puts completed jobs here. */
interface Ended {
  readonly seqs: string;
  readonly tokens: string;
  readonly claimedAt: string;
  readonly queue: string;
  readonly worker: string;
}

/** What was completed at `t`, with results and traces as the function was given them. Tokens rise. */
export function putDone({ seqs, tokens, claimedAt, queue, worker }: Ended): string {
  return `
      if p_sizes is not null then
        insert into {s}.done (place, first_token, claimed_at, finished_at, queue_id, worker, seqs, tokens, traces, sizes,
          results)
        ${together({ prune: null, from: `unnest(${seqs}, ${tokens}, p_at, p_sizes, p_traces) s(seq, token, at, size, trace)`, claimedAt, queue, worker })};
      elsif cardinality(${seqs}) = 1 then
        insert into {s}.done (place, first_token, claimed_at, finished_at, queue_id, worker, seqs)
        values ((${seqs})[1], (${tokens})[1], ${claimedAt}, t, ${queue}, ${worker}, ${seqs});
      else
        insert into {s}.done (place, first_token, claimed_at, finished_at, queue_id, worker, seqs, tokens)
        select case when count(*) = 1 then min(u.seq) else ${sharedPlace('u.seq')} end, min(u.token), ${claimedAt}, t,
          ${queue}, ${worker}, array_agg(u.seq order by u.token),
          case when max(u.token) - min(u.token) >= count(*) then array_agg(u.token order by u.token) end
        from unnest(${seqs}, ${tokens}) u(seq, token) group by u.seq >> 7;
      end if;`;
}

interface Together {
  /** The end of their keeping, where they have one of their own. */
  readonly prune: string | null;
  readonly from: string;
  readonly claimedAt: string;
  readonly queue: string;
  readonly worker: string;
}

/** One row for each group of the jobs that \`from\` names. */
export function together({ prune, from, claimedAt, queue, worker }: Together): string {
  return `select case when count(*) = 1 then min(u.seq) else u.place end, min(u.token), ${claimedAt}, t,
          ${prune === null ? '' : 'u.prune_at, '}${queue}, ${worker}, array_agg(u.seq order by u.token),
          case when max(u.token) - min(u.token) >= count(*) then array_agg(u.token order by u.token) end,
          case when count(u.trace) > 0 then array_agg(u.trace order by u.token) end,
          case when count(u.size) > 0 then array_agg(u.size order by u.token) end,
          string_agg(u.result, ''::bytea order by u.token)
        from (
          select s.seq, s.token, s.size, s.trace, substring(p_results from s.at for s.size) as result,
            ${prune === null ? '' : `${prune} as prune_at, `}
            case when s.size > ${SHARED_SIZE} then s.seq else ${sharedPlace('s.seq')} end as place
          from ${from}
        ) u group by u.place${prune === null ? '' : ', u.prune_at'}`;
}

export const AROUND_DONE: string = `
  -- Completed jobs of a queue, the longest completed first: as many as were asked for, and all that ended together with
  -- the last of them.
  create function {s}.done_oldest_v1(p_queue_id integer, p_from bigint, p_limit integer)
  returns table (seq bigint, finished_at bigint, at tid) language plpgsql stable ${LOOKING_UP} as $$
  declare
    r record; v_many integer := 0; v_last bigint;
  begin
    for r in
      select d.ctid as at, d.finished_at, array_remove(d.seqs, null) as seqs from {s}.done d
      where d.queue_id = p_queue_id and d.prune_at is null and d.finished_at >= p_from order by d.finished_at
    loop
      exit when v_many >= p_limit and r.finished_at > v_last;
      v_last := r.finished_at;
      v_many := v_many + cardinality(r.seqs);
      return query select s, r.finished_at, r.at from unnest(r.seqs) s;
    end loop;
  end $$;

  -- Numbers of completed jobs of a queue beyond another one, in order: at least as many as were asked for, if there are.
  create function {s}.completed_v1(p_queue_id integer, p_beyond bigint, p_limit integer, p_newest boolean)
  returns setof bigint language plpgsql stable ${LOOKING_UP} as $$
  declare
    r record; v_seqs bigint[] := '{}'; v_place bigint; v_beyond bigint := least(greatest(p_beyond, 0), 4611686018427387904);
  begin
    if p_newest then
      for r in
        select d.place, d.seqs from {s}.done d
        where d.queue_id = p_queue_id and d.place < 0 and d.place >= ${sharedPlace('v_beyond')} order by d.place
      loop
        exit when r.place > v_place and cardinality(v_seqs) >= p_limit;
        v_place := r.place;
        v_seqs := v_seqs || array(select s from unnest(r.seqs) s where s < p_beyond);
      end loop;
      return query select s from unnest(v_seqs) s union all (
        select d.place from {s}.done d where d.queue_id = p_queue_id and d.place > 0 and d.place < p_beyond
        order by d.place desc limit p_limit);
    else
      for r in
        select d.place, d.seqs from {s}.done d
        where d.queue_id = p_queue_id and d.place < 0 and d.place <= ${sharedPlace('v_beyond')} order by d.place desc
      loop
        exit when r.place < v_place and cardinality(v_seqs) >= p_limit;
        v_place := r.place;
        v_seqs := v_seqs || array(select s from unnest(r.seqs) s where s > p_beyond);
      end loop;
      return query select s from unnest(v_seqs) s union all (
        select d.place from {s}.done d where d.queue_id = p_queue_id and d.place > 0 and d.place > p_beyond
        order by d.place limit p_limit);
    end if;
  end $$;

  -- Takes jobs out of their slots. The rows are locked by whoever calls.
  create function {s}.leave_done_v1(p_queues integer[], p_seqs bigint[]) returns void language plpgsql ${LOOKING_UP} as $$
  begin
    with g as materialized (
      select x.row_id as at, array_agg(w.seq) as seqs
      from unnest(p_queues, p_seqs) w(queue, seq)
      ${eachDone('x', { seq: 'w.seq', queue: 'w.queue' })}
      group by x.row_id
    ), emptied as (
      delete from {s}.done x using g
      where x.ctid = g.at and cardinality(g.seqs) = cardinality(array_remove(x.seqs, null))
    )
    update {s}.done x set seqs = array(
      select case when n.seq = any (g.seqs) then null else n.seq end
      from unnest(x.seqs) with ordinality n(seq, place) order by n.place)
    from g where x.ctid = g.at and cardinality(g.seqs) < cardinality(array_remove(x.seqs, null));
  end $$;
`;
