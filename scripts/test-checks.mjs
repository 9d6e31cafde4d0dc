/** The checks that are no tests: each counts as one, passed or failed. */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bin, npm, run } from './run.mjs';

const tool = (name, args) => () => run(bin(name), args, { quiet: true });

/** Runs a tool on the tarball that would be published, so that what is checked is what ships. */
function onTarball(name, args) {
  return async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-pack-'));
    try {
      const packed = await npm(['pack', '--pack-destination', folder], { quiet: true });
      if (packed.code !== 0) return packed;
      const tarball = readdirSync(folder).find((file) => file.endsWith('.tgz'));
      return await run(bin(name), [...args, join(folder, tarball)], { quiet: true });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
}

export const checks = {
  biome: tool('biome', ['check', '--error-on-warnings', '.']),
  tsc: tool('tsc', ['--noEmit', '-p', 'tsconfig.json']),
  knip: tool('knip', ['--no-progress']),
  publint: onTarball('publint', ['run', '--strict']),
  attw: onTarball('attw', ['--profile', 'esm-only']),
};
