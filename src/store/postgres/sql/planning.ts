/**
 * How the functions are planned. Tables through which jobs pass are sometimes full and sometimes empty, and the server's
 * statistics tell how they were when it last looked: maybe empty, with a million dead rows in the index. Any plan looks
 * cheap then, and one that reads a table from end to end may be taken. So the statements leave no choice: rows are
 * looked up one by one, by an index, from what the caller names.
 */

const PLAIN = `
  set search_path = pg_catalog, pg_temp set enable_seqscan = off set enable_bitmapscan = off set enable_mergejoin = off
  set plan_cache_mode = force_generic_plan set jit = off`;

/** Of functions that look jobs up. */
export const LOOKING_UP: string = `${PLAIN} set enable_hashjoin = off`;

/** Of functions that add up much. */
export const ADDING_UP: string = PLAIN;

/**
 * Of functions that change rows by others that are given: nothing but a hash finds the one that belongs to each without
 * looking through all. Those that are changed have to be named besides.
 */
export const MATCHING: string = `${PLAIN} set enable_nestloop = off`;

/** A join whose other side is looked up for each row before it, since \`offset\` keeps it from being turned around. */
function each(found: string, alias: string): string {
  return `cross join lateral (${found} offset 0) ${alias}`;
}

/** The job with this number. */
export function eachJob(alias: string, seq: string): string {
  return each(`select each.* from {s}.job each where each.seq = ${seq}`, alias);
}

/** The job with this number, or none. */
export function eachJobOrNone(alias: string, seq: string): string {
  return `left join lateral (select each.* from {s}.job each where each.seq = ${seq} offset 0) ${alias} on true`;
}

/** The job with this number, with what its lease or its completion says of it. */
export function eachJobNow(alias: string, seq: string): string {
  return each(`select each.* from {s}.job_now each where each.seq = ${seq}`, alias);
}

/** The rows of a table that are so, with their places as \`at\`. */
export function eachOf(table: string, alias: string, condition: string): string {
  return each(`select each.ctid as row_id, each.* from {s}.${table} each where ${condition}`, alias);
}

/** Deletes the rows of a table that are so, for each of what is named. */
export function deleteEach(table: string, named: string, condition: string): string {
  return `delete from {s}.${table} where ctid = any (array(
        select x.row_id from ${named} ${eachOf(table, 'x', condition)}))`;
}
