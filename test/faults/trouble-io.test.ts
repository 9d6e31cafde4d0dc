/** Reading, writing and flushing that fail or take long, by strace's inject. */

import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { lacking, makeFolder, millrace, millraceUnder, Troubled } from './troubled.ts';

const noStrace = lacking('strace');
const { folder, remove } = makeFolder();
afterAll(remove);
let count = 0;
const nextPath = (): string => {
  count += 1;
  return join(folder, `${count}.db`);
};

describe.skipIf(noStrace !== null)('a disk that fails', () => {
  it.each([
    ['a write while the schema is made', 'inject=pwrite64:error=EIO:when=14', 1],
    ['a write while jobs run', 'inject=pwrite64:error=EIO:when=250', 1],
    ['a flush of a commit while jobs run', 'inject=fsync:error=EIO:when=25', 1],
    ['a flush of added jobs while others run', 'inject=fdatasync:error=EIO:when=25', 1],
    ['a read', 'inject=pread64:error=EIO:when=20', 1],
    ['twelve flushes in a row', 'inject=fsync,fdatasync:error=EIO:when=30..41', 12],
  ])('%s: nothing acknowledged is lost, and the worker goes on', async (_name, rule, faults) => {
    const troubled = new Troubled(nextPath(), { inject: [rule] });
    try {
      await troubled.injected(faults);
      await troubled.more('completed', 20);
    } finally {
      await troubled.stop();
    }
    for (const { name } of troubled.all('error')) expect(name).toBe('StoreUnavailableError');
    // One outage is told once, however often it is met.
    expect(troubled.all('error').length).toBeLessThanOrEqual(2);
    expect(troubled.all('lease-lost')).toEqual([]);
    await troubled.expectNothingLost();
  });

  it('is told of by the doctor for as long as it fails', async () => {
    const path = nextPath();
    expect(millrace(path, 'add', 'mail', 'letter', '{}').code).toBe(0);
    const told = millraceUnder(['inject=fsync:error=EIO'], path, 'doctor');

    expect(told.text).toMatch(
      /^error +write: writing fails: reading or writing the database .* failed \(disk I\/O error\)/m,
    );
    expect(told.code).toBe(3);
  });
});

describe.skipIf(noStrace !== null)('a disk that takes more than a second to flush', () => {
  it('costs no lease and does not block the application, and is told of', async () => {
    const path = nextPath();
    const rule = 'inject=fsync:delay_enter=1200000:when=40..42';
    const troubled = new Troubled(path, { leaseMs: 15_000, inject: [rule] });
    try {
      await troubled.more('completed', 10);
      await troubled.injected(3);
      await troubled.more('completed', 20);
      const sentence =
        /(\d+ commits|a commit) took longer than 1 s \(the worst 1\.\d s, .*since \d{4}-.*Z, last .* ago/;
      expect(millrace(path, 'status').text).toMatch(sentence);
      expect(millrace(path, 'doctor').text).toMatch(/^warning +commits: /m);
    } finally {
      await troubled.stop();
    }
    expect(troubled.all('lease-lost')).toEqual([]);
    expect(troubled.all('error')).toEqual([]);
    // Far below one flush: no timed assertion of speed, but of who waits for the disk.
    expect(troubled.all('stopping')[0]?.worstMs).toBeLessThan(1_000);
    await troubled.expectNothingLost();
  });
});
