import { beforeEach, describe, expect, it } from 'vitest';
import { SchemaVersionError } from '../../errors.ts';
import { Database } from './database.ts';
import { loadDriver } from './driver.ts';
import { APPLICATION_ID, MIGRATIONS, migrate, SCHEMA_VERSION, schemaVersion } from './migrations.ts';

describe('the schema', () => {
  let db: Database;
  beforeEach(() => {
    db = new Database(loadDriver('memory').open(':memory:'));
  });

  const applicationId = (): number | undefined =>
    db.pragma<{ application_id: number }>('pragma application_id')?.application_id;

  it('is what this release says it is', () => {
    expect(schemaVersion(db)).toBe(0);

    migrate(db);

    expect(schemaVersion(db)).toBe(SCHEMA_VERSION);
    expect(applicationId()).toBe(APPLICATION_ID);
    expect(MIGRATIONS.map(({ version }) => version)).toEqual(MIGRATIONS.map((_, index) => index + 1));
    expect(MIGRATIONS.at(-1)?.version).toBe(SCHEMA_VERSION);
  });

  it('is made once', () => {
    migrate(db);
    db.run("insert into millrace_counter (name, value) values ('seq', 7)");

    migrate(db);

    expect(db.get('select value from millrace_counter')).toMatchObject({ value: 7 });
  });

  it('leaves the tables and the mark of an application alone', () => {
    db.exec("create table job (id integer primary key, title text); insert into job (title) values ('mine')");
    db.exec('pragma application_id = 42');

    migrate(db);

    expect(db.get('select title from job')).toMatchObject({ title: 'mine' });
    expect(applicationId()).toBe(42);
  });

  it('of a later release is used when that release allows it', () => {
    migrate(db);
    db.run("update millrace_meta set value = ? where key = 'schema_version'", SCHEMA_VERSION + 1);

    migrate(db);

    expect(schemaVersion(db)).toBe(SCHEMA_VERSION + 1);
  });

  it('of a later release is refused when that release does not allow it', () => {
    migrate(db);
    db.run('update millrace_meta set value = ?', SCHEMA_VERSION + 1);

    expect(() => migrate(db)).toThrow(SchemaVersionError);
    expect(() => migrate(db)).toThrow(/Update the package/);
  });

  it('is all there or not there at all', () => {
    db.exec('create table millrace_leader (mine integer)');

    expect(() => migrate(db)).toThrow(/millrace_leader/);
    expect(schemaVersion(db)).toBe(0);
    expect(db.get("select 1 from sqlite_schema where name = 'millrace_job'")).toBeUndefined();
  });
});
