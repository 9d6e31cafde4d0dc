import type { Finding } from '../store.ts';
import type { Database } from './database.ts';
import { SCHEMA_VERSION, schemaVersion } from './migrations.ts';
import { durabilityOf, type Facts, releaseOf } from './open.ts';
import { expectedParts } from './parts.ts';
import type { Transaction } from './transaction.ts';

/** A snapshot that is held open keeps every dead row of every table. */
const LONG_TRANSACTION_MS = 60_000;
const LONGEST = `
  select pid, coalesce(usename, '') as role, coalesce(application_name, '') as program, state,
    floor(extract(epoch from clock_timestamp() - coalesce(xact_start, backend_start)) * 1000)::bigint as for_ms
  from pg_stat_activity
  where backend_xmin is not null and pid <> pg_backend_pid() and xact_start is not null
  order by xact_start limit 1`;
const SLOTS = `
  select slot_name as name from pg_replication_slots
  where not active and (xmin is not null or catalog_xmin is not null or restart_lsn is not null) limit 1`;
const DEAD = `
  select relname as name, n_live_tup as live, n_dead_tup as dead,
    floor(extract(epoch from clock_timestamp() - greatest(last_autovacuum, last_vacuum)) * 1000)::bigint as since_ms
  from pg_stat_user_tables where schemaname = $1 and n_dead_tup > $2 and n_dead_tup > n_live_tup
  order by n_dead_tup desc limit 3`;
const MUCH_DEAD = 100_000;
const SETTINGS = `
  select current_setting('autovacuum')::bool as autovacuum, current_setting('max_connections')::int as most,
    (select count(*) from pg_stat_activity where backend_type = 'client backend') as connected`;
const SKEW_MS = 5_000;
/** Of the role, as it would be outside of our functions. 0: no limit. */
const LIMITS = `
  select name, setting::bigint * case unit when 's' then 1000 when 'min' then 60000 else 1 end as ms
  from pg_settings where name in ('statement_timeout', 'lock_timeout', 'transaction_timeout') and setting <> '0'`;
/** A call of many jobs, or a pass of upkeep on a slow disk, may well take this long. */
const SHORT_LIMIT_MS = 10_000;
/** Everything of the schema that a release has made, as this database has it. */
const PARTS = `
  select 'table' as kind, c.relname as name from pg_class c
  where c.relnamespace = to_regnamespace($1) and c.relkind in ('r', 'v', 'S', 'p')
  union all
  select 'index', c.relname from pg_class c
  join pg_index i on i.indexrelid = c.oid
  where c.relnamespace = to_regnamespace($1) and i.indisvalid
  union all
  select 'function', p.proname from pg_proc p where p.pronamespace = to_regnamespace($1)`;

/** What a person should know about this database; cheap, unlike `verify`. */
export async function examine(tx: Transaction, facts: Facts, machineNow: number): Promise<Finding[]> {
  const { db } = tx;
  return [
    durability(facts),
    release(facts),
    await schema(db),
    clocks(facts, machineNow),
    await transactions(db),
    await slots(db),
    await deadRows(db),
    await limits(db),
    ...(await settings(db)),
  ];
}

function ok(check: string, message: string): Finding {
  return { severity: 'ok', check, message, advice: '' };
}

function durability(facts: Facts): Finding {
  const { level, detail } = durabilityOf(facts);
  const message = `an acknowledged write survives: ${level} (${detail})`;
  if (level === 'disk' || level === 'replicated') return ok('durability', message);
  const advice =
    'For jobs that must survive a power cut set fsync, full_page_writes and synchronous_commit to on.';
  return { severity: 'warning', check: 'durability', message, advice };
}

function release(facts: Facts): Finding {
  if (!facts.isStandby) return ok('server', `PostgreSQL ${releaseOf(facts)}, role ${facts.role}`);
  const message = 'the server is a standby and takes no writes';
  return { severity: 'error', check: 'server', message, advice: 'Connect to the primary.' };
}

async function schema(db: Database): Promise<Finding> {
  const found = await schemaVersion(db);
  if (found === 0) {
    return {
      severity: 'error',
      check: 'schema',
      message: `there is no Millrace schema "${db.schema}" in this database`,
      advice: 'Run `millrace migrate up` with a role that may make tables, or name the right `schema`.',
    };
  }
  const missing = await missingParts(db);
  const message = `schema "${db.schema}" is at ${found}; this release of millrace has ${SCHEMA_VERSION}`;
  if (missing.length > 0) {
    return {
      severity: 'error',
      check: 'schema',
      message: `${message}, and lacks ${missing.join(', ')}`,
      advice:
        'Somebody has changed it by hand. Put back what is missing; `millrace migrate sql` prints all of it.',
    };
  }
  if (found === SCHEMA_VERSION) return ok('schema', message);
  const advice =
    'The tables were changed by a newer release. Update the package in every process that uses them.';
  return { severity: 'warning', check: 'schema', message, advice };
}

async function missingParts(db: Database): Promise<string[]> {
  const there = await db.all<{ kind: string; name: string }>(PARTS, `"${db.schema}"`);
  const names = new Set(there.map(({ kind, name }) => `${kind} ${name}`));
  return expectedParts().filter((part) => !names.has(part));
}

/** `why`: of `whyNoThread`. */
export function blockedLoops(why: string | null): Finding {
  if (why === null)
    return ok('blocked-loops', 'a thread keeps the leases of a worker whose event loop is blocked');
  return {
    severity: 'warning',
    check: 'blocked-loops',
    message: `a worker whose event loop is blocked for longer than its lease loses its jobs: ${why}`,
    advice:
      'Say where the server is in data (host, user, ssl …), or run heavy work by file, apart from the event loop.',
  };
}

function clocks({ nowMs }: Facts, machineNow: number): Finding {
  const skewMs = Math.round(machineNow - nowMs);
  const message = `the clock of this machine is ${Math.abs(skewMs)} ms ${skewMs < 0 ? 'behind' : 'ahead of'} the server's`;
  if (Math.abs(skewMs) < SKEW_MS) return ok('clock', message);
  const advice =
    'Only the clock of the server counts for jobs; logs of this machine will not fit. Run a time service.';
  return { severity: 'warning', check: 'clock', message, advice };
}

interface Longest {
  readonly pid: number;
  readonly role: string;
  readonly program: string;
  readonly state: string;
  readonly for_ms: number;
}

async function transactions(db: Database): Promise<Finding> {
  const longest = await db.get<Longest>(LONGEST);
  if (longest === undefined || longest.for_ms < LONG_TRANSACTION_MS) {
    return ok('transactions', 'no transaction is open for long');
  }
  const { pid, role, program, state, for_ms: forMs } = longest;
  const message =
    `process ${pid} (role "${role}", program "${program}", ${state}) has had a transaction open for ` +
    `${Math.round(forMs / 1000)} s; no dead row of any table can be cleaned up until it ends`;
  const advice = `End it, or run \`select pg_terminate_backend(${pid})\`; set idle_in_transaction_session_timeout.`;
  return { severity: 'warning', check: 'transactions', message, advice };
}

async function slots(db: Database): Promise<Finding> {
  const slot = await db.get<{ name: string }>(SLOTS);
  if (slot === undefined) return ok('replication', 'no replication slot is left behind');
  const message = `nobody reads the replication slot "${slot.name}", and the server keeps everything for it`;
  const advice = `Start its reader, or run \`select pg_drop_replication_slot('${slot.name}')\`.`;
  return { severity: 'warning', check: 'replication', message, advice };
}

async function deadRows(db: Database): Promise<Finding> {
  const tables = await db.all<{ name: string; live: number; dead: number; since_ms: number | null }>(
    DEAD,
    db.schema,
    MUCH_DEAD,
  );
  if (tables.length === 0) return ok('dead-rows', 'dead rows are cleaned up in time');
  const named = tables
    .map(({ name, dead, live }) => `"${name}" has ${dead} dead rows beside ${live}`)
    .join('; ');
  const advice =
    'Look for long transactions; let autovacuum work faster (autovacuum_vacuum_cost_limit), or run VACUUM.';
  return { severity: 'warning', check: 'dead-rows', message: named, advice };
}

async function limits(db: Database): Promise<Finding> {
  const all = await db.all<{ name: string; ms: number }>(LIMITS);
  const short = all.filter(({ ms }) => ms < SHORT_LIMIT_MS);
  if (short.length === 0) return ok('role', 'no setting of the role ends calls early');
  const named = short.map(({ name, ms }) => `${name} is ${ms} ms`).join(', ');
  return {
    severity: 'warning',
    check: 'role',
    message: `calls of this role are ended early: ${named}`,
    advice: `Run \`alter role … set ${short[0]?.name} = 0\` for the role that Millrace connects as.`,
  };
}

async function settings(db: Database): Promise<Finding[]> {
  const row = await db.get<{ autovacuum: boolean; most: number; connected: number }>(SETTINGS);
  if (row === undefined) return [];
  const { autovacuum, most, connected } = row;
  const connections = `${connected} of ${most} connections are in use`;
  return [
    autovacuum
      ? ok('autovacuum', 'autovacuum is on')
      : {
          severity: 'error',
          check: 'autovacuum',
          message: 'autovacuum is off: tables that jobs pass through grow without end',
          advice: 'Set autovacuum to on in the configuration of the server.',
        },
    connected < most * 0.9
      ? ok('connections', connections)
      : {
          severity: 'warning',
          check: 'connections',
          message: connections,
          advice: 'Use smaller pools, or a pooler such as pgbouncer, or raise max_connections.',
        },
  ];
}
