/**
 * The conformance suite with nothing but Node: `node test/conformance/on-node.mjs`. For checking the SQLite driver
 * of other releases of Node than the one that runs the other tests. Exits with 1 when a case fails.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { sqliteStore } from 'millrace/sqlite';
import { describeStore } from 'millrace/testing';

const directory = mkdtempSync(join(tmpdir(), 'millrace-'));
after(() => rmSync(directory, { recursive: true, force: true }));

let files = 0;
const path = () => join(directory, `${files}.db`);
const open = async (clock) => {
  files += 1;
  return sqliteStore({ path: path(), clock });
};
// Not on the thread: stores of one file and kind share a connection, and another process would not.
const reopen = async (clock) => sqliteStore({ path: path(), clock, engine: 'inline' });

const node = `Node ${process.versions.node}`;
describeStore(
  { name: `SQLite in memory, ${node}`, open: async (clock) => sqliteStore({ path: ':memory:', clock }) },
  { describe, it },
);
describeStore({ name: `SQLite on file, ${node}`, open, reopen }, { describe, it });
