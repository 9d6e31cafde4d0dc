/** Programs that make faults. `npm test` installs them where it may; without one its tests say so and are skipped. */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

export const FAKETIME: string | undefined = [
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1',
  '/usr/lib/faketime/libfaketimeMT.so.1',
].find((file) => existsSync(file));

/** Says it once, loudly: what is not run proves nothing. Where CI runs, the test is run all the same, and fails. */
export function missing(tool: 'strace' | 'faketime'): boolean {
  const isThere = tool === 'faketime' ? FAKETIME !== undefined : spawnSync(tool, ['-V']).status === 0;
  if (!isThere)
    process.stderr.write(
      `\n${tool} is not installed: its fault tests are SKIPPED (apt-get install ${tool})\n`,
    );
  return !isThere && process.env['CI'] !== 'true';
}
