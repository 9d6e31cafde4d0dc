import { existsSync } from 'node:fs';
import type { Migrations } from '../migrations.ts';
import { Database } from './database.ts';
import { loadDriver } from './driver.ts';
import { toStoreError } from './map-error.ts';
import { MIGRATIONS, SCHEMA_VERSION, schemaVersion } from './migrations.ts';
import { openDatabase } from './open.ts';
import { MEMORY } from './place.ts';

const PATIENCE_MS = 5_000;

/** A file that is not there is not made by a look at it. */
export function sqliteMigrations(path: string): Migrations {
  const inWords = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw toStoreError(error, path) ?? error;
    }
  };
  const found = (): number => {
    if (path === MEMORY || !existsSync(path)) return 0;
    const db = new Database(loadDriver('file').open(path));
    try {
      return schemaVersion(db);
    } finally {
      db.close();
    }
  };
  const state: Migrations['state'] = async () => inWords(() => ({ found: found(), release: SCHEMA_VERSION }));
  return {
    state,
    up: async () => {
      const before = await state();
      inWords(() => openDatabase(path, PATIENCE_MS).db.close());
      return before;
    },
    sql: ({ from = 0 } = {}) =>
      MIGRATIONS.filter(({ version }) => version > from)
        .map(({ version, sql }) => `-- ${version}\n${sql.trim()}\n`)
        .join('\n'),
    close: async () => undefined,
  };
}
