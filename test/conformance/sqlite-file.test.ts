import { sqliteStore } from 'millrace/sqlite';
import { describeStore } from 'millrace/testing';
import { afterAll, describe, it } from 'vitest';
import { makeScratch } from '../support/scratch.ts';

const scratch = makeScratch();
afterAll(() => scratch.remove());

describeStore(
  {
    name: 'SQLite on file',
    open: async (clock) => sqliteStore({ path: scratch.nextPath(), clock }),
    // Not on the thread: stores of one file and kind share a connection, and another process would not.
    reopen: async (clock) => sqliteStore({ path: scratch.lastPath(), clock, engine: 'inline' }),
  },
  { describe, it },
);
