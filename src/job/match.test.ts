import { describe, expect, test } from 'vitest';
import type { JobFilter } from './filter.ts';
import { matchesFilter } from './match.ts';
import type { JobRecord } from './record.ts';

const RECORD: JobRecord = {
  queue: 'mails',
  id: '7',
  name: 'welcome',
  state: 'failed',
  body: new TextEncoder().encode(
    '{"to":"ada","age":36,"ok":true,"no":null,"list":[{"sku":"x"}],"__proto__":{"a":1}}',
  ),
  contentType: 'application/json',
  headers: {},
  policy: {
    attempts: 3,
    backoff: null,
    retryForMs: null,
    timeoutMs: null,
    ttlMs: null,
    deadLetterQueue: null,
    keepCompletedMs: null,
    keepFailedMs: null,
  },
  priority: 2,
  rank: 1,
  addedAt: 1_000,
  dueAt: null,
  readyAt: 1_000,
  expiresAt: null,
  firstClaimedAt: 1_500,
  claimedAt: 1_500,
  finishedAt: 2_000,
  generation: 1,
  claims: 1,
  failures: 3,
  crashes: 0,
  token: 1,
  worker: 'w',
  progress: null,
  result: null,
  error: { name: 'TypeError', message: 'No such Mailbox', stack: null, code: null, fingerprint: 'f1' },
  cause: 'attempts-spent',
  cancelReason: null,
  origin: null,
};

const NOW_MS = 10_000;
const matches = (filter: JobFilter, over: Partial<JobRecord> = {}): boolean =>
  matchesFilter(filter, { ...RECORD, ...over }, NOW_MS);
const dataAt = (value: string, ...path: string[]): JobFilter => ({ data: [{ path, value }] });

describe('matchesFilter', () => {
  test('a filter without conditions means every job', () => {
    expect(matches({})).toBe(true);
  });

  test.each<[JobFilter, JobFilter]>([
    [{ queues: ['mails', 'other'] }, { queues: ['other'] }],
    [{ states: ['failed'] }, { states: [] }],
    [{ ids: ['7'] }, { ids: ['8'] }],
    [{ names: ['welcome'] }, { names: ['Welcome'] }],
    [{ fingerprints: ['f1'] }, { fingerprints: ['f2'] }],
    [{ causes: ['crashed', 'attempts-spent'] }, { causes: ['crashed'] }],
    [{ errorText: 'mailBOX' }, { errorText: 'timeout' }],
    [{ errorText: 'typeerror' }, { errorText: 'f1' }],
    [{ withinMs: 8_000 }, { withinMs: 7_999 }],
    [{ olderThanMs: 8_000 }, { olderThanMs: 8_001 }],
    [{ attempts: { is: '=', value: 3 } }, { attempts: { is: '=', value: 2 } }],
    [{ attempts: { is: '>=', value: 3 } }, { attempts: { is: '>', value: 3 } }],
    [{ priority: { is: '<=', value: 2 } }, { priority: { is: '<', value: 2 } }],
  ])('%j holds and %j does not', (yes, no) => {
    expect(matches(yes)).toBe(true);
    expect(matches(no)).toBe(false);
  });

  test('a job without an error or a cause matches no condition on them', () => {
    const open = { error: null, cause: null };
    expect(matches({ errorText: '' }, open)).toBe(false);
    expect(matches({ fingerprints: ['f1'] }, open)).toBe(false);
    expect(matches({ causes: ['crashed'] }, open)).toBe(false);
  });

  test('all conditions must hold together', () => {
    expect(matches({ states: ['failed'], names: ['other'] })).toBe(false);
  });

  test('the age counts from the adding while the job is open, and is never below 0', () => {
    expect(matches({ withinMs: 8_999 }, { finishedAt: null })).toBe(false);
    expect(matches({ withinMs: 0 }, { finishedAt: NOW_MS + 5_000 })).toBe(true);
  });

  test('values in the body are compared as text, along own properties only', () => {
    expect(matches(dataAt('ada', 'to'))).toBe(true);
    expect(matches(dataAt('36', 'age'))).toBe(true);
    expect(matches(dataAt('true', 'ok'))).toBe(true);
    expect(matches(dataAt('null', 'no'))).toBe(true);
    expect(matches(dataAt('x', 'list', '0', 'sku'))).toBe(true);
    expect(matches(dataAt('1', '__proto__', 'a'))).toBe(true);
    expect(matches(dataAt('undefined', 'missing'))).toBe(false);
    expect(matches(dataAt('[object Object]', 'list', '0'))).toBe(false);
    expect(matches(dataAt('3', 'to', 'length'))).toBe(false);
    expect(matches(dataAt('Object', 'constructor', 'name'))).toBe(false);
  });

  test('a body that is not JSON matches no condition on data', () => {
    const broken = { body: new Uint8Array([0xff, 0xfe]) };
    expect(matches(dataAt('ada', 'to'), broken)).toBe(false);
    expect(matches(dataAt('ada', 'to'), { contentType: 'text/plain' })).toBe(false);
    expect(matches(dataAt('ada', 'to'), { contentType: 'application/vnd.api+json; charset=utf-8' })).toBe(
      true,
    );
  });
});
