/** Another process holds the file: it reads for long, or it writes and does not come to an end. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Queue } from 'millrace';
import { afterAll, afterEach, expect, it } from 'vitest';
import { makeFolder, millrace, Troubled, until } from './troubled.ts';

const MIB = 1024 * 1024;
const script = join(dirname(fileURLToPath(import.meta.url)), 'trouble-neighbour.mjs');
const { folder, remove } = makeFolder();
afterAll(remove);
let neighbour: ChildProcess | null = null;
afterEach(() => neighbour?.kill('SIGKILL'));

async function hold(path: string, statement: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--no-warnings', script, path, statement], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  neighbour = child;
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  return child;
}

async function letGo(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.stdin?.end();
  await ended;
}

const named = (child: ChildProcess): string =>
  process.platform === 'linux' ? `process ${child.pid} \\(.*trouble-neighbour` : '';

it('a read that does not end lets the log grow, which is told, and the log shrinks after it', async () => {
  const path = join(folder, 'read.db');
  const logBytes = (): number => statSync(`${path}-wal`).size;
  const queue = new Queue('mail', { connection: `sqlite:${path}` });
  const text = 'x'.repeat(1_000_000);
  await queue.add('letter', {});
  const reader = await hold(path, 'begin');
  while (logBytes() < 66 * MIB) {
    await queue.addBulk(Array.from({ length: 20 }, () => ({ name: 'letter', data: { text } })));
  }
  const status = millrace(path, 'status');
  expect(status.text).toMatch(
    /notice +store: the write-ahead log has \d+ MiB and cannot shrink, because some connection/,
  );
  expect(status.text).toMatch(new RegExp(`End the long read; reading now: .*${named(reader)}`));

  await letGo(reader);
  await until('the log is small', () => logBytes() <= 8 * MIB);
  expect(millrace(path, 'status').text).not.toMatch(/store: the write-ahead log/);
  await queue.close();
});

it('a neighbour that never commits is named, and all go on when it has gone', async () => {
  const path = join(folder, 'write.db');
  const troubled = new Troubled(path, { leaseMs: 90_000 });
  try {
    await troubled.more('completed', 5);
    const writer = await hold(path, 'begin immediate');
    const holder = named(writer) || 'another connection';
    const told = millrace(path, 'status');
    expect(told.text).toMatch(new RegExp(`STORE TROUBLE: for 2 s now ${holder}.* has the database locked`));
    expect(told.text).toMatch(/→ Let it end its transaction, or end that process/);
    expect(told.code).toBe(3);
    await until('the worker says so', () => troubled.all('error').length > 0, troubled.said);
    const [error] = troubled.all('error');
    expect(error?.name).toBe('StoreUnavailableError');
    expect(error?.message).toMatch(new RegExp(`is locked by ${holder}`));

    writer.kill('SIGKILL');
    await until('it says that all is well', () => troubled.all('recovered').length > 0, troubled.said);
    await troubled.more('completed', 10);
  } finally {
    await troubled.stop();
  }
  expect(troubled.all('lease-lost')).toEqual([]);
  await troubled.expectNothingLost();
});
