/**
 * No queue at all: a table, an index, and the three statements that no queue on SQLite can do without, in batches of
 * 500 at full durability. What it does a second is the limit that Millrace can come close to and not pass: it checks
 * nothing, keeps nothing of what is finished, and does not leave its thread. The driver is the one that Millrace takes on this Node.
 */

import { join } from 'node:path';
import { loadDriver } from '../../dist/store/sqlite/driver.js';

const BATCH = 500;

const SCHEMA = `
  pragma journal_mode = wal;
  pragma synchronous = full;
  pragma cache_size = -32000;
  create table jobs (id integer primary key, state integer not null, token integer not null, name text, body blob);
  create index ready on jobs (state, id);
`;

function connect(path) {
  const db = loadDriver('file').open(path);
  db.exec(SCHEMA);
  return db;
}

function statementsOf(db) {
  const marks = Array.from({ length: BATCH }, () => '(0, 0, ?, ?)').join(', ');
  return {
    insert: db.prepare(`insert into jobs (state, token, name, body) values ${marks}`),
    claim: db.prepare(
      `update jobs set state = 1, token = token + 1
       where id in (select id from jobs where state = 0 order by id limit ${BATCH})
       returning id, token, name, body`,
    ),
    remove: db.prepare(`delete from jobs where id in (select value from json_each(?)) and state = 1`),
  };
}

export async function open({ folder, file = 'jobs.db' }) {
  const db = connect(join(folder, file));
  const { insert, claim, remove } = statementsOf(db);
  const raw = {
    /** Exactly 500 of them. */
    insert: (jobs) =>
      insert.run(...jobs.flatMap(({ name, data }) => [name, Buffer.from(JSON.stringify(data))])),
    claim: () => claim.all(),
    remove: (rows) => remove.run(JSON.stringify(rows.map(({ id }) => id))),
  };
  return {
    raw,
    addBulk: async (jobs) => raw.insert(jobs),
    work(_concurrency, _processor, onCompleted) {
      let isOpen = true;
      const turn = () => {
        if (!isOpen) return;
        const rows = raw.claim();
        if (rows.length === 0) return;
        raw.remove(rows);
        rows.forEach(onCompleted);
        setImmediate(turn);
      };
      setImmediate(turn);
      return {
        close: async () => {
          isOpen = false;
        },
      };
    },
    serverCpuSeconds: async () => 0,
    close: async () => db.close(),
  };
}
