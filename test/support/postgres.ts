/** The PostgreSQL that `npm test` provides, or `node scripts/postgres.mjs npx vitest …`, or `DATABASE_URL` names. */

import { postgresStore } from 'millrace/postgres';
import { type Pool, default as pg } from 'pg';

const url = process.env['DATABASE_URL'] || null;

/** Said once, loudly: what does not run proves nothing. Where CI runs, the tests run all the same, and fail. */
export const noPostgres: boolean = url === null && process.env['CI'] !== 'true';
if (noPostgres) {
  process.stderr.write(
    '\nThere is no DATABASE_URL: the tests on PostgreSQL are SKIPPED (node scripts/postgres.mjs npx vitest …)\n',
  );
}

export function postgresUrl(): string {
  if (url === null) throw new Error('there is no PostgreSQL: DATABASE_URL is not set');
  return url;
}

let schemas = 0;

/** A schema that no other test uses. */
export function nextSchema(): string {
  schemas += 1;
  return `millrace_test_${process.pid}_${schemas}`;
}

export function testPool(max: number = 10): Pool {
  return new pg.Pool({ connectionString: postgresUrl(), max });
}

export async function dropSchemas(pool: Pool, names: Iterable<string>): Promise<void> {
  for (const name of names) await pool.query(`drop schema if exists "${name}" cascade`);
}

/**
 * Empties a schema instead of making a new one: a thousand cases would spend their time on making tables. Deleting
 * from tables of a few rows is cheaper than truncating them.
 */
export class Wiper {
  readonly #pool: Pool;
  readonly #schema: string;
  #script: string | null = null;

  constructor(pool: Pool, schema: string) {
    this.#pool = pool;
    this.#schema = schema;
  }

  async wipe(): Promise<void> {
    this.#script ??= await this.#makeScript();
    await this.#pool.query(this.#script);
  }

  async #makeScript(): Promise<string> {
    const store = postgresStore({ pool: this.#pool, schema: this.#schema });
    await store.durability();
    await store.close();
    const { rows } = await this.#pool.query<{ kind: string; name: string }>(
      `select relkind as kind, format('%I.%I', nspname, relname) as name from pg_class c
       join pg_namespace n on n.oid = c.relnamespace where nspname = $1 and relkind in ('r', 'S')`,
      [this.#schema],
    );
    const kept = /\.(meta|migration|feed)$/;
    return rows
      .filter(({ name }) => !kept.test(name))
      .map(({ kind, name }) =>
        kind === 'S' ? `select setval('${name}', 1, false);` : `delete from ${name};`,
      )
      .concat(
        `update "${this.#schema}".feed set last_cursor = 0;`,
        // Tokens begin at 1, as they do in the store that is compared with.
        `insert into "${this.#schema}".since_crash (one) values (1);`,
      )
      .join('\n');
  }
}

/** The URL of the server with one schema of it named. */
export function urlOf(schema: string, more: string = ''): string {
  const url = postgresUrl();
  return `${url}${url.includes('?') ? '&' : '?'}schema=${schema}${more}`;
}
