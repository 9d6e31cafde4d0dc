/**
 * For indexes on payloads, which people make who search by one path again and again. `body_key_v1` answers what the value
 * at a path is looked up by, null where there is none or the payload is no JSON; `key_of_v1` the same of what is looked
 * for. Numbers are compared as such (42.0 is 42): two values with one key may still differ, and are looked at.
 */
export const BODY: string = `
  create function {s}.key_of_v1(p_value text) returns text language plpgsql immutable
  set search_path = pg_catalog, pg_temp as $$
  begin
    if p_value ~ '^-?[0-9]+([.][0-9]+)?([eE][-+]?[0-9]+)?$' then return p_value::float8::text; end if;
    return p_value;
  exception when others then
    return p_value;
  end $$;

  create function {s}.body_key_v1(p_body bytea, p_type text, p_path text[]) returns text language plpgsql immutable
  set search_path = pg_catalog, pg_temp as $$
  declare
    v_value json;
  begin
    if p_type !~* '^application/([^;\\s]+[+])?json\\s*(;|$)' then return null; end if;
    v_value := convert_from(p_body, 'UTF8')::json #> p_path;
    if v_value is null or json_typeof(v_value) in ('object', 'array') then return null; end if;
    -- The word that matches it in a search; other values of that text have the same key.
    if json_typeof(v_value) = 'null' then return 'null'; end if;
    return left({s}.key_of_v1(v_value #>> '{}'), 500);
  exception when others then
    return null;
  end $$;
`;
