import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A directory of a test's own; every database in it has a path of its own. */
export interface Scratch {
  /** Of a file that is not there yet. */
  nextPath(): string;
  /** The one that `nextPath` answered last. */
  lastPath(): string;
  remove(): void;
}

export function makeScratch(): Scratch {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-'));
  let count = 0;
  const lastPath = (): string => join(directory, `${count}.db`);
  return {
    nextPath: () => {
      count += 1;
      return lastPath();
    },
    lastPath,
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
