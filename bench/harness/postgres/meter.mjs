/** What a stretch of work cost the server: processor time of all its processes, bytes of its log, size of its tables. */

import { readdirSync, readFileSync } from 'node:fs';

/** Of `/proc/…/stat`; the same on every Linux that Node runs on. */
const TICKS_A_SECOND = 100;

/** Fields after the name, which may hold anything: state, parent, …; times of its own and of the children it buried. */
function timesOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const [user, system, buriedUser, buriedSystem] = fields.slice(11, 15).map(Number);
    return { parent: Number(fields[1]), own: user + system, buried: buriedUser + buriedSystem };
  } catch {
    return null;
  }
}

/** The server and its processes, those that have ended as well. Elsewhere than on Linux nobody knows. */
export function serverCpuSeconds(pid) {
  const server = timesOf(pid);
  if (server === null) return Number.NaN;
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(timesOf)
    .filter((times) => times?.parent === pid);
  const ticks = children.reduce((sum, times) => sum + times.own + times.buried, server.own + server.buried);
  return ticks / TICKS_A_SECOND;
}

const WAL = `select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::float8 as bytes`;

const SIZES = `
  select coalesce(sum(pg_table_size(c.oid)), 0)::float8 as tables, coalesce(sum(pg_indexes_size(c.oid)), 0)::float8 as indexes
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'r' and n.nspname !~ '^(pg_|information_schema)'`;

/** Statements of a connection of its own, so that they wait for nobody. */
export function meterOf(client, { pid }) {
  return {
    serverCpuSeconds: async () => serverCpuSeconds(pid),
    walBytes: async () => (await client.query(WAL)).rows[0].bytes,
    /** In MB. */
    async sizes() {
      const { tables, indexes } = (await client.query(SIZES)).rows[0];
      return { tables: tables / 2 ** 20, indexes: indexes / 2 ** 20 };
    },
  };
}
