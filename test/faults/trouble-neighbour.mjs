/**
 * Another program on the same file, which takes its time: node trouble-neighbour.mjs PATH STATEMENT.
 * Begins with the statement, says so, and ends its transaction when its input ends.
 */

import { createRequire } from 'node:module';

const [path, statement] = process.argv.slice(2);
const require = createRequire(import.meta.url);
const open = () => {
  try {
    return new (require('node:sqlite').DatabaseSync)(path);
  } catch {
    return new (require('@photostructure/sqlite').DatabaseSync)(path);
  }
};

const db = open();
db.exec('pragma busy_timeout = 10000');
db.exec(statement);
db.prepare('select count(*) from millrace_job').get();
console.log('begun');
process.stdin.resume().on('end', () => {
  db.exec('rollback');
  db.close();
});
