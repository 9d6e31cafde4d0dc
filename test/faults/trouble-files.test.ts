/** The file is not where it was, not what it was, or not where one should be. */

import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { connect, Queue } from 'millrace';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { lacking, makeFolder, millrace, Troubled } from './troubled.ts';

const noMount = lacking('mount');
const { folder, remove } = makeFolder();
afterAll(remove);
let count = 0;
let path = '';
beforeEach(() => {
  count += 1;
  path = join(folder, `${count}.db`);
});
const companions = (file: string): string[] => [file, `${file}-wal`, `${file}-shm`];

function execute(file: string, sql: string): void {
  const require = createRequire(import.meta.url);
  const { DatabaseSync } = require('@photostructure/sqlite') as {
    DatabaseSync: new (path: string) => { exec(sql: string): void; close(): void };
  };
  const db = new DatabaseSync(file);
  db.exec(sql);
  db.close();
}

describe('a database that is taken away while it is in use', () => {
  it('is missed before anything is acknowledged, and used again when it is back', async () => {
    const troubled = new Troubled(path);
    try {
      await troubled.more('completed', 10);
      for (const file of companions(path)) if (existsSync(file)) renameSync(file, `${file}.away`);
      await troubled.more('refused', 10);
      expect(existsSync(path)).toBe(false);
      expect(troubled.all('refused').at(-1)?.message).toMatch(
        /was deleted or moved away while it was in use/,
      );
      for (const file of companions(path)) {
        if (existsSync(`${file}.away`)) renameSync(`${file}.away`, file);
      }
      await troubled.more('completed', 10);
    } finally {
      await troubled.stop();
    }
    expect(troubled.all('lease-lost')).toEqual([]);
    await troubled.expectNothingLost();
  });

  it('is not mixed with the log of the one that it replaced', async () => {
    const queue = new Queue('mail', { connection: `sqlite:${path}` });
    await queue.add('letter', {}, { jobId: 'old' });
    const backup = join(folder, 'backup.db');
    copyFileSync(path, backup);
    const stranger = join(folder, 'stranger.db');
    expect(millrace(stranger, 'add', 'mail', 'letter', '{}').code).toBe(0);
    renameSync(stranger, path);

    const error = await queue.add('letter', {}).catch((thrown: unknown) => thrown);

    expect(error).toMatchObject({
      code: 'MILLRACE_STORE_UNAVAILABLE',
      message: expect.stringMatching(
        /was replaced by another file.*remove the files ending in -wal and -shm/,
      ),
    });
    await queue.close();
  });
});

describe('a database that cannot be used', () => {
  it('of a newer release is left alone, with both versions and what to do', async () => {
    expect(millrace(path, 'add', 'mail', 'letter', '{}').code).toBe(0);
    execute(path, "update millrace_meta set value = 99 where key in ('schema_version', 'min_client')");
    const sentence =
      /has schema 99, which needs a client of schema 99 or later; this release of millrace has \d+\. Update/;

    const error = await new Queue('mail', { connection: `sqlite:${path}` })
      .add('a', {})
      .catch((e: unknown) => e);
    expect(error).toMatchObject({
      code: 'MILLRACE_SCHEMA_VERSION',
      message: expect.stringMatching(sentence),
    });
    for (const command of ['status', 'doctor']) expect(millrace(path, command).text).toMatch(sentence);
    expect(millrace(path, 'doctor').code).toBe(3);
  });

  it('is a directory, or a file of something else', () => {
    mkdirSync(path);
    expect(millrace(path, 'status').text).toMatch(/is not a file. Give the path of a database file/);
    const letter = `${path}.letter`;
    writeFileSync(letter, 'Dear Sir or Madam, '.repeat(500));
    expect(millrace(letter, 'status').text).toMatch(/damaged or not a database .*recover-a-damaged-store/);
    expect(millrace(letter, 'doctor').code).toBe(3);
  });

  it.skipIf(noMount !== null)(
    'is on a disk that is mounted for reading only, until it is not any more',
    async () => {
      const place = join(folder, 'mounted');
      mkdirSync(place, { mode: 0o700 });
      const mount = (...args: string[]): void =>
        expect(spawnSync('mount', [...args, place]).status).toBe(0) as never;
      mount('-t', 'tmpfs', '-o', 'size=30m,mode=700', 'tmpfs');
      try {
        const file = join(place, 'jobs.db');
        expect(millrace(file, 'add', 'mail', 'letter', '{}').code).toBe(0);
        mount('-o', 'remount,ro');
        const queue = new Queue('mail', { connection: `sqlite:${file}` });
        const error = await queue.add('letter', {}).catch((thrown: unknown) => thrown);
        expect(error).toMatchObject({
          code: 'MILLRACE_ENVIRONMENT',
          message: expect.stringMatching(/cannot be opened for writing .*EROFS.*mounted for writing/),
        });
        expect(millrace(file, 'doctor').text).toMatch(/^error +store: .*cannot be opened for writing/m);

        mount('-o', 'remount,rw');
        await queue.add('letter', {}, { jobId: 'after' });
        expect((await queue.getJob('after'))?.id).toBe('after');
        await queue.close();
      } finally {
        spawnSync('umount', [place]);
      }
    },
  );

  it.skipIf(process.getuid?.() !== 0)('belongs to somebody else', () => {
    expect(millrace(path, 'add', 'mail', 'letter', '{}').code).toBe(0);
    chmodSync(folder, 0o755);
    const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups'];
    const cli = new URL('../../dist/cli/main.js', import.meta.url).pathname;
    const args = [...nobody, process.execPath, cli, 'status', '--store', `sqlite:${path}`];
    const { stderr } = spawnSync('setpriv', args, { encoding: 'utf8' });
    expect(stderr).toMatch(/EACCES.*Check who owns the file/);
  });

  it('cannot be opened while there are no file descriptors left, and can when there are', () => {
    const program = `
      import { closeSync, openSync } from 'node:fs';
      import { Queue } from 'millrace';
      const warm = new Queue('mail', { connection: 'sqlite:${path}' });
      await warm.add('letter', {}, { jobId: 'first' });
      const files = [];
      try { for (;;) files.push(openSync('/dev/null')); } catch (error) { console.log(error.code); }
      await warm.add('letter', {}, { jobId: 'second' });
      const cold = new Queue('mail', { connection: 'sqlite:${path}.other' });
      console.log((await cold.add('letter', {}).catch((error) => error)).code);
      for (const file of files) closeSync(file);
      await new Queue('mail', { connection: 'sqlite:${path}.other' }).add('letter', {});
      console.log('works');
      process.exit();
    `;
    const args = ['--nofile=120', process.execPath, '--no-warnings', '--input-type=module', '-e', program];
    const { stdout, stderr } = spawnSync('prlimit', args, {
      encoding: 'utf8',
      cwd: new URL('../..', import.meta.url),
    });
    expect(stdout.trim().split('\n'), stderr).toEqual(['EMFILE', 'MILLRACE_ENVIRONMENT', 'works']);
  });
});

describe('a file system that is not a local disk', () => {
  const TYPES = {
    NFS: 0x6969,
    CIFS: 0xff534d42,
    'SMB 2': 0xfe534d42,
    Ceph: 0x00c36400,
    Lustre: 0x0bd00bd0,
    GFS2: 0x01161970,
    FUSE: 0x65735546,
    '9P': 0x01021997,
    ext4: 0xef53,
  };
  const results: Record<string, { readonly code: string; readonly warned: string }> = {};

  /** As if a folder of that name were on a file system of that type: real ones would need another machine. */
  beforeAll(() => {
    const program = `
      import fs from 'node:fs';
      import { syncBuiltinESMExports } from 'node:module';
      const types = ${JSON.stringify(TYPES)};
      const { statfsSync } = fs;
      fs.statfsSync = (path) => Object.assign(statfsSync(path), { type: types[path.split('/').at(-1)] });
      syncBuiltinESMExports();
      const { Queue } = await import('millrace');
      const results = {};
      process.on('warning', ({ message }) => {
        const name = message.split('/').at(-2);
        results[name].warned += message;
      });
      for (const name of Object.keys(types)) {
        results[name] = { code: '', warned: '' };
        for (const again of [1, 2]) {
          const queue = new Queue('mail', { connection: 'sqlite:${folder}/' + name + '/jobs.db' });
          results[name].code = (await queue.add('letter', {}).catch((error) => error)).code ?? 'added';
          await queue.close();
        }
      }
      console.log(JSON.stringify(results));
    `;
    const args = ['--no-warnings', '--input-type=module', '-e', program];
    const cwd = new URL('../..', import.meta.url);
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', cwd });
    expect(stderr).toBe('');
    Object.assign(results, JSON.parse(stdout));
  });

  it.each(['NFS', 'CIFS', 'SMB 2', 'Ceph', 'Lustre', 'GFS2'])('is refused: %s', (name) => {
    expect(results[name]).toEqual({ code: 'MILLRACE_ENVIRONMENT', warned: '' });
    expect(existsSync(join(folder, name, 'jobs.db'))).toBe(false);
  });

  it.each(['FUSE', '9P'])('is warned of, once: %s', (name) => {
    expect(results[name]).toEqual({
      code: 'added',
      warned: expect.stringMatching(/^"[^"]+" lies on a file system that is a bridge to another one[^"]+$/),
    });
  });

  it('is not what ext4 is taken for', () => {
    expect(results['ext4']).toEqual({ code: 'added', warned: '' });
  });
});

it('a write that cannot be kept is never acknowledged into a file without a name', async () => {
  const queue = new Queue('mail', { connection: `sqlite:${path}` });
  await queue.add('letter', {}, { jobId: 'first' });
  for (const file of companions(path)) rmSync(file, { force: true });
  const answers = await Promise.allSettled([queue.add('letter', {}, { jobId: 'second' })]);
  expect(answers[0]?.status).toBe('rejected');
  expect(existsSync(path)).toBe(false);
  await queue.close();
  const connected = connect(`sqlite:${path}`);
  expect(await connected.store.queues()).toEqual([]);
  await connected.release();
});
