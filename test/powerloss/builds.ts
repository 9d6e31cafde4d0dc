/** A build of Millrace with one thing changed in it, for the test alone. */

import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './record.ts';

/** In each file of `store/sqlite/` the words that make it flush, and what stands there instead. */
const CHANGES = [
  ['open.js', 'const FULL = 2;', 'const FULL = 1;'],
  ['log-flush.js', 'fdatasyncSync(this.#file);', ''],
] as const;

export interface Build {
  readonly dist: string;
  remove(): void;
}

/**
 * The build at `synchronous = normal`: the level that is set and the level below which a file is refused are one
 * constant, and nothing is flushed apart from SQLite, so that nothing else differs. Users have no such switch, and none
 * is needed for this.
 */
export function buildAtNormal(): Build {
  // Below the repository, where its packages are found.
  mkdirSync(join(root, '.cache'), { recursive: true });
  const folder = mkdtempSync(join(root, '.cache', 'at-normal-'));
  const dist = join(folder, 'dist');
  cpSync(join(root, 'dist'), dist, { recursive: true });
  cpSync(join(root, 'package.json'), join(folder, 'package.json'));
  for (const [name, words, others] of CHANGES) {
    const file = join(dist, 'store', 'sqlite', name);
    const parts = readFileSync(file, 'utf8').split(words);
    if (parts.length !== 2) throw new Error(`"${words}" is not once in ${name}: change this test with it`);
    writeFileSync(file, parts.join(others));
  }
  return { dist, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
