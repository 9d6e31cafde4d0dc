/**
 * For jobs in transactions of the application, which may stay open long after the job was added: who is idle is looked
 * up when they commit, not before. A row stands in "wake" for as long as its transaction is open.
 */
export const JOINED: string = `
  create unlogged table {s}.wake (
    number bigint generated always as identity primary key,
    queue text not null
  );

  create function {s}.wake_at_commit_v1() returns trigger language plpgsql
  set search_path = pg_catalog, pg_temp as $$
  begin
    perform {s}.wake_v1(array[new.queue], 'ready');
    delete from {s}.wake where number = new.number;
    return null;
  end $$;

  create constraint trigger wake_at_commit after insert on {s}.wake deferrable initially deferred
  for each row execute function {s}.wake_at_commit_v1();
`;
