/** The table "batch": the leases of one claim in one row. */

/** Of the batches that there are, and not of those that ended and are not cleaned away. */
export function isLeft(batch: string): string {
  return `${batch}.first_token >= coalesce((select f.token from {s}.batch_floor f), 0)`;
}

export const AROUND_BATCHES: string = `
  -- Everybody who had drawn a token when this was last called has an end by now, or the floor stays where it is.
  create function {s}.raise_floor_v1() returns void language plpgsql
  set search_path = pg_catalog, pg_temp set enable_seqscan = off set enable_bitmapscan = off as $$
  declare
    v_token bigint; v_now pg_snapshot; f record;
  begin
    select token, seen_token, seen_in into f from {s}.batch_floor;
    -- In this order: who drew a token up to this one is seen by the next statement, as a transaction that is under way.
    -- Of a new sequence the last value was not given yet.
    select case when is_called then last_value else last_value - 1 end into v_token from {s}.token;
    v_now := pg_current_snapshot();
    if f.seen_token = v_token and f.token > v_token then return; end if;
    if f.seen_in <= pg_snapshot_xmin(v_now) then
      f.token := greatest(f.token, coalesce(
        (select b.first_token from {s}.batch b
         where b.first_token between f.token and f.seen_token order by b.first_token limit 1),
        f.seen_token + 1));
    elsif f.seen_in <= pg_snapshot_xmax(v_now) then
      return;
    end if;
    insert into {s}.batch_floor as b (one, token, seen_token, seen_in)
    values (1, coalesce(f.token, 0), v_token, pg_snapshot_xmax(v_now))
    on conflict (one) do update set token = excluded.token, seen_token = excluded.seen_token, seen_in = excluded.seen_in;
  end $$;
`;
