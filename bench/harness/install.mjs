/** Installs what the bench measures beside us: its own packages, into its own folder, without install scripts. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { npm } from '../../scripts/run.mjs';
import { bench } from './paths.mjs';

function isInstalled() {
  const { dependencies } = JSON.parse(readFileSync(join(bench, 'package.json'), 'utf8'));
  return Object.entries(dependencies).every(([name, version]) => {
    const manifest = join(bench, 'node_modules', name, 'package.json');
    return existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).version === version;
  });
}

/** A peer that cannot be installed is not measured; it is no reason to measure nothing. */
export async function installPeers(say) {
  if (isInstalled()) return;
  say('Installing the peers (npm install, in bench/) …');
  const { code, output } = await npm(['install', '--no-save', '--ignore-scripts', '--loglevel=error'], {
    quiet: true,
    cwd: bench,
  });
  if (code !== 0) say(`THE PEERS COULD NOT BE INSTALLED:\n${output}`);
}
