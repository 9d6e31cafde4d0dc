/** What this process is and where it runs, as it presents itself in the registry of workers. */

import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

export interface Machine {
  readonly host: string;
  readonly pid: number;
  /** Of this package. */
  readonly version: string;
}

export const machine: Machine = Object.freeze({
  host: hostname(),
  pid: process.pid,
  version: readVersion(),
});

/** The manifest lies two folders up from the sources and from the built files alike. */
function readVersion(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return String((JSON.parse(manifest) as { version?: unknown }).version);
}
