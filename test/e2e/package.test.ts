import { spawnSync } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../tidy/files.ts';
import {
  cleanEnvironment,
  DRIVER,
  emptyFolder,
  hasOwnSqlite,
  installInto,
  otherNode,
  packInto,
  remove,
} from './newcomer.ts';

/** `npm i millrace`, and nothing else. */
const bare = emptyFolder('bare');
/** The same with what this version of Node needs to have SQLite. */
const ready = emptyFolder('ready');
let said = '';

function runGuide(
  folder: string,
  node = process.execPath,
): ReturnType<typeof spawnSync> & { stdout: string } {
  copyFileSync(join(root, 'examples', 'guide.mjs'), join(folder, 'guide.mjs'));
  const args = ['--no-warnings', 'guide.mjs'];
  return spawnSync(node, args, { cwd: folder, env: cleanEnvironment(), encoding: 'utf8', timeout: 60_000 });
}

const GUIDE_SAYS = [
  'Processing order A-1042...',
  'mail to ada@example.com',
  'invoice for A-1042',
  'stock: 1 line',
  'warehouse: ship A-1042',
  'Order A-1042 processed successfully',
];

beforeAll(() => {
  const tarball = packInto(emptyFolder('pack'));
  said = installInto(bare, [tarball]);
  installInto(ready, hasOwnSqlite ? [tarball] : [tarball, DRIVER]);
});

afterAll(() => {
  for (const folder of [bare, ready]) remove(folder);
});

describe('the package as it would be published', () => {
  it('brings one package with it, no driver, and no install script', () => {
    const lock = JSON.parse(readFileSync(join(bare, 'package-lock.json'), 'utf8'));
    const installed = readdirSync(join(bare, 'node_modules')).filter((name) => !name.startsWith('.'));

    expect(installed.sort()).toEqual(['commander', 'millrace']);
    expect(JSON.stringify(lock)).not.toContain('hasInstallScript');
    expect(said).not.toMatch(/warn|script/i);
  });

  it('holds what runs and what explains it, no tests and no sources', () => {
    const names = readdirSync(join(bare, 'node_modules', 'millrace'), { recursive: true }).map(String);

    expect(names).toEqual(
      expect.arrayContaining(['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'dist']),
    );
    expect(names.filter((name) => /\.test\.|^(src|test|examples|scripts)\b/.test(name))).toEqual([]);
  });

  it('runs the example of the guides as written, with only the import changed', () => {
    const { status, stdout, stderr } = runGuide(ready);

    expect(stderr).toBe('');
    expect(stdout.split('\n')).toEqual(expect.arrayContaining(GUIDE_SAYS));
    expect(stdout).toMatch(/^✓ Job [0-9a-f-]{36} completed$/m);
    expect(stdout).toContain('{ waiting: 0, active: 0, failed: 0, delayed: 0 }');
    expect(status).toBe(0);
  });

  it.skipIf(hasOwnSqlite)(
    'names both ways out when this Node has no SQLite and no driver is installed',
    () => {
      const { status, stderr } = runGuide(bare);

      expect(status).not.toBe(0);
      expect(stderr).toContain('DriverMissingError');
      expect(stderr).toContain('npm i @photostructure/sqlite@1');
      expect(stderr).toMatch(/Node(\.js)? 22/);
    },
  );

  it('names the line that installs the driver of PostgreSQL when it is not there', () => {
    const program = `
      import { Queue } from 'millrace';
      const queue = new Queue('q', { connection: 'postgres://ada:secret@localhost:1/x' });
      await queue.add('n', 1);`;
    const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      cwd: bare,
      encoding: 'utf8',
    });

    expect(status).not.toBe(0);
    expect(stderr).toContain('DriverMissingError');
    expect(stderr).toContain('npm i pg');
    expect(stderr).not.toContain('secret@');
  });

  const others = [22, 24].map((version) => ({ version, node: otherNode(version) }));

  it.skipIf(others.some(({ node }) => node === null)).each(others)(
    'runs the same on Node $version with no driver installed',
    ({ node }) => {
      const { status, stdout } = runGuide(bare, node ?? process.execPath);

      expect(stdout.split('\n')).toEqual(expect.arrayContaining(GUIDE_SAYS));
      expect(status).toBe(0);
    },
  );
});
