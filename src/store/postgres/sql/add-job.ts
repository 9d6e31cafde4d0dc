/**
 * For triggers, and for programs in other languages: one job, in the transaction of whoever calls it. Public: its name,
 * parameters and meaning do not change. What is wrong is refused as it would be in TypeScript, before anything is written.
 */

/** Milliseconds, as in TypeScript, but numbers only. */
const OPTIONS = [
  ...[
    'jobId',
    'delay',
    'priority',
    'lifo',
    'attempts',
    'backoff',
    'retryFor',
    'timeout',
    'ttl',
    'deadLetterQueue',
  ],
  ...['headers', 'contentType'],
];

/** Not taken from the rules elsewhere: what a step of the schema says stays as it was when it was released. */
const LONGEST_DELAY_MS = 31_622_400_000;
const LONGEST_MS = 3_162_240_000_000;

export const ADD_JOB: string = `
  create function {s}.add_job(queue text, name text, data json default 'null', options json default '{}') returns text
  language plpgsql set search_path = pg_catalog, pg_temp as $$
  #variable_conflict use_variable
  declare
    v_unknown text;
    v_id text := options ->> 'jobId';
    v_backoff json := options -> 'backoff';
    v_policy json;
    v_random text;
    v_wrong text;
    v_body bytea := convert_to(coalesce(data, 'null'::json)::text, 'UTF8');
    v_before text := current_setting('millrace.joined', true);
  begin
    if json_typeof(options) <> 'object' then
      raise exception 'millrace: options must be an object' using errcode = '22023', hint = 'Nothing was added.';
    end if;
    select string_agg(quote_ident(k), ', ') into v_unknown from json_object_keys(coalesce(options, '{}')) k
    where k <> all ('{${OPTIONS.join(',')}}');
    v_wrong := case
      when queue is null or queue !~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$' then
        'queue must be 1 to 80 letters, digits, ".", "_" or "-", the first a letter or digit'
      when name is null or name = '' or octet_length(name) > 256 or name ~ '[\\u0001-\\u001f\\u007f-\\u009f]' then
        'name must be 1 to 256 bytes without control characters'
      when v_unknown is not null then 'there is no option ' || v_unknown || '; there are ${OPTIONS.join(', ')}'
      when v_id = '' or octet_length(v_id) > 256 or v_id ~ '[\\u0001-\\u001f\\u007f-\\u009f]' then
        'jobId must be 1 to 256 bytes without control characters'
      when (options ->> 'delay')::numeric not between 0 and ${LONGEST_DELAY_MS} then
        'delay must be from 0 to ${LONGEST_DELAY_MS} ms'
      when (options ->> 'priority')::numeric not between 0 and 2097151 then 'priority must be from 0 to 2097151'
      when (options ->> 'attempts')::numeric not between 1 and 1000000 then 'attempts must be from 1 to 1000000'
      when (options ->> 'timeout')::numeric not between 1 and ${LONGEST_MS} then 'timeout must be from 1 to ${LONGEST_MS} ms'
      when (options ->> 'ttl')::numeric not between 1 and ${LONGEST_MS} then 'ttl must be from 1 to ${LONGEST_MS} ms'
      when (options ->> 'retryFor')::numeric not between 1 and ${LONGEST_MS} then 'retryFor must be from 1 to ${LONGEST_MS} ms'
      when options ->> 'deadLetterQueue' !~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$' then 'deadLetterQueue must be a name of a queue'
      when json_typeof(options -> 'headers') <> 'object' then 'headers must be an object'
      when json_typeof(v_backoff) not in ('number', 'object') then 'backoff must be milliseconds, or an object'
      when json_typeof(v_backoff) = 'object' and coalesce(v_backoff ->> 'type', '') = '' then
        'the type of backoff is missing: fixed, exponential, or the name of a strategy of the worker'
      when octet_length(v_body) > 67108864 then 'data must be at most 64 MiB'
    end;
    if v_wrong is not null then
      raise exception 'millrace: %', v_wrong using errcode = '22023', hint = 'Nothing was added.';
    end if;
    if v_id is null then
      -- A UUID of version 7: the time in front, so that ids lie in the order of adding.
      v_random := replace(gen_random_uuid()::text, '-', '');
      v_id := (lpad(to_hex(floor(extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0') || '7'
        || substr(v_random, 14))::uuid::text;
    end if;
    v_policy := json_strip_nulls(json_build_object(
      'attempts', (options ->> 'attempts')::int,
      'backoff', case
        when v_backoff is null and coalesce((options ->> 'attempts')::int, 1) = 1 then null
        when v_backoff is null then
          json_build_object('type', 'exponential', 'delayMs', 1000, 'factor', 2, 'maxMs', 3600000, 'jitter', 0.5)
        when json_typeof(v_backoff) = 'number' then json_build_object(
          'type', 'fixed', 'delayMs', (v_backoff::text)::bigint, 'jitter', 0)
        when v_backoff ->> 'type' = 'fixed' then json_build_object('type', 'fixed',
          'delayMs', coalesce((v_backoff ->> 'delay')::bigint, 0), 'jitter', coalesce((v_backoff ->> 'jitter')::float8, 0))
        when v_backoff ->> 'type' <> 'exponential' then json_build_object('type', 'custom',
          'name', v_backoff ->> 'type', 'delayMs', coalesce((v_backoff ->> 'delay')::bigint, 0))
        else json_build_object('type', 'exponential', 'delayMs', coalesce((v_backoff ->> 'delay')::bigint, 0),
          'factor', coalesce((v_backoff ->> 'factor')::float8, 2),
          'maxMs', coalesce((v_backoff ->> 'max')::bigint, greatest(3600000, (v_backoff ->> 'delay')::bigint)),
          'jitter', coalesce((v_backoff ->> 'jitter')::float8, 0.5))
      end,
      'retryForMs', (options ->> 'retryFor')::bigint, 'timeoutMs', (options ->> 'timeout')::bigint,
      'ttlMs', (options ->> 'ttl')::bigint, 'deadLetterQueue', options ->> 'deadLetterQueue'));
    perform set_config('millrace.joined', 'on', true);
    perform {s}.add_v1(null, null, json_build_array(json_build_object(
      'queue', queue, 'name', name, 'type', coalesce(options ->> 'contentType', 'application/json'),
      'headers', coalesce(options -> 'headers', '{}')::text, 'policy', v_policy::text,
      'priority', coalesce((options ->> 'priority')::int, 0), 'lifo', coalesce((options ->> 'lifo')::boolean, false),
      'delay', coalesce((options ->> 'delay')::bigint, 0), 'ttl', (options ->> 'ttl')::bigint,
      'timeout', (options ->> 'timeout')::bigint)),
      array[v_id], array[1], array[1], array[octet_length(v_body)], v_body);
    insert into {s}.wake (queue) values (queue);
    perform set_config('millrace.joined', coalesce(v_before, ''), true);
    return v_id;
  end $$;
`;
