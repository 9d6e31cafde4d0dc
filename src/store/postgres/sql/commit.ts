/** Completing. Whatever is not as plain as that is decided in TypeScript; see `settle.ts`. */

import { BUCKETS } from './claim.ts';
import { putDone, together } from './done.ts';
import { eachJob, LOOKING_UP } from './planning.ts';

export const AROUND_COMMITTING: string = `
  -- Jobs of one queue whose leases began together and have just ended. Results lie end to end, at places and in
  -- sizes that are null where there is none.
  create function {s}.complete_v1(
    p_queue_id integer, t bigint, p_claimed_at bigint, p_worker text, p_seqs bigint[], p_tokens bigint[],
    p_at integer[], p_sizes integer[], p_results bytea, p_traces text[], p_drops boolean, p_ran boolean, p_name text
  ) returns void language plpgsql ${LOOKING_UP} as $$
  declare
    v_many integer := cardinality(p_seqs);
    v_kept integer := v_many;
    v_hit smallint := case when p_ran then width_bucket(greatest(0, t - p_claimed_at), ${BUCKETS}) end;
    v_name text := p_name;
    v_ruled integer;
    v_own bigint[];
  begin
    v_ruled := v_many;
    if p_name is null then
      -- Jobs that say themselves how long they are kept are never in a batch, nor have those a name here.
      select array_agg(j.seq) filter (where j.keep_completed_ms is not null),
        case when min(j.name) = max(j.name) then min(j.name) end
      into v_own, v_name from unnest(p_seqs) s ${eachJob('j', 's')};
    end if;
    if v_own is null and not p_drops then${putDone({ seqs: 'p_seqs', tokens: 'p_tokens', claimedAt: 'p_claimed_at', queue: 'p_queue_id', worker: 'p_worker' })}
    else
      insert into {s}.done (place, first_token, claimed_at, finished_at, prune_at, queue_id, worker, seqs, tokens, traces,
        sizes, results)
      ${together({
        prune: 't + j.keep_completed_ms',
        from: `unnest(p_seqs, p_tokens, p_at, p_sizes, p_traces) s(seq, token, at, size, trace) ${eachJob('j', 's.seq')}
          where coalesce(j.keep_completed_ms > 0, not p_drops)`,
        claimedAt: 'p_claimed_at',
        queue: 'p_queue_id',
        worker: 'p_worker',
      })};
      select count(*) filter (where coalesce(j.keep_completed_ms > 0, not p_drops)),
        count(*) filter (where j.keep_completed_ms is null and not p_drops)
      into v_kept, v_ruled from unnest(p_seqs) s ${eachJob('j', 's')};
      -- Before the jobs themselves: their names are counted below.
      if v_name is null then
        insert into {s}.delta (minute, queue_id, stat_completed, name, run_hits)
        select t - t % 60000, p_queue_id, count(*), j.name,
          case when p_ran then array[(v_hit * 1024 + count(*))::smallint] end
        from unnest(p_seqs) s ${eachJob('j', 's')} group by j.name;
      end if;
      if v_kept < v_many then
        with x as (
          delete from {s}.job j
          where j.seq = any (p_seqs) and (j.keep_completed_ms = 0 or j.keep_completed_ms is null and p_drops)
          returning j.seq, j.claims, j.logged
        ), a as (delete from {s}.attempt using x where attempt.seq = x.seq and x.claims > 0)
        delete from {s}.log using x where log.seq = x.seq and x.logged > 0;
      end if;
    end if;
    if v_name is null and v_kept = v_many and v_own is null and not p_drops then
      insert into {s}.delta (minute, queue_id, stat_completed, name, run_hits)
      select t - t % 60000, p_queue_id, count(*), j.name, case when p_ran then array[(v_hit * 1024 + count(*))::smallint] end
      from unnest(p_seqs) s ${eachJob('j', 's')} group by j.name;
    end if;
    insert into {s}.delta (minute, queue_id, active, completed, ruled_completed, total_completed, total_removed,
      stat_completed, name, run_hits)
    values (t - t % 60000, p_queue_id, -v_many, nullif(v_kept, 0), nullif(v_ruled, 0), v_many, nullif(v_many - v_kept, 0),
      case when v_name is not null then v_many end, v_name,
      case when v_name is not null and p_ran then array[(v_hit * 1024 + v_many)::smallint] end);
  end $$;
`;

export const COMMIT: string = `
  -- Completes jobs and claims others, in this order. Tokens rise. Either every lease is held and nothing else is to be
  -- said about its job, and all are completed; or nothing is done and no row is answered. p_ids: null when the caller
  -- knows from the claim that tokens and jobs belong together.
  create function {s}.commit_v1(
    p_now bigint, p_tokens bigint[], p_queues text[], p_ids text[], p_at integer[], p_sizes integer[], p_results bytea,
    p_traces text[], p_strict boolean, p_in_order boolean, p_claims json
  ) returns table (answer text, bytes bytea) language plpgsql ${LOOKING_UP} as $$
  declare
    t bigint := coalesce(p_now, floor(extract(epoch from clock_timestamp()) * 1000)::bigint);
    v_many integer := cardinality(p_tokens);
    i integer := 1; j integer; k integer; g integer;
    b record; q record;
    v_seqs bigint[] := '{}'; v_slots bigint[]; v_part bigint[];
    -- One entry a group: where it ends in p_tokens, and the batch (or the single lease) that it is of.
    v_ends integer[] := '{}'; v_firsts bigint[] := '{}'; v_queue_ids integer[] := '{}'; v_claimed bigint[] := '{}';
    v_workers text[] := '{}'; v_names text[] := '{}'; v_kinds "char"[] := '{}';
    v_heard boolean; v_first bigint; v_singles bigint[] := '{}'; v_locked integer;
  begin
    if current_setting('transaction_isolation') <> 'read committed' or current_setting('client_min_messages') = 'error' then
      raise exception 'millrace: to be called in the isolation read committed, with warnings' using errcode = '25001';
    end if;
    -- Mostly a claim's jobs end together, and no others with them.
    select x.last_token, x.claimed_at, x.queue_id, x.worker, x.name, x.seqs, y.name as queue,
      (p_in_order or not {s}.is_recorded_v1(y.name, t)) and (not p_strict or exists (
        select 1 from {s}.session s where s.id = x.worker and s.expires_at > t)) as is_plain
    into b from {s}.batch x join {s}.queue y on y.id = x.queue_id
    where x.first_token = p_tokens[1] and x.last_token = p_tokens[v_many] and x.last_token - x.first_token = v_many - 1
      and x.name is not null and not y.drops_completed and p_ids is null for update of x;
    if found and b.is_plain and array_position(b.seqs, null) is null then
      with gone as (
        delete from {s}.batch where first_token = p_tokens[1]
      )
      insert into {s}.delta (minute, queue_id, active, completed, ruled_completed, total_completed, stat_completed, name,
        run_hits)
      values (t - t % 60000, b.queue_id, -v_many, v_many, v_many, v_many, v_many, b.name,
        array[(width_bucket(greatest(0, t - b.claimed_at), ${BUCKETS}) * 1024 + v_many)::smallint])
      returning exists (select 1 from {s}.recording x where x.queue = b.queue and x.until_at > t)
        or exists (select 1 from {s}.queue x where x.id = b.queue_id and x.feed_on) into v_heard;
      v_seqs := b.seqs;${putDone({ seqs: 'v_seqs', tokens: 'p_tokens', claimedAt: 'b.claimed_at', queue: 'b.queue_id', worker: 'b.worker' })}
      if v_heard then
        insert into {s}.told (at, queue, kind, id, name, data)
        select t, b.queue, 'completed', x.id, x.name, case when p_sizes[n] <= 65536 then
          substring(p_results from p_at[n] for p_sizes[n]) end
        from generate_series(1, v_many) n ${eachJob('x', 'b.seqs[n]')} order by n;
        perform {s}.wake_v1(array[b.queue], 'ended');
      end if;
      answer := '[]'; bytes := ''::bytea;
      return next;
      if p_claims is not null then return query select * from {s}.claim_v1(p_now, p_claims, false); end if;
      return;
    end if;

    while i <= v_many loop
      select * into b from {s}.batch x where x.first_token <= p_tokens[i] and x.first_token > p_tokens[i] - 1000
      order by x.first_token desc limit 1 for update;
      if found and b.last_token >= p_tokens[i] then
        j := i;
        while j < v_many and p_tokens[j + 1] <= b.last_token loop j := j + 1; end loop;
        v_slots := b.seqs;
        if p_tokens[j] - p_tokens[i] = j - i then
          k := p_tokens[i] - b.first_token + 1;
          v_part := v_slots[k : k + j - i];
        else
          v_part := '{}';
          for k in i .. j loop v_part[k - i + 1] := v_slots[p_tokens[k] - b.first_token + 1]; end loop;
        end if;
        -- Other leases may lie between those of one batch.
        if array_position(v_part, null) is not null then
          v_part := '{}';
          k := i;
          while k <= j and v_slots[p_tokens[k] - b.first_token + 1] is not null loop
            v_part := v_part || v_slots[p_tokens[k] - b.first_token + 1];
            k := k + 1;
          end loop;
          j := k - 1;
        end if;
      else
        v_part := '{}';
      end if;
      if v_part = '{}' then
        select * into b from {s}.lease x where x.token = p_tokens[i];
        if not found then return; end if;
        v_singles := v_singles || b.token;
        if p_strict and (b.past_due_at <= t or b.expires_at is null and not exists (
          select 1 from {s}.session s where s.id = b.worker and s.expires_at > t)) then return; end if;
        j := i;
        v_part := array[b.seq];
        v_kinds := v_kinds || 'l'::"char"; v_firsts := v_firsts || b.token; v_names := v_names || null::text;
      else
        v_kinds := v_kinds || (case when j - i = b.last_token - b.first_token then 'w' else 'p' end)::"char";
        v_firsts := v_firsts || b.first_token; v_names := v_names || b.name;
      end if;
      if p_strict and v_kinds[cardinality(v_kinds)] <> 'l' and not exists (
        select 1 from {s}.session s where s.id = b.worker and s.expires_at > t) then return; end if;
      v_seqs := v_seqs || v_part; v_ends := v_ends || j; v_queue_ids := v_queue_ids || b.queue_id;
      v_claimed := v_claimed || b.claimed_at; v_workers := v_workers || b.worker;
      i := j + 1;
    end loop;
    -- Batches first and then leases, as everybody does: else two wait for each other. Who was faster has deleted them.
    if v_singles <> '{}' then
      perform 1 from {s}.lease x where x.token = any (v_singles) order by x.token for update;
      get diagnostics v_locked = row_count;
      if v_locked < cardinality(v_singles) then return; end if;
    end if;
    if p_ids is not null and exists (
      select 1 from unnest(v_seqs, p_ids, p_queues) u(seq, id, queue)
      where not exists (
        select 1 from {s}.job x join {s}.queue y on y.id = x.queue_id
        where x.seq = u.seq and x.id = u.id and y.name = u.queue)) then return; end if;
    -- The feed tells of them in the order in which they were settled.
    if not p_in_order and exists (
      select 1 from {s}.queue x where x.id = any (v_queue_ids) and {s}.is_recorded_v1(x.name, t)) then return; end if;

    i := 1;
    for g in 1 .. cardinality(v_ends) loop
      j := v_ends[g];
      select * into q from {s}.queue x where x.id = v_queue_ids[g];
      if v_kinds[g] = 'l' then
        delete from {s}.lease where token = v_firsts[g];
      elsif v_kinds[g] = 'w' then
        delete from {s}.batch where first_token = v_firsts[g];
      else
        -- Written for its next reader: what else is in it goes on. Locked, so that nobody has written it since.
        select x.seqs, x.first_token into v_slots, v_first from {s}.batch x where x.first_token = v_firsts[g];
        for k in i .. j loop v_slots[p_tokens[k] - v_first + 1] := null; end loop;
        if array_remove(v_slots, null) = '{}' then
          delete from {s}.batch where first_token = v_first;
        else
          update {s}.batch x set seqs = v_slots where x.first_token = v_first;
        end if;
      end if;
      if {s}.is_recorded_v1(q.name, t) then
        insert into {s}.told (at, queue, kind, id, name, data)
        select t, q.name, 'completed', x.id, x.name, case when p_sizes[n] <= 65536 then
          substring(p_results from p_at[n] for p_sizes[n]) end
        from generate_series(i, j) n ${eachJob('x', 'v_seqs[n]')} order by n;
        perform {s}.wake_v1(array[q.name], 'ended');
      end if;
      perform {s}.complete_v1(q.id, t, v_claimed[g], v_workers[g], v_seqs[i:j], p_tokens[i:j], p_at[i:j], p_sizes[i:j],
        p_results, p_traces[i:j], q.drops_completed, true, v_names[g]);
      i := j + 1;
    end loop;
    answer := '[]'; bytes := ''::bytea;
    return next;
    if p_claims is not null then return query select * from {s}.claim_v1(p_now, p_claims, false); end if;
  end $$;
`;
