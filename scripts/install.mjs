/** Makes node_modules what the lock file says, and does nothing when it is. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { npm, root, say } from './run.mjs';

/**
 * Compares contents, not times: a fresh checkout gives every file a new time. Packages marked optional may be
 * absent, because they are for other machines.
 */
export function isInstalled() {
  const installed = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return false;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const present = JSON.parse(readFileSync(installed, 'utf8')).packages;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true;
    return present[path] === undefined ? entry.optional === true : present[path].version === entry.version;
  });
}

/**
 * `npm install --no-save` and not `npm ci`: both install exactly what the lock file has, but `npm ci` refuses a lock
 * file that lacks optional packages for other machines, and some registries do not carry all of those.
 */
export async function install() {
  if (isInstalled()) return;
  say('Installing (npm install) …');
  const { code, output } = await npm(['install', '--no-save', '--loglevel=error'], { quiet: true });
  if (code === 0) return;
  process.stderr.write(output);
  throw new Error('npm install failed; its output stands above');
}
