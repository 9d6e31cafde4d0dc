/** What a figure was measured on. */

import { execFileSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';

function fileSystemOf(folder) {
  try {
    const out = execFileSync('df', ['--output=fstype', folder], { encoding: 'utf8' });
    return out.trim().split('\n').at(-1);
  } catch {
    return 'unknown';
  }
}

export function describeMachine(folder) {
  return {
    cpu: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${process.platform} ${release()}, ${process.arch}`,
    fileSystem: fileSystemOf(folder),
    node: process.version,
  };
}
