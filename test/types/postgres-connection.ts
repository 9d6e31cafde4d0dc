/** What may be passed as a connection and as a transaction, as TypeScript sees it. Compiled, never run. */

import { drizzle } from 'drizzle-orm/node-postgres';
import { Kysely, PostgresDialect } from 'kysely';
import { Queue } from 'millrace';
import { postgresStore } from 'millrace/postgres';
import pg from 'pg';

const pool = new pg.Pool();
export const queues: readonly Queue[] = [
  new Queue('q', { connection: pool }),
  new Queue('q', { connection: { pool, schema: 'jobs' } }),
  new Queue('q', { connection: { host: 'db', password: async () => 'x', ssl: true, durability: 'disk' } }),
  new Queue('q', { connection: 'postgres://db/shop' }),
  new Queue('q', { connection: postgresStore({ pool }) }),
  // @ts-expect-error misspelt
  new Queue('q', { connection: { host: 'db', shema: 'jobs' } }),
  // @ts-expect-error no level of durability
  new Queue('q', { connection: { host: 'db', durability: 'memory' } }),
];

export async function add(queue: Queue): Promise<void> {
  const client = await pool.connect();
  await queue.add('n', 1, { tx: client });
  await queue.addBulk([{ name: 'n', data: 1 }], { tx: client });
  await queue.cancel('id', 'why', { tx: client });
  await drizzle(pool).transaction(async (tx) => void (await queue.add('n', 1, { tx })));
  const db = new Kysely<object>({ dialect: new PostgresDialect({ pool }) });
  await db.transaction().execute(async (tx) => void (await queue.add('n', 1, { tx })));
}
