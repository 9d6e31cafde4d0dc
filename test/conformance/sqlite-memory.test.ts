import { sqliteStore } from 'millrace/sqlite';
import { describeStore } from 'millrace/testing';
import { describe, it } from 'vitest';

describeStore(
  { name: 'SQLite in memory', open: async (clock) => sqliteStore({ path: ':memory:', clock }) },
  { describe, it },
);
