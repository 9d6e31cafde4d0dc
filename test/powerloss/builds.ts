/** A build of Millrace with one thing changed in it, for the test alone. */

import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './record.ts';

const OPEN = join('store', 'sqlite', 'open.js');
const LEVEL = 'const FULL = 2;';

export interface Build {
  readonly dist: string;
  remove(): void;
}

/**
 * The build at `synchronous = normal`: the level that is set and the level below which a file is refused are one
 * constant, so that nothing else differs. Users have no such switch, and none is needed for this.
 */
export function buildAtNormal(): Build {
  // Below the repository, where its packages are found.
  mkdirSync(join(root, '.cache'), { recursive: true });
  const folder = mkdtempSync(join(root, '.cache', 'at-normal-'));
  const dist = join(folder, 'dist');
  cpSync(join(root, 'dist'), dist, { recursive: true });
  cpSync(join(root, 'package.json'), join(folder, 'package.json'));
  const file = join(dist, OPEN);
  const parts = readFileSync(file, 'utf8').split(LEVEL);
  if (parts.length !== 2) throw new Error(`"${LEVEL}" is not once in ${OPEN}: change this test with it`);
  writeFileSync(file, parts.join('const FULL = 1;'));
  return { dist, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
