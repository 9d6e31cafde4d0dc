import { systemClock } from '../../runtime/clock.ts';
import type { Migrations } from '../migrations.ts';
import { type PostgresOptions, postgresPlace } from '../postgres-options.ts';
import { Engine } from './engine.ts';
import { grantsFor, quoted } from './map-error.ts';
import { migrationSql, SCHEMA_VERSION, schemaVersion } from './migrations.ts';

/** Connects with the first call that needs the server. */
export function postgresMigrations(options: PostgresOptions): Migrations {
  const place = postgresPlace({ ...options, migrate: false });
  const engine = new Engine({ place, clock: systemClock, onNews: () => undefined });
  const state: Migrations['state'] = async () => {
    const found = await engine.read(({ db }) => schemaVersion(db));
    return { found, release: SCHEMA_VERSION };
  };
  return {
    state,
    up: async () => {
      const before = await state();
      await engine.migrate();
      return before;
    },
    sql: ({ from = 0, role } = {}) => {
      const grants = role === undefined ? [] : grantsFor(place.schema);
      const granted = grants.map((line) => line.replace('ROLE', quoted(role ?? '')));
      return [migrationSql(place.schema, from), ...granted, ''].join('\n');
    },
    close: () => engine.close(),
  };
}
