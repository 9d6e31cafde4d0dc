import type { Finding } from '../store.ts';
import { readSpell } from './commit-times.ts';
import { isOlder, SAFE_VERSION } from './driver.ts';
import { SCHEMA_VERSION, schemaVersion } from './migrations.ts';
import { durabilityOf, type Facts } from './open.ts';
import { isOpenToOthers, MEMORY } from './place.ts';
import { spaceOf } from './room.ts';
import { commits, diskSpace, ok, type Patient, tryToWrite, writeAheadLog } from './vital-signs.ts';

/** Free pages that make up more than this part of a file of some size are worth giving back. */
const MUCH_FREE = 0.5;
const LARGE_FILE_PAGES = 25_000;

/** What a person should know about this database; cheap, unlike `verify`. @param say Puts an error into our words. */
export function examine(patient: Patient, say: (error: unknown) => Error): Finding[] {
  const { facts } = patient;
  if (facts.path === MEMORY) return [durability(facts)];
  return [
    durability(facts),
    library(facts),
    schema(patient),
    place(facts),
    rights(facts),
    freePages(patient),
    diskSpace(spaceOf(facts.path)),
    writeAheadLog(patient),
    commits(readSpell(patient.db)),
    // The last one: the connection may not survive it.
    tryToWrite(patient, say),
  ];
}

function durability(facts: Facts): Finding {
  const { level, detail } = durabilityOf(facts);
  const message = `an acknowledged write survives: ${level} (${detail})`;
  if (level === 'disk') return ok('durability', message);
  const advice = 'For jobs that must survive a power cut give the store a file on a local disk.';
  return { severity: 'warning', check: 'durability', message, advice };
}

function library({ driver, version }: Facts): Finding {
  const message = `${driver} with SQLite ${version}`;
  if (!isOlder(version, SAFE_VERSION)) return ok('sqlite', message);
  const advice = `Install SQLite ${SAFE_VERSION} or later: \`npm i @photostructure/sqlite@1\`, or update Node.`;
  return { severity: 'error', check: 'sqlite', message, advice };
}

function schema({ db }: Patient): Finding {
  const found = schemaVersion(db);
  const message = `schema ${found}; this release of millrace has ${SCHEMA_VERSION}`;
  if (found === SCHEMA_VERSION) return ok('schema', message);
  const advice =
    'The database was changed by a newer release. Update the package in every process that uses it.';
  return { severity: 'warning', check: 'schema', message, advice };
}

function place({ fileSystem }: Facts): Finding {
  if (fileSystem === 'foreign') {
    const message = 'the file system is a bridge to another one (FUSE, 9P or a shared folder)';
    const advice = 'Make sure that no other machine opens the file, or put it on a local disk.';
    return { severity: 'warning', check: 'file-system', message, advice };
  }
  return ok('file-system', fileSystem === 'memory' ? 'in the memory of the machine' : 'a local disk');
}

function rights({ path }: Facts): Finding {
  if (!isOpenToOthers(path)) return ok('permissions', 'only the owner may read the database');
  const message = `users other than the owner may read or write "${path}", and with it all payloads`;
  return { severity: 'warning', check: 'permissions', message, advice: `Run \`chmod 600 ${path}*\`.` };
}

function freePages({ db }: Patient): Finding {
  const pages = db.pragma<{ page_count: number }>('pragma page_count')?.page_count ?? 0;
  const free = db.pragma<{ freelist_count: number }>('pragma freelist_count')?.freelist_count ?? 0;
  const message = `${free} of ${pages} pages are free`;
  if (pages < LARGE_FILE_PAGES || free / pages < MUCH_FREE) return ok('free-pages', message);
  const advice =
    'They are used again in time. To give them back now, stop the workers and run `vacuum` on the file.';
  return { severity: 'warning', check: 'free-pages', message, advice };
}
