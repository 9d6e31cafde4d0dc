import { postgresStore } from 'millrace/postgres';
import { describeStore } from 'millrace/testing';
import { afterAll, describe, it } from 'vitest';
import { dropSchemas, nextSchema, noPostgres, testPool, Wiper } from '../support/postgres.ts';

if (noPostgres) describe.skip('PostgreSQL', () => it('has no server here', () => {}));
else {
  const schema = nextSchema();
  const pool = testPool();
  const wiper = new Wiper(pool, schema);
  afterAll(async () => {
    await dropSchemas(pool, [schema]);
    await pool.end();
  });

  describeStore(
    {
      name: 'PostgreSQL',
      open: async (clock) => {
        await wiper.wipe();
        return postgresStore({ pool, schema, clock });
      },
      reopen: async (clock) => postgresStore({ pool, schema, clock }),
    },
    { describe, it },
  );
}
