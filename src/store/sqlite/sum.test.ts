import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DAMAGED_TYPE } from '../../job/payload.ts';
import { add, QUEUE, utf8 } from '../../testing/conformance/support.ts';
import type { Store } from '../store.ts';
import { type DriverConnection, loadDriver } from './driver.ts';
import { sqliteStore } from './index.ts';

let directory: string;
let store: Store;
let outside: DriverConnection;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-'));
  const path = join(directory, 'x.db');
  store = sqliteStore({ path });
  await add(store, { id: 'a', body: utf8('{"cents":100}') }, { id: 'b', body: utf8('{"cents":200}') });
  outside = loadDriver('file').open(path);
});
afterEach(async () => {
  outside.close();
  await store.close();
  rmSync(directory, { recursive: true });
});

const BODY_OF_A = "where seq = (select seq from millrace_job where id = 'a')";
const typeOf = async (id: string): Promise<string | undefined> =>
  (await store.job({ queue: QUEUE, id }))?.contentType;

it('a payload whose bytes changed is not taken for what was stored, though it is still JSON', async () => {
  outside.exec(`update millrace_body set body = cast('{"cents":900}' as blob) ${BODY_OF_A}`);

  expect(await typeOf('a')).toBe(DAMAGED_TYPE);
  expect(await typeOf('b')).toBe('application/json');
  expect(await store.verify()).toMatchObject([
    { check: 'payloads', severity: 'error', message: expect.stringMatching(/^1 payloads .*job a/) },
  ]);
});

it.each(['headers', 'policy'])(
  'a job whose %s cannot be read does not hold up the others',
  async (column) => {
    outside.exec(`update millrace_body set ${column} = '{"x' ${BODY_OF_A}`);

    const request = { claimId: 'c', queue: QUEUE, limit: 2, worker: 'w', leaseMs: 1_000 };
    const [answer] = await store.claim([request]);

    expect(answer?.jobs.map(({ job }) => [job.id, job.contentType])).toEqual([
      ['a', DAMAGED_TYPE],
      ['b', 'application/json'],
    ]);
  },
);

it('a new payload makes a damaged job whole', async () => {
  outside.exec(`update millrace_body set body = cast('{"cents":900}' as blob) ${BODY_OF_A}`);
  const job = { queue: QUEUE, id: 'a' };
  await store.apply([{ op: 'data', job, body: utf8('{}'), contentType: 'application/json' }]);

  expect(await typeOf('a')).toBe('application/json');
  expect(await store.verify()).toEqual([]);
});

it('a payload from before there were checksums is read as it is', async () => {
  outside.exec(`update millrace_body set sum = null ${BODY_OF_A}`);

  expect(await typeOf('a')).toBe('application/json');
});
