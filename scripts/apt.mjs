/** Installs a package of the system, where that is allowed and there is apt-get. Whether it came, the caller looks. */

import { run } from './run.mjs';

export async function aptInstall(name) {
  const install = () => run('apt-get', ['install', '-y', '--no-install-recommends', name], { quiet: true });
  if ((await install()).code === 0) return;
  // A machine that was just made may not know its packages yet.
  await run('apt-get', ['update'], { quiet: true });
  await install();
}
