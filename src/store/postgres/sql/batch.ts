/** Where those rows begin that are left of tables which are written at the end and deleted from the beginning. */

/** Of the batches that there are, and not of those that ended and are not cleaned away. */
export function isLeft(batch: string): string {
  return `${batch}.first_token >= coalesce((select f.token from {s}.batch_floor f), 0)`;
}

/** Of the differences that are not added up yet. */
export function isNotFolded(delta: string): string {
  return `${delta}.number >= coalesce((select f.delta from {s}.batch_floor f), 0)`;
}

export const AROUND_BATCHES: string = `
  -- Everybody who had drawn a number when this was last called has an end by now, or the floors stay where they are.
  create function {s}.raise_floor_v1() returns void language plpgsql
  set search_path = pg_catalog, pg_temp set enable_seqscan = off set enable_bitmapscan = off as $$
  declare
    v_token bigint; v_delta bigint; v_now pg_snapshot; f record;
  begin
    select token, seen_token, delta, seen_delta, seen_in into f from {s}.batch_floor;
    -- In this order: who drew a token up to this one is seen by the next statement, as a transaction that is under way.
    -- Of a new sequence the last value was not given yet.
    select case when is_called then last_value else last_value - 1 end into v_token from {s}.token;
    select case when is_called then last_value else last_value - 1 end into v_delta from {s}.delta_number_seq;
    v_now := pg_current_snapshot();
    if f.seen_token = v_token and f.token > v_token and f.seen_delta = v_delta and f.delta > v_delta then return; end if;
    if f.seen_in <= pg_snapshot_xmin(v_now) then
      f.token := greatest(f.token, coalesce(
        (select b.first_token from {s}.batch b
         where b.first_token between f.token and f.seen_token order by b.first_token limit 1),
        f.seen_token + 1));
      f.delta := greatest(f.delta, coalesce(
        (select d.number from {s}.delta d
         where d.number between f.delta and f.seen_delta order by d.number limit 1),
        f.seen_delta + 1));
    elsif f.seen_in <= pg_snapshot_xmax(v_now) then
      return;
    end if;
    insert into {s}.batch_floor as b (one, token, seen_token, delta, seen_delta, seen_in)
    values (1, coalesce(f.token, 0), v_token, coalesce(f.delta, 0), v_delta, pg_snapshot_xmax(v_now))
    on conflict (one) do update set token = excluded.token, seen_token = excluded.seen_token,
      delta = excluded.delta, seen_delta = excluded.seen_delta, seen_in = excluded.seen_in;
  end $$;
`;
