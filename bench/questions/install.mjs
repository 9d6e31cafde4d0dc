/** What `npm i` brings into an empty folder: packages, bytes, and programs that run at install. */

import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { npm } from '../../scripts/run.mjs';
import { root } from '../harness/paths.mjs';

const DRIVER = 'with the driver';

/** The driver at the version that the repository tests with. */
function driverSpecifier() {
  const { peerDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return `@photostructure/sqlite@${peerDependencies['@photostructure/sqlite']}`;
}

async function runNpm(args, cwd) {
  const { code, output } = await npm([...args, '--loglevel=error', '--prefer-offline'], { quiet: true, cwd });
  if (code !== 0) throw new Error(`npm ${args[0]} failed: ${output}`);
}

async function packOurs(folder) {
  await runNpm(['pack', '--pack-destination', folder], root);
  const name = readdirSync(folder).find((file) => file.endsWith('.tgz'));
  return join(folder, name);
}

async function whatToInstall({ peer, variant, folder }) {
  if (peer === 'bullmq') return { specifiers: ['bullmq@6', 'ioredis@6'], tarballBytes: null };
  const tarball = await packOurs(folder);
  const specifiers = variant === DRIVER ? [tarball, driverSpecifier()] : [tarball];
  return { specifiers, tarballBytes: statSync(tarball).size };
}

function bytesUnder(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, path, name }) => sum + statSync(join(parentPath ?? path, name)).size, 0);
}

export const question = {
  peers: ['millrace', 'bullmq'],
  variants: { millrace: [null, DRIVER] },
  runs: 1,
  size: {},
  quick: {},
  rows: () => [
    {
      key: 'scripts',
      title: '`npm i` in an empty folder: install scripts',
      unit: '',
      goals: [{ atMost: 0 }],
    },
    { key: 'packages', title: '`npm i` in an empty folder: packages', unit: '' },
    { key: 'installedMB', title: '`npm i` in an empty folder: size of node_modules', unit: 'MB' },
    { key: 'tarballKB', title: 'the packed tarball that `npm i` fetches', unit: 'kB', peers: ['millrace'] },
    {
      ...{ key: 'scripts', title: '`npm i` with the driver that Node 20 needs: install scripts', unit: '' },
      ...{ peers: ['millrace'], variant: DRIVER },
    },
    {
      ...{ key: 'packages', title: '`npm i` with the driver that Node 20 needs: packages', unit: '' },
      ...{ peers: ['millrace'], variant: DRIVER },
    },
    {
      ...{
        key: 'installedMB',
        title: '`npm i` with the driver that Node 20 needs: size of node_modules',
        unit: 'MB',
      },
      ...{ peers: ['millrace'], variant: DRIVER },
    },
  ],
  /** Scripts are counted, not run: npm notes in its lock file which packages have any. */
  async measure({ peer, variant, folder }) {
    const { specifiers, tarballBytes } = await whatToInstall({ peer, variant, folder });
    const home = join(folder, 'empty');
    mkdirSync(home);
    writeFileSync(join(home, 'package.json'), '{ "private": true }\n');
    await runNpm(['install', '--ignore-scripts', '--no-audit', '--no-fund', ...specifiers], home);
    const lock = JSON.parse(readFileSync(join(home, 'node_modules', '.package-lock.json'), 'utf8'));
    const packages = Object.values(lock.packages);
    return {
      packages: packages.length,
      scripts: packages.filter(({ hasInstallScript }) => hasInstallScript).length,
      installedMB: bytesUnder(join(home, 'node_modules')) / 1e6,
      tarballKB: tarballBytes === null ? null : tarballBytes / 1000,
    };
  },
};
