/**
 * The schema as numbered steps. The list is append-only: a step that was released is never edited, because
 * databases out there have run it. A function that changes gets a new name (`claim_v2`), so that the processes of two
 * releases can work side by side while a deployment runs.
 */

import { SchemaVersionError } from '../../errors.ts';
import type { Database } from './database.ts';
import { FUNCTIONS } from './sql/functions.ts';
import { TABLES } from './tables.ts';
import { VIEWS } from './views.ts';

interface Migration {
  readonly version: number;
  /** The oldest client that still understands the schema after this step. */
  readonly minClient: number;
  /** `{s}` stands for the schema. */
  readonly sql: string;
}

export const MIGRATIONS: readonly Migration[] = [
  { version: 1, minClient: 1, sql: [TABLES, VIEWS, ...FUNCTIONS].join('\n') },
];

/** What this release writes and reads. */
export const SCHEMA_VERSION = 1;

/** Half of the key of the lock; the other half is made of the name of the schema. */
const LOCK = 0x4d69;
const LOCKED = `select pg_advisory_xact_lock(${LOCK}, hashtext($1))`;
/** Said each time: a role or a database may be set to something else. */
const BEGIN = `begin isolation level read committed, read write; set local search_path = pg_catalog, pg_temp;
  set local idle_in_transaction_session_timeout = '10s'`;
const META = `
  create schema if not exists {s};
  create table if not exists {s}.meta (key text primary key, value bigint not null);
  create table if not exists {s}.migration (
    version integer primary key,
    min_client integer not null,
    applied_at timestamptz not null default now()
  );`;
const HAS_META = 'select pg_catalog.to_regclass($1)::pg_catalog.oid as known';
const READ_META = 'select key, value from {s}.meta';
const RECORD = 'insert into {s}.migration (version, min_client) values ($1, $2)';
const WRITE_META = `
  insert into {s}.meta (key, value) values ('schema_version', $1), ('min_client', $2)
  on conflict (key) do update set value = excluded.value`;

/**
 * Brings the schema up to this release. Runs under a lock of the server, and looks at the version only then, so that
 * processes that start together migrate one after the other and the later ones find nothing to do.
 */
export async function migrate(db: Database): Promise<void> {
  if (await isCurrent(db)) return;
  await db.exec(BEGIN);
  try {
    await db.run(LOCKED, db.schema);
    await migrateInside(db);
    await db.exec('commit');
  } catch (error) {
    await db.exec('rollback').catch(() => undefined);
    throw error;
  }
}

async function migrateInside(db: Database): Promise<void> {
  if (await isCurrent(db)) return;
  await db.exec(META);
  const found = await schemaVersion(db);
  for (const step of MIGRATIONS.filter(({ version }) => version > found)) {
    await db.exec(step.sql);
    await db.run(RECORD, step.version, step.minClient);
    await db.run(WRITE_META, step.version, step.minClient);
  }
}

/** 0 for a database without our schema. */
export async function schemaVersion(db: Database): Promise<number> {
  return (await readMeta(db)).get('schema_version') ?? 0;
}

/** Throws when the schema and this release do not fit together. */
export async function isCurrent(db: Database): Promise<boolean> {
  const meta = await readMeta(db);
  const found = meta.get('schema_version') ?? 0;
  const needed = meta.get('min_client') ?? 0;
  if (needed > SCHEMA_VERSION) {
    throw new SchemaVersionError(
      `the database has schema ${found}, which needs a client of schema ${needed} or later; this release of ` +
        `millrace has ${SCHEMA_VERSION}. Update the package in every process that uses the database.`,
    );
  }
  return found >= SCHEMA_VERSION;
}

async function readMeta(db: Database): Promise<ReadonlyMap<string, number>> {
  const found = await db.get<{ known: number | null }>(HAS_META, db.named('{s}.meta'));
  if ((found?.known ?? null) === null) return new Map();
  const rows = await db.all<{ key: string; value: number }>(READ_META);
  return new Map(rows.map(({ key, value }) => [key, value]));
}

/** The steps after `from` as one script, for people who run it themselves. */
export function migrationSql(schema: string, from: number = 0): string {
  const quoted = `"${schema}"`;
  const steps = MIGRATIONS.filter(({ version }) => version > from).flatMap(({ version, minClient, sql }) => [
    sql.trim(),
    `insert into {s}.migration (version, min_client) values (${version}, ${minClient});`,
    `insert into {s}.meta (key, value) values ('schema_version', ${version}), ('min_client', ${minClient})
  on conflict (key) do update set value = excluded.value;`,
  ]);
  return ['begin;', META.trim(), ...steps, 'commit;', '']
    .join('\n\n')
    .replaceAll('{s}', quoted)
    .replaceAll('{schema}', schema);
}
