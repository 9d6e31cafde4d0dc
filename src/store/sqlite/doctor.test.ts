import { describe, expect, it } from 'vitest';
import { asError } from '../../runtime/emitter.ts';
import type { Finding } from '../store.ts';
import { Database } from './database.ts';
import { examine } from './doctor.ts';
import { loadDriver } from './driver.ts';
import { migrate, SCHEMA_VERSION } from './migrations.ts';
import type { Facts } from './open.ts';

const HEALTHY: Facts = {
  path: '/nowhere/x.db',
  driver: 'node:sqlite',
  version: '3.51.3',
  journalMode: 'wal',
  synchronous: 2,
  fileSystem: 'local',
};

function findings(
  facts: Partial<Facts>,
  log: { logBytes: number; isHeld: boolean } = { logBytes: 0, isHeld: false },
  schema = SCHEMA_VERSION,
): Finding[] {
  const db = new Database(loadDriver('memory').open(':memory:'));
  migrate(db);
  db.run("update millrace_meta set value = ? where key = 'schema_version'", schema);
  const found = examine(
    { db, facts: { ...HEALTHY, ...facts }, checkpointer: { ...log, shrink: () => log.isHeld } },
    asError,
  );
  db.close();
  return found.filter(({ severity }) => severity !== 'ok');
}

describe('the doctor', () => {
  it('finds nothing wrong with a healthy database', () => {
    expect(findings({})).toEqual([]);
  });

  it.each<[string, Facts['fileSystem'], Finding['severity']]>([
    ['durability', 'memory', 'warning'],
    ['file-system', 'foreign', 'warning'],
  ])('warns of %s on a file system that is %s', (check, fileSystem, severity) => {
    expect(findings({ fileSystem })).toMatchObject([
      { check, severity, advice: expect.stringMatching(/local disk/) },
    ]);
  });

  it('warns of an old SQLite', () => {
    expect(findings({ version: '3.46.0' })).toMatchObject([{ check: 'sqlite', severity: 'error' }]);
  });

  it('says when a newer release has changed the schema', () => {
    const newer = findings({}, undefined, SCHEMA_VERSION + 1);

    expect(newer).toMatchObject([{ check: 'schema', advice: expect.stringMatching(/Update the package/) }]);
  });

  it('speaks up about a log only when it is large and somebody keeps it from shrinking', () => {
    const logBytes = 100 * 1024 * 1024;

    expect(findings({}, { logBytes, isHeld: false })).toEqual([]);
    expect(findings({}, { logBytes: 1024, isHeld: true })).toEqual([]);
    expect(findings({}, { logBytes, isHeld: true })).toMatchObject([
      { check: 'write-ahead-log', message: expect.stringContaining('100 MiB'), advice: expect.any(String) },
    ]);
  });

  it('says of a database in memory that it ends with the process', () => {
    expect(findings({ path: ':memory:' })).toMatchObject([{ check: 'durability', severity: 'warning' }]);
  });
});
