import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { capture } from '../captured.ts';

let folder: string;
let store: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-'));
  store = `sqlite:${join(folder, 'jobs.db')}`;
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('tables are made, and it is said what they are at before and after', async () => {
  const before = await capture(['migrate', 'status', '--store', store]);
  const up = await capture(['migrate', 'up', '--connection', store, '--json']);
  const after = await capture(['migrate', 'status', '--store', store]);
  const again = await capture(['migrate', 'up', '--store', store]);

  expect(before).toMatchObject({ code: 3, out: expect.stringContaining('not there yet') });
  expect(JSON.parse(up.out)).toMatchObject({ from: 0, to: expect.any(Number) });
  expect(after).toMatchObject({ code: 0, out: expect.stringContaining('as this release has them') });
  expect(again.out).toContain('already');
});

test('the statements are printed and not run', async () => {
  const { out } = await capture(['migrate', 'sql', '--store', store]);

  expect(out).toContain('create table millrace_job');
  expect((await capture(['migrate', 'status', '--store', store])).code).toBe(3);
  expect((await capture(['migrate', 'sql', '--from', '99', '--store', store])).out).toBe('');
  expect((await capture(['migrate', 'sql', '--from', 'x', '--store', store])).code).toBe(2);
});

test('those of PostgreSQL come with the rights that a role without the right to make tables needs', async () => {
  const url = 'postgres://nobody.invalid/x?schema=jobs';
  const { code, out } = await capture(['migrate', 'sql', '--role', 'my app', '--connection', url]);

  expect(code).toBe(0);
  expect(out).toContain('create table "jobs".job (');
  expect(out).toContain('grant usage on schema "jobs" to "my app";');
  expect(out).not.toContain('{s}');
});

test('a store without tables has nothing to migrate', async () => {
  expect(await capture(['migrate', 'up', '--store', 'memory:'])).toMatchObject({
    code: 1,
    err: expect.stringContaining('nothing to migrate'),
  });
});
