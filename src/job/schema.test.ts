import { expect, test } from 'vitest';
import { z } from 'zod';
import { SchemaMismatchError } from '../errors.ts';
import { applySchema, isStandardSchema, type StandardSchema, schemaFor } from './schema.ts';

const welcome = z.object({ to: z.string().trim(), copies: z.number().default(1) });

test('what the schema makes of a value is what comes out', async () => {
  const value = await applySchema(welcome, { to: ' ada@example.org ' }, 'data', 'data');

  expect(value).toEqual({ to: 'ada@example.org', copies: 1 });
});

test('a value that does not match is refused with every issue and its path', async () => {
  const list = z.object({ mails: z.array(welcome) });
  const attempt = applySchema(list, { mails: [{ to: 1, copies: 'x' }] }, 'data of job "welcome"', 'data');

  await expect(attempt).rejects.toThrow(SchemaMismatchError);
  await expect(attempt).rejects.toMatchObject({
    problems: [{ path: 'data.mails[0].to' }, { path: 'data.mails[0].copies' }],
  });
  await expect(attempt).rejects.toThrow(/data of job "welcome"/);
});

test('schemas that answer later, and paths made of segments, are understood', async () => {
  const later: StandardSchema = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: async () => ({ issues: [{ message: 'no', path: [{ key: 'user' }, 0, 'id'] }] }),
    },
  };

  await expect(applySchema(later, {}, 'data', 'data')).rejects.toMatchObject({
    problems: [{ path: 'data.user[0].id', message: 'no' }],
  });
});

test('a schema is known by what it can do, not by where it comes from', () => {
  const callable = Object.assign(() => {}, { '~standard': { version: 1, vendor: 'x', validate: () => {} } });

  expect([welcome, callable, {}, null, 'x', { '~standard': null }].map(isStandardSchema)).toEqual([
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
});

test('a job name that every object has as a property has no schema', () => {
  expect(schemaFor({ welcome: { data: welcome } }, 'welcome', 'data')).toBe(welcome);
  expect(schemaFor({}, 'constructor', 'data')).toBeUndefined();
  expect(schemaFor(undefined, 'welcome', 'result')).toBeUndefined();
});
