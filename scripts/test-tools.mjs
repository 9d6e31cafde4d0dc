/** Programs that some tests need and npm does not bring. Installed where that is possible without a question. */

import { spawnSync } from 'node:child_process';
import { run, say } from './run.mjs';

/** By the name of the package and of the program alike. */
const NEEDED = { integration: ['pgbouncer'], faults: ['strace', 'faketime'], powerloss: ['strace'] };

const isThere = (tool) => spawnSync(tool, ['-V'], { stdio: 'ignore' }).error === undefined;

/** A machine that was just made may not know its packages yet. */
async function aptInstall(tool) {
  const install = () => run('apt-get', ['install', '-y', '--no-install-recommends', tool], { quiet: true });
  const { code } = await install();
  if (code === 0) return;
  await run('apt-get', ['update'], { quiet: true });
  await install();
}

/** A test whose tool is still missing then says so itself, and fails where CI=true. */
export async function provideTools(project) {
  for (const tool of NEEDED[project] ?? []) {
    if (isThere(tool)) continue;
    if (process.platform === 'linux' && process.getuid() === 0) {
      say(`Installing ${tool} (apt-get) …`);
      await aptInstall(tool);
    }
    if (!isThere(tool)) say(`!!! ${tool} IS MISSING: the tests that need it do not run !!!`);
  }
}
