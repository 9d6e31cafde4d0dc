import { EnvironmentError } from '../../errors.ts';
import type { PgPool, PostgresOptions, PostgresPlace } from '../postgres-options.ts';
import type { Durability } from '../store.ts';
import type { Database } from './database.ts';
import { loadDriver } from './driver.ts';

/** What the server says of itself; settings are read back, not assumed. */
export interface Facts {
  /** As `150004` for 15.4. */
  readonly version: number;
  readonly fsync: boolean;
  readonly fullPageWrites: boolean;
  readonly synchronousCommit: string;
  /** Empty: no standby is waited for. */
  readonly standbys: string;
  readonly isStandby: boolean;
  readonly role: string;
  /** Epoch milliseconds by the clock of the server. */
  readonly nowMs: number;
}

const OLDEST = 13;

const FACTS = `
  select pg_catalog.current_setting('server_version_num') as version, pg_catalog.current_setting('fsync') as fsync,
    pg_catalog.current_setting('full_page_writes') as full_page_writes,
    pg_catalog.current_setting('synchronous_commit') as synchronous_commit,
    pg_catalog.current_setting('synchronous_standby_names') as standbys,
    pg_catalog.pg_is_in_recovery() as is_standby, current_user as role,
    pg_catalog.floor(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) * 1000)::pg_catalog.int8 as now_ms`;

type FactsTuple = readonly [string, string, string, string, string, boolean, string, number];

export async function readFacts(db: Database): Promise<Facts> {
  const [tuple] = await db.tuples<FactsTuple>(FACTS);
  if (tuple === undefined) throw new Error('the server did not answer what it is');
  const [version, fsync, fullPageWrites, synchronousCommit, standbys, isStandby, role, nowMs] = tuple;
  return {
    version: Number(version),
    fsync: fsync === 'on',
    fullPageWrites: fullPageWrites === 'on',
    ...{ synchronousCommit, standbys, isStandby, role, nowMs },
  };
}

/** @throws EnvironmentError when the server is too old, or keeps less safe than was demanded. */
export function checkFacts(facts: Facts, { url, durability }: PostgresPlace): void {
  if (facts.version < OLDEST * 10_000) {
    const message = `the server at ${url} is PostgreSQL ${releaseOf(facts)}; ${OLDEST} or later is needed.`;
    throw new EnvironmentError(`${message} Update the server.`);
  }
  if (durability !== null && durability !== undefined) demand(facts, durability, url);
}

function demand(facts: Facts, wanted: NonNullable<PostgresOptions['durability']>, url: string): void {
  const { level, detail } = durabilityOf(facts);
  const order = ['memory', 'os', 'disk', 'replicated'];
  if (order.indexOf(level) >= order.indexOf(wanted)) return;
  throw new EnvironmentError(
    `durability "${wanted}" is demanded, and the server at ${url} gives "${level}": ${detail}. ` +
      `${lacking(facts, wanted)} Or demand less.`,
  );
}

function lacking(facts: Facts, wanted: string): string {
  const wrong = weaknesses(facts);
  if (wrong.length > 0) return `Change ${wrong.join(' and ')}.`;
  return wanted === 'replicated' ? 'Name a standby in `synchronous_standby_names`.' : '';
}

/** Settings that let the machine lose what was acknowledged, each with what it should be. */
function weaknesses({ fsync, fullPageWrites, synchronousCommit }: Facts): string[] {
  return [
    ...(fsync ? [] : ['`fsync` to on']),
    ...(fullPageWrites ? [] : ['`full_page_writes` to on']),
    ...(synchronousCommit === 'off' ? ['`synchronous_commit` to on'] : []),
  ];
}

export function durabilityOf(facts: Facts): Durability {
  const { fsync, fullPageWrites, synchronousCommit, standbys } = facts;
  const word = (on: boolean): string => (on ? 'on' : 'off');
  const detail =
    `PostgreSQL ${releaseOf(facts)}, fsync ${word(fsync)}, full_page_writes ${word(fullPageWrites)}, ` +
    `synchronous_commit ${synchronousCommit}, synchronous_standby_names "${standbys}"`;
  if (weaknesses(facts).length > 0) return { level: 'os', detail };
  const isReplicated = standbys !== '' && synchronousCommit !== 'local';
  return { level: isReplicated ? 'replicated' : 'disk', detail };
}

export function releaseOf({ version }: Facts): string {
  return `${Math.floor(version / 10_000)}.${version % 10_000}`;
}

/** Connecting to a server that does not answer at all must come to an end. */
const CONNECT_MS = 10_000;

/** What all connections of the store have in common. */
export function clientOptions({ client }: PostgresPlace, url: string | null = null): object {
  const where = url === null ? client : { connectionString: url };
  return { application_name: 'millrace', ...where, keepAlive: true, keepAliveInitialDelayMillis: 10_000 };
}

/** A pool of its own; the process may end while its connections are idle. */
export async function openPool(place: PostgresPlace): Promise<PgPool> {
  const { Pool } = await loadDriver();
  return new Pool({
    ...clientOptions(place),
    max: place.poolSize,
    connectionTimeoutMillis: CONNECT_MS,
    allowExitOnIdle: true,
  });
}
