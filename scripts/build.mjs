/** Compiles src/ to dist/ when dist/ is missing or not made from the present sources. */

import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { install } from './install.mjs';
import { bin, root, run, say } from './run.mjs';

const dist = join(root, 'dist');
const cache = join(root, '.cache');
const stamp = join(cache, 'built-from');

/** Names, sizes and times of all that goes into the build; also notices a file that was removed. */
function fingerprint() {
  const hash = createHash('sha256');
  const files = readdirSync(join(root, 'src'), { recursive: true }).map((file) => join('src', file));
  for (const file of [...files, 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'].sort()) {
    const { size, mtimeMs } = statSync(join(root, file));
    if (!file.endsWith('.test.ts')) hash.update(`${file} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

function isBuilt() {
  return (
    existsSync(join(dist, 'index.js')) && existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint()
  );
}

/** Compiles aside and swaps, so that a build that fails leaves the old one and a reader never sees half of it. */
async function compile() {
  const made = join(cache, `build-${process.pid}`);
  const from = fingerprint();
  rmSync(made, { recursive: true, force: true });
  mkdirSync(made, { recursive: true });
  try {
    const { code, output } = await run(
      bin('tsc'),
      ['-p', 'tsconfig.build.json', '--outDir', join(made, 'new')],
      { quiet: true },
    );
    if (code !== 0) throw new Error(`tsc failed:\n${output}`);
    chmodSync(join(made, 'new', 'cli', 'main.js'), 0o755);
    if (existsSync(dist)) renameSync(dist, join(made, 'old'));
    renameSync(join(made, 'new'), dist);
    writeFileSync(stamp, from);
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

export async function build() {
  if (isBuilt()) return;
  say('Building (tsc) …');
  await compile();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    await install();
    await build();
  } catch (error) {
    say(error.message);
    process.exit(1);
  }
}
