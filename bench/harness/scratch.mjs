/** A folder for the files of a run, on the disk that temporary files are on, gone at its end. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export function makeScratch(under = tmpdir()) {
  const folder = mkdtempSync(join(under, 'millrace-bench-'));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }) };
}
